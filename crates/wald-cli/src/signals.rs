//! Ends the process without leaving temporary files behind: after a signal, and when memory runs out.
//!
//! A signal handler may only do what is async-signal-safe, so the names of temporary files are kept in a fixed array of C
//! strings. A name is created, renamed or removed inside [`uninterrupted`] only: that thread blocks signals, and a handler
//! on any other thread waits until it is done. So a handler sees each name either registered or gone.
//!
//! While `--run` waits for a build, signals go to the build.

#![allow(unsafe_code, reason = "signal handlers")]

use std::ffi::{c_char, CString};
#[cfg(unix)]
use std::ffi::{c_int, c_void};
#[cfg(unix)]
use std::sync::atomic::AtomicI32;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::time::Duration;

/// How many temporary files can have a name at the same time.
const SLOTS: usize = 16;

/// How long a dying process waits for threads inside [`uninterrupted`]: a rename may wait for the disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// Signals that end a process unless they are handled. `SIGABRT` is raised when memory runs out.
#[cfg(unix)]
const DEADLY: [c_int; 11] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGXCPU,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGABRT,
];

static NAMES: [AtomicPtr<c_char>; SLOTS] = [const { AtomicPtr::new(std::ptr::null_mut()) }; SLOTS];
/// How many threads are inside [`uninterrupted`].
static BUSY: AtomicUsize = AtomicUsize::new(0);
/// The process is about to end: no thread may enter [`uninterrupted`] any more.
static DYING: AtomicBool = AtomicBool::new(false);

/// A registered name. Dropping it takes it back; the file stays as it is.
pub struct Registered {
    slot: usize,
}

/// Registers a file that must not outlive the process. `None` if too many are registered: then nobody removes it after a
/// signal. Call it inside of [`uninterrupted`], together with what creates the file.
pub fn register(name: &CString) -> Option<Registered> {
    let copy = name.clone().into_raw();
    for (slot, place) in NAMES.iter().enumerate() {
        let (null, order) = (std::ptr::null_mut(), Ordering::SeqCst);
        if place.compare_exchange(null, copy, order, order).is_ok() {
            return Some(Registered { slot });
        }
    }
    // SAFETY: `into_raw` returned it, and no slot has it.
    drop(unsafe { CString::from_raw(copy) });
    None
}

impl Drop for Registered {
    /// Must happen inside of [`uninterrupted`], together with the rename or removal of the file.
    fn drop(&mut self) {
        let name = NAMES[self.slot].swap(std::ptr::null_mut(), Ordering::SeqCst);
        // SAFETY: `register` put it there, and nobody reads it now: a handler waits until this thread has left
        // `uninterrupted`, or gives up after `PATIENCE`, when the process ends anyway.
        drop(unsafe { CString::from_raw(name) });
    }
}

/// Runs `work` so that no signal ends the process in its midst. It must be short.
pub fn uninterrupted<R>(work: impl FnOnce() -> R) -> R {
    let _busy = Busy::enter();
    work()
}

struct Busy {
    #[cfg(unix)]
    mask: libc::sigset_t,
}

impl Busy {
    fn enter() -> Busy {
        #[cfg(unix)]
        let mask = set_mask(libc::SIG_SETMASK, &all_signals());
        BUSY.fetch_add(1, Ordering::SeqCst);
        if DYING.load(Ordering::SeqCst) {
            BUSY.fetch_sub(1, Ordering::SeqCst);
            loop {
                std::thread::sleep(PATIENCE);
            }
        }
        Busy {
            #[cfg(unix)]
            mask,
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::SeqCst);
        #[cfg(unix)]
        set_mask(libc::SIG_SETMASK, &self.mask);
    }
}

/// Removes all registered files. The process must end right after it. Async-signal-safe.
pub fn clean_up() {
    DYING.store(true, Ordering::SeqCst);
    for _ in 0..PATIENCE.as_millis() {
        if BUSY.load(Ordering::SeqCst) == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    for place in &NAMES {
        let name = place.load(Ordering::SeqCst);
        if !name.is_null() {
            #[cfg(unix)]
            // SAFETY: a registered name is a C string that lives until it is taken back, and nobody does that now.
            unsafe {
                libc::unlink(name);
            }
        }
    }
}

#[cfg(unix)]
fn all_signals() -> libc::sigset_t {
    // SAFETY: `sigfillset` writes the whole set.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&mut set);
        set
    }
}

/// Changes this thread's signal mask. Returns the earlier one.
#[cfg(unix)]
fn set_mask(how: c_int, set: &libc::sigset_t) -> libc::sigset_t {
    // SAFETY: both point to whole sets.
    unsafe {
        let mut earlier = std::mem::zeroed();
        libc::pthread_sigmask(how, set, &mut earlier);
        earlier
    }
}

/// Installs the handlers. Signals that the process was told to ignore (`nohup`) stay ignored.
#[cfg(unix)]
pub fn install() {
    for signal in DEADLY {
        handle(signal, on_deadly_signal as *const ());
    }
    // A write beyond the file size limit then fails with an error that can be reported.
    handle(libc::SIGXFSZ, on_harmless_signal as *const ());
}

/// There are no signals elsewhere.
#[cfg(not(unix))]
pub fn install() {}

#[cfg(unix)]
fn handle(signal: c_int, handler: *const ()) {
    // SAFETY: both structures are whole, and the handlers only call async-signal-safe functions.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &mut action) != 0 || action.sa_sigaction != libc::SIG_DFL
        {
            return;
        }
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_mask = all_signals();
        // On the stack that Rust's runtime keeps for handlers: the thread's own one may be used up.
        action.sa_flags = libc::SA_ONSTACK | libc::SA_SIGINFO;
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}

#[cfg(unix)]
extern "C" fn on_harmless_signal(_: c_int, _: *const libc::siginfo_t, _: *const c_void) {}

/// Cleans up, and ends the process by the same signal, so that the shell sees what happened.
#[cfg(unix)]
extern "C" fn on_deadly_signal(signal: c_int, info: *const libc::siginfo_t, _: *const c_void) {
    // SAFETY: the system gives a whole `siginfo_t`.
    if forwards(signal, unsafe { (*info).si_code }) {
        return;
    }
    clean_up();
    if signal == libc::SIGABRT && crate::out_of_memory::ran_out() {
        crate::out_of_memory::report_and_exit();
    }
    // SAFETY: all of these are async-signal-safe, and the structures are whole.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &action, std::ptr::null_mut());
        let mut only: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut only);
        libc::sigaddset(&mut only, signal);
        libc::raise(signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &only, std::ptr::null_mut());
        libc::_exit(128 + signal);
    }
}

/// The child that gets this process's signals; 0 if it is not known yet, [`NO_CHILD`] if none is running. A group of processes is
/// a number below [`NO_CHILD`]: [`UNKNOWN_GROUP`], or the group's number with a minus sign, as `kill` takes it.
#[cfg(unix)]
static CHILD: AtomicI32 = AtomicI32::new(NO_CHILD);
#[cfg(unix)]
const NO_CHILD: i32 = -1;
#[cfg(unix)]
const UNKNOWN_GROUP: i32 = i32::MIN;
/// A signal that came before the child was known; 0 if none did.
#[cfg(unix)]
static EARLY: AtomicI32 = AtomicI32::new(0);
/// The last signal that came while there was a child; 0 if none did.
#[cfg(unix)]
static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// While this value lives, signals that would end the process go to a child instead.
pub struct Forwarding(());

impl Forwarding {
    /// Begins before the child is started, so that no signal is lost.
    pub fn begin() -> Self {
        #[cfg(unix)]
        Self::begin_for(0);
        Forwarding(())
    }

    /// The same for a child that is the leader of a process group.
    pub fn begin_group() -> Self {
        #[cfg(unix)]
        Self::begin_for(UNKNOWN_GROUP);
        Forwarding(())
    }

    #[cfg(unix)]
    fn begin_for(child: i32) {
        EARLY.store(0, Ordering::SeqCst);
        RECEIVED.store(0, Ordering::SeqCst);
        CHILD.store(child, Ordering::SeqCst);
    }

    /// The signal that came so far.
    pub fn received(&self) -> Option<i32> {
        #[cfg(unix)]
        return Some(RECEIVED.load(Ordering::SeqCst)).filter(|&signal| signal != 0);
        #[cfg(not(unix))]
        None
    }

    /// Ends, and says which signal came meanwhile.
    #[cfg(unix)]
    pub fn end(self) -> Option<i32> {
        drop(self);
        Some(RECEIVED.swap(0, Ordering::SeqCst)).filter(|&signal| signal != 0)
    }

    /// There are no signals elsewhere.
    #[cfg(not(unix))]
    pub fn end(self) -> Option<i32> {
        None
    }
}

/// Ends this process as a signal does that came while there was a child.
pub fn raise(signal: i32) {
    #[cfg(unix)]
    // SAFETY: the handler cleans up, and does not return.
    unsafe {
        libc::raise(signal);
    }
    #[cfg(not(unix))]
    let _ = signal;
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        #[cfg(unix)]
        CHILD.store(NO_CHILD, Ordering::SeqCst);
    }
}

/// Names the child, and sends it the signal that came before.
#[cfg(unix)]
pub fn forward_to(child: u32) {
    name_child(child as i32);
}

/// Names the group, and sends it the signal that came before.
#[cfg(unix)]
pub fn forward_to_group(leader: u32) {
    name_child(-(leader as i32));
}

#[cfg(unix)]
fn name_child(child: i32) {
    CHILD.store(child, Ordering::SeqCst);
    let early = EARLY.swap(0, Ordering::SeqCst);
    if early != 0 {
        // SAFETY: the child was not waited for, so the number is its own.
        unsafe { libc::kill(child, early) };
    }
}

/// How a group of processes is ended.
#[derive(Clone, Copy)]
pub enum GroupSignal {
    /// Politely: `SIGTERM`.
    Terminate,
    /// At once: `SIGKILL`.
    Kill,
}

/// Ends all processes of a group, whose leader is this process's child.
#[cfg(unix)]
pub fn send_to_group(leader: u32, signal: GroupSignal) {
    let signal = match signal {
        GroupSignal::Terminate => libc::SIGTERM,
        GroupSignal::Kill => libc::SIGKILL,
    };
    // SAFETY: any numbers may be given. At worst the group is gone.
    unsafe { libc::kill(-(leader as i32), signal) };
}

/// There are no groups elsewhere.
#[cfg(not(unix))]
pub fn send_to_group(_: u32, _: GroupSignal) {}

/// There are no groups elsewhere.
#[cfg(not(unix))]
pub fn forward_to_group(_: u32) {}

/// There are no signals elsewhere.
#[cfg(not(unix))]
pub fn forward_to(_: u32) {}

/// Forwards a signal, if there is a child. Async-signal-safe.
///
/// The terminal sends its signals to a child too, but not to a child with a group of its own. So only groups get those. The kernel
/// sends them, and its codes are positive.
#[cfg(unix)]
fn forwards(signal: c_int, code: c_int) -> bool {
    let child = CHILD.load(Ordering::SeqCst);
    if child == NO_CHILD || signal == libc::SIGABRT {
        return false;
    }
    RECEIVED.store(signal, Ordering::SeqCst);
    if code <= 0 || child < NO_CHILD {
        match child {
            0 | UNKNOWN_GROUP => EARLY.store(signal, Ordering::SeqCst),
            // SAFETY: it may be called in a handler. At worst the child has just ended, and there is nobody to signal.
            child => _ = unsafe { libc::kill(child, signal) },
        }
    }
    true
}
