//! A small WASI preview 1 host for wasmi: arguments, standard output, files in memory, clock, random numbers, exit.
//!
//! Enough for what is linked here: C, C++ and Rust programs. A function that it does not know answers `ENOSYS`.
//! See <https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md>.

use crate::wasi_files::{Errno, Files, Open, BADF, FAULT, INVAL, NOSYS, PREOPENED};
use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};
use wasmi::{Caller, Extern, Linker, Memory, Module, Store, Val};

/// The module's imports that are answered here.
const MODULE: &str = "wasi_snapshot_preview1";

/// What a program sees of the world, and what it did.
pub struct World {
    /// Arguments; the first is the program's name.
    pub args: Vec<String>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// The folder, preopened as `/`.
    pub files: Files,
    begin: Instant,
    random: u64,
    memory: Option<Memory>,
}

impl World {
    /// A world with these arguments and files.
    pub fn new(args: &[&str], files: BTreeMap<String, Vec<u8>>) -> Self {
        World {
            args: args.iter().map(|arg| arg.to_string()).collect(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            files: Files::new(files),
            begin: Instant::now(),
            random: 0x9E37_79B9_7F4A_7C15,
            memory: None,
        }
    }
}

/// Answers every WASI import of `module`.
pub fn define(linker: &mut Linker<World>, store: &mut Store<World>, module: &Module) -> Result<(), String> {
    for import in module.imports().filter(|import| import.module() == MODULE) {
        let wasmi::ExternType::Func(ty) = import.ty() else { continue };
        let name = import.name().to_string();
        let function = wasmi::Func::new(&mut *store, ty.clone(), move |caller, arguments, results| {
            if name == "proc_exit" {
                return Err(wasmi::Error::i32_exit(arguments.first().and_then(Val::i32).unwrap_or(0)));
            }
            let errno = call(&name, caller, arguments).err().unwrap_or(0);
            if let Some(result) = results.first_mut() {
                *result = Val::I32(errno);
            }
            Ok(())
        });
        linker.define(MODULE, import.name(), function).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// A call's arguments, the memory, and the world.
struct Call<'a> {
    arguments: &'a [Val],
    memory: &'a mut [u8],
    world: &'a mut World,
}

fn call(name: &str, mut caller: Caller<'_, World>, arguments: &[Val]) -> Result<(), Errno> {
    let memory = match caller.data().memory {
        Some(memory) => memory,
        None => caller.get_export("memory").and_then(Extern::into_memory).ok_or(FAULT)?,
    };
    caller.data_mut().memory = Some(memory);
    let (memory, world) = memory.data_and_store_mut(&mut caller);
    let mut call = Call { arguments, memory, world };
    match name {
        "args_sizes_get" => call.strings_sizes(true),
        "args_get" => call.strings(true),
        "environ_sizes_get" => call.strings_sizes(false),
        "environ_get" => call.strings(false),
        "clock_res_get" => call.put(1, &1000u64.to_le_bytes()),
        "clock_time_get" => call.clock(),
        "random_get" => call.random(),
        "sched_yield" => Ok(()),
        "fd_write" => call.write(),
        "fd_read" => call.read(),
        "fd_close" => {
            let fd = call.fd()?;
            call.world.files.close(fd)
        }
        "fd_seek" => {
            let (offset, whence) = (call.long(1), call.int(2));
            call.seek(offset, whence, 3)
        }
        "fd_tell" => call.seek(0, 1, 1),
        "fd_fdstat_get" => call.fdstat(),
        "fd_fdstat_set_flags" | "fd_sync" | "fd_datasync" | "fd_advise" => call.fd().map(|_| ()),
        "fd_filestat_get" => {
            let stat = call.world.files.stat(call.int(0))?;
            call.put_filestat(1, stat)
        }
        "fd_prestat_get" if call.int(0) == PREOPENED => call.put(1, &[0, 0, 0, 0, 1, 0, 0, 0]),
        "fd_prestat_dir_name" if call.int(0) == PREOPENED => call.put(1, b"/"),
        "fd_prestat_get" | "fd_prestat_dir_name" => Err(BADF),
        "path_open" => call.path_open(),
        "path_filestat_get" => {
            let path = call.path(2)?;
            let stat = call.world.files.stat_path(&path)?;
            call.put_filestat(4, stat)
        }
        "path_unlink_file" => {
            let path = call.path(1)?;
            call.world.files.unlink(&path)
        }
        _ => Err(NOSYS),
    }
}

impl Call<'_> {
    fn int(&self, index: usize) -> i32 {
        self.arguments.get(index).and_then(Val::i32).unwrap_or(0)
    }

    fn long(&self, index: usize) -> i64 {
        self.arguments.get(index).and_then(Val::i64).unwrap_or(0)
    }

    /// The first argument, if it is an open descriptor.
    fn fd(&self) -> Result<i32, Errno> {
        self.world.files.get(self.int(0)).map(|_| self.int(0))
    }

    fn slice(&mut self, at: u32, length: usize) -> Result<&mut [u8], Errno> {
        let start = at as usize;
        self.memory.get_mut(start..start.checked_add(length).ok_or(FAULT)?).ok_or(FAULT)
    }

    /// Writes to the address that argument `index` has.
    fn put(&mut self, index: usize, bytes: &[u8]) -> Result<(), Errno> {
        self.put_at(self.int(index) as u32, bytes)
    }

    fn put_at(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        self.slice(at, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    fn word(&mut self, at: u32) -> Result<u32, Errno> {
        let bytes = self.slice(at, 4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// The path whose address and length are the arguments from `index` on.
    fn path(&mut self, index: usize) -> Result<String, Errno> {
        let (at, length) = (self.int(index) as u32, self.int(index + 1) as u32);
        String::from_utf8(self.slice(at, length as usize)?.to_vec()).map_err(|_| INVAL)
    }

    /// Address and length of each buffer of a vector.
    fn vector(&mut self) -> Result<Vec<(u32, usize)>, Errno> {
        let (at, count) = (self.int(1) as u32, self.int(2) as u32);
        let entry = |index: u32| index.checked_mul(8).and_then(|offset| at.checked_add(offset)).ok_or(FAULT);
        (0..count)
            .map(|index| {
                let at = entry(index)?;
                Ok((self.word(at)?, self.word(at.checked_add(4).ok_or(FAULT)?)? as usize))
            })
            .collect()
    }

    /// The arguments (or the environment, which is empty), each with its zero.
    fn texts(&self, args: bool) -> Vec<Vec<u8>> {
        let list: &[String] = if args { &self.world.args } else { &[] };
        list.iter().map(|text| [text.as_bytes(), b"\0"].concat()).collect()
    }

    fn strings_sizes(&mut self, args: bool) -> Result<(), Errno> {
        let texts = self.texts(args);
        let bytes: usize = texts.iter().map(Vec::len).sum();
        self.put(0, &(texts.len() as u32).to_le_bytes())?;
        self.put(1, &(bytes as u32).to_le_bytes())
    }

    fn strings(&mut self, args: bool) -> Result<(), Errno> {
        let (mut pointer, mut at) = (self.int(0) as u32, self.int(1) as u32);
        for text in self.texts(args) {
            self.put_at(pointer, &at.to_le_bytes())?;
            self.put_at(at, &text)?;
            pointer = pointer.checked_add(4).ok_or(FAULT)?;
            at = at.checked_add(text.len() as u32).ok_or(FAULT)?;
        }
        Ok(())
    }

    fn clock(&mut self) -> Result<(), Errno> {
        let now = match self.int(0) {
            0 => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            _ => self.world.begin.elapsed(),
        };
        self.put(2, &(now.as_nanos() as u64).to_le_bytes())
    }

    /// The same numbers in every run, so that runs can be compared.
    fn random(&mut self) -> Result<(), Errno> {
        let mut state = self.world.random;
        let (at, length) = (self.int(0) as u32, self.int(1) as u32 as usize);
        for byte in self.slice(at, length)? {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        self.world.random = state;
        Ok(())
    }

    fn write(&mut self) -> Result<(), Errno> {
        let fd = self.fd()?;
        let mut written = 0;
        for (at, length) in self.vector()? {
            let bytes = self.slice(at, length)?.to_vec();
            match (fd, self.world.files.get(fd)?) {
                (2, Open::Output) => self.world.stderr.extend(bytes),
                (_, Open::Output) => self.world.stdout.extend(bytes),
                _ => self.world.files.write(fd, &bytes)?,
            }
            written += length as u32;
        }
        self.put(3, &written.to_le_bytes())
    }

    fn read(&mut self) -> Result<(), Errno> {
        let fd = self.fd()?;
        let mut count = 0;
        for (at, length) in self.vector()? {
            let bytes = self.world.files.read(fd, length)?;
            self.put_at(at, &bytes)?;
            count += bytes.len() as u32;
        }
        self.put(3, &count.to_le_bytes())
    }

    fn seek(&mut self, offset: i64, whence: i32, result: usize) -> Result<(), Errno> {
        let position = self.world.files.seek(self.int(0), offset, whence)?;
        self.put(result, &position.to_le_bytes())
    }

    fn fdstat(&mut self) -> Result<(), Errno> {
        let (_, kind) = self.world.files.stat(self.int(0))?;
        let mut stat = [0; 24];
        stat[0] = kind;
        // Everything is allowed but, on standard input and output, seeking: C libraries take those for a terminal then.
        let rights = if kind == 2 { !0x24u64 } else { !0 };
        stat[8..16].copy_from_slice(&rights.to_le_bytes());
        stat[16..].copy_from_slice(&rights.to_le_bytes());
        self.put(1, &stat)
    }

    fn put_filestat(&mut self, index: usize, (size, kind): (u64, u8)) -> Result<(), Errno> {
        let mut stat = [0; 64];
        stat[16] = kind;
        stat[24] = 1;
        stat[32..40].copy_from_slice(&size.to_le_bytes());
        self.put(index, &stat)
    }

    fn path_open(&mut self) -> Result<(), Errno> {
        let path = self.path(2)?;
        let (flags, descriptor_flags) = (self.int(4), self.int(7));
        let fd = self.world.files.open(&path, flags, descriptor_flags)?;
        self.put(8, &fd.to_le_bytes())
    }
}
