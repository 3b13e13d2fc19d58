//! `--watch`: stays after the link, and links again whenever a file has changed.
//!
//! The linker is kept, so that only inputs that changed are read and parsed again. [`Observer`] tells when a file has changed and
//! is complete; one that is gone counts as gone when it stays away. Inputs are copied into memory, never mapped, because they
//! change. While nothing changes, the next link is prepared. When a file changed that the command line is read from, all
//! begins anew.

use crate::clock::Instant;
use crate::inputs::{self, Inputs, Reading, Taken};
use crate::job::{self, Declared, Job, Linked, Session};
use crate::observer::{FileId, Observer, Stage, Verdict};
use crate::output_file::{Place, Staged};
use crate::outputs;
use crate::process_time::time_of_day;
use crate::render::Renderer;
use crate::sight::Sight;
use crate::stop::Stop;
use crate::text::{from_path, to_path};
use crate::transcript::Transcript;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::Duration;
use wald::Linker;

/// How often to look at files. The interval grows if a look takes long.
const LOOK: Duration = Duration::from_millis(20);
/// How often if the system tells of changes: there may be some that it does not tell of.
const SLOW_LOOK: Duration = Duration::from_millis(250);
/// How often files are looked at that have changed and may not be complete.
const CLOSE_LOOK: Duration = Duration::from_millis(4);
/// A file that has been away for so long is gone.
const GONE: Duration = Duration::from_millis(300);

/// Links, and links again whenever a file has changed. Ends with the process, or with [`Stop::Again`] when the command line
/// must be read again. `command_files` are those that it was read from.
pub fn run(
    job: Job,
    command_files: Vec<Sight>,
    session: Session,
    program: &str,
    out: &mut Renderer,
) -> Result<(), Stop> {
    let (arguments, settings, output_path) = (job.arguments, job.settings, from_path(&job.options.output));
    let session = Session { ends_process: false, ..session };
    let members = inputs::Members { keep_mapped: false, copies: true };
    let Declared { linker, inputs: declared, transcript, allowed_undefined, sights, .. } =
        job::declare(job, members, out);
    let command_files = command_files.into_iter().chain(sights).collect();
    let progress = &crate::progress::Progress::new(0);
    let (threads, shuffle, keep_mapped, reproduce) = (1, None, false, None);
    let reading = Reading { threads, shuffle, keep_mapped, copies: true, ahead: false, reproduce, progress };
    let mut what = format!("{} inputs", declared.paths().count());
    let transform = session.transform(settings);
    let mut watch = Watch::new(linker, &declared, reading, command_files, allowed_undefined);
    watch.place = Place::before(transform, &output_path, false);
    let mut size = None;
    session.clock.lap("read");
    loop {
        let linked = watch.link(&transcript);
        session.clock.link(Instant::now());
        out.begin_again();
        job::show(&linked, arguments, settings, out);
        let result = linked.result;
        let mut written = Err(Stop::Done);
        if let Some(result) = result.as_ref().filter(|result| result.module.is_ok()) {
            let transformed = transform
                .filter(|_| out.error_count() == 0)
                .map_or(Ok(()), |transform| watch.place.transform(transform));
            if let Err(diagnostic) = &transformed {
                out.show(diagnostic);
            }
            if out.error_count() == 0 {
                let stage = |stdout: &mut dyn Write| watch.stage(stdout);
                written = outputs::write(&output_path, result, settings, out, stage);
            }
        }
        session.clock.lap("save");
        let new_size = std::fs::metadata(&*to_path(&output_path)).map(|found| found.len()).ok();
        let line = format!(
            "{program}: {what}: {}\n",
            report(written.is_ok(), session.clock.elapsed(), size, new_size)
        );
        size = new_size;
        let _ = out.stderr.write_all(&crate::text::to_bytes(&line));
        if let Some(result) = result {
            outputs::report_timing(settings, &result.timing, session.clock, out);
        }
        let _ = out.check_streams();
        let Some(changed) = watch.wait() else { return Err(Stop::Again) };
        session.clock.restart();
        what = match &changed[..] {
            [one] => format!("{one} changed"),
            [one, rest @ ..] => format!("{one} and {} more changed", rest.len()),
            [] => String::new(),
        };
    }
}

/// What a line says about a link. `size` is that of the output before, `new_size` that of the output now.
fn report(is_linked: bool, took: Duration, size: Option<u64>, new_size: Option<u64>) -> String {
    let outcome = if is_linked { "linked" } else { "not linked" };
    let mut text = format!("{outcome} in {:.1} ms", took.as_secs_f64() * 1e3);
    if let Some(time) = time_of_day() {
        text += &format!(" at {time}");
    }
    match (is_linked, new_size, size) {
        (false, Some(_), _) => text + ", the output is stale",
        (true, Some(new), Some(old)) if new != old => {
            text + &format!(", {new} bytes ({:+})", i128::from(new) - i128::from(old))
        }
        (true, Some(new), _) => text + &format!(", {new} bytes"),
        _ => text,
    }
}

/// Waits until one of the files has changed and is complete: those that a command line was read from that is wrong.
pub fn wait_for_change(files: &[Sight]) {
    let mut observer = Observer::new(true);
    let ids: Vec<FileId> = files.iter().map(|sight| observer.observe(&sight.path)).collect();
    let mut files = files.to_vec();
    loop {
        observer.look_at(&ids, 1);
        if files.iter_mut().any(|sight| has_changed(&mut observer, sight)) {
            return;
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether a file that a command line was read from has changed, and is complete or gone.
fn has_changed(observer: &mut Observer, sight: &mut Sight) -> bool {
    if judge(observer, sight) != Verdict::Stale {
        return false;
    }
    // It was read before it was watched. If it looks the same, only its bytes tell.
    let started = Instant::now();
    if observer.is_same(sight) && sight.has_same_bytes() {
        sight.started = started;
        return false;
    }
    true
}

/// What a look at a file shows: [`Verdict::Stale`] if the file is complete or gone.
fn judge(observer: &mut Observer, sight: &Sight) -> Verdict {
    let file = observer.observe(&sight.path);
    if observer.stage(file) == Stage::Missing {
        return match sight.identity {
            None if sight.is_optional || observer.age(file) >= GONE => Verdict::Good,
            Some(_) if observer.age(file) >= GONE => Verdict::Stale,
            _ => Verdict::Wait,
        };
    }
    match observer.judge(sight) {
        Verdict::Stale if observer.stage(file) != Stage::Complete => Verdict::Wait,
        verdict => verdict,
    }
}

/// A kept link and its files.
struct Watch<'a> {
    linker: Linker,
    inputs: &'a Inputs,
    reading: Reading<'a>,
    observer: Observer,
    /// What reading each file gave.
    taken: Vec<Taken>,
    /// The files that the command line was read from.
    command_files: Vec<Sight>,
    /// The names that the command line allows to stay undefined.
    allowed: Vec<String>,
    /// Where the next module goes.
    place: Place,
}

impl<'a> Watch<'a> {
    /// A watch on a linker that has no input yet. `allowed` are the names that may stay undefined.
    fn new(
        linker: Linker,
        inputs: &'a Inputs,
        reading: Reading<'a>,
        command_files: Vec<Sight>,
        allowed: Vec<String>,
    ) -> Self {
        let mut observer = Observer::new(true);
        // The folders are watched before the files are read: no change is missed.
        (0..inputs.file_count()).for_each(|file| _ = observer.observe(inputs.path(file)));
        let place = Place::new(&from_path(&linker.options().output), false);
        let taken = (0..inputs.file_count()).map(|_| Taken::default()).collect();
        let mut watch = Watch { linker, inputs, reading, observer, taken, command_files, allowed, place };
        (0..inputs.file_count()).for_each(|file| watch.read(file));
        watch.settle(&mut BTreeSet::new());
        watch
    }

    /// Links what was read. The output's bytes are those of a link from nothing; [`Watch::write`] writes them.
    fn link(&mut self, transcript: &Transcript) -> Linked {
        let names =
            self.taken.iter().flat_map(|taken| &taken.allowed).chain(&self.allowed).cloned().collect();
        if self.linker.options().allowed_undefined != names {
            self.linker.options_mut().allowed_undefined = names;
        }
        let place = &mut self.place;
        job::link(&mut self.linker, self.inputs, transcript, |linker| linker.link_into(place))
    }

    /// Stages the module of the last link, which succeeded.
    fn stage(&mut self, stdout: &mut dyn Write) -> io::Result<Staged> {
        let next = self.place.another();
        std::mem::replace(&mut self.place, next).stage(stdout)
    }

    /// Waits until files have changed, and reads them again. Returns their paths; `None` if the command line must be read again.
    fn wait(&mut self) -> Option<Vec<String>> {
        // There is time.
        self.linker.prepare();
        let queue = self.observer.queue();
        loop {
            let before = Instant::now();
            let mut changed = BTreeSet::new();
            self.settle(&mut changed);
            if self.command_line_changed() {
                return None;
            }
            if !changed.is_empty() {
                return Some(changed.into_iter().collect());
            }
            let pause = before.elapsed() * 4;
            match &queue {
                Some(queue) => _ = queue.wait(pause.max(SLOW_LOOK)),
                None => std::thread::sleep(pause.max(LOOK)),
            }
        }
    }

    /// Reads again what has changed, until everything is complete and the same as when it was read. Adds the paths of what has
    /// changed.
    fn settle(&mut self, changed: &mut BTreeSet<String>) {
        loop {
            let files = self.observer.count();
            self.observer.look_at(&(0..files).collect::<Vec<FileId>>(), 1);
            let (mut waits, mut stale) = (false, Vec::new());
            for file in 0..self.inputs.file_count() {
                match self.judge(file, changed) {
                    Verdict::Good => {}
                    Verdict::Wait => waits = true,
                    Verdict::Stale => stale.push(file),
                }
            }
            if stale.is_empty() && !waits {
                return;
            }
            if stale.is_empty() {
                std::thread::sleep(CLOSE_LOOK);
            }
            for file in stale {
                self.inputs.forget(&mut self.linker, file);
                self.read(file);
            }
        }
    }

    /// What reading an input gave is worth now. Adds the paths of files that were read again because they have changed.
    fn judge(&mut self, file: usize, changed: &mut BTreeSet<String>) -> Verdict {
        let mut verdict = Verdict::Good;
        for sight in &self.taken[file].sights {
            let own = judge(&mut self.observer, sight);
            if own == Verdict::Stale && !self.observer.is_same(sight) {
                changed.insert(sight.path.clone());
            }
            verdict = verdict.max(own);
        }
        let is_wrong = self.inputs.ids(file).any(|id| inputs::is_wrong(&self.linker, id));
        let mut sights = self.taken[file].sights.iter().filter(|sight| sight.identity.is_some());
        if verdict == Verdict::Good && is_wrong && !sights.all(|sight| self.observer.is_beyond_doubt(sight)) {
            return Verdict::Wait;
        }
        verdict
    }

    fn command_line_changed(&mut self) -> bool {
        let Watch { observer, command_files, .. } = self;
        command_files.iter_mut().any(|sight| has_changed(observer, sight))
    }

    fn read(&mut self, file: usize) {
        let taken = inputs::read_file(&self.linker, self.inputs, file, &self.reading);
        taken.sights.iter().for_each(|sight| _ = self.observer.observe(&sight.path));
        self.taken[file] = taken;
    }
}
