//! Identifies the kind of an input and parses it.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::archive;
use crate::bitcode;
use crate::bytes::Bytes;
use crate::code_generator::{BitcodeTable, CodeGenerator};
use crate::diagnostics::{Code, Diagnostic, Location};
use crate::foreign;
use crate::format::section;
use crate::index::NameId;
use crate::leb128::Reader;
use crate::object::{scan_defined_symbols, Interners, Object, SharedLibrary};
use crate::parse_error::{ErrorKind, ParseError};
use crate::stub_library::{self, StubLibrary};
use crate::text::{escape_path, unescape_path, Text};
use crate::unit::UnitError;

/// Describes an input: everything except its bytes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InputDescription {
    /// The path in messages and the link map.
    pub path: PathBuf,
    /// As between `--start-lib` and `--end-lib`: it is linked only if one of its symbols is needed.
    pub lazy: bool,
    /// As after `--whole-archive`: all members of an archive are linked.
    pub whole_archive: bool,
    /// As after `-Bdynamic`: it may be a shared library.
    pub dynamic: bool,
}

impl InputDescription {
    /// An object or archive as it is named on a command line, without the options that change how it is linked.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        InputDescription { path: path.into(), ..InputDescription::default() }
    }
}

/// Why a [`Linker`](crate::Linker) did not take an input. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// The input was removed, or another linker declared it.
    Unknown,
    /// The input has its bytes already, or was marked as unavailable. [`Linker::replace`](crate::Linker::replace) comes first.
    AlreadyProvided,
    /// The unit is not consistent.
    Unit(UnitError),
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputError::Unknown => f.write_str("the input was removed or belongs to another linker"),
            InputError::AlreadyProvided => f.write_str("the input was already provided"),
            InputError::Unit(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InputError {}

impl From<UnitError> for InputError {
    fn from(error: UnitError) -> Self {
        InputError::Unit(error)
    }
}

/// Reads the files that inputs refer to: members of thin archives.
pub trait FileProvider: Send + Sync {
    /// Returns the bytes of the file at `path`.
    fn read(&self, path: &Path) -> io::Result<Bytes>;
}

/// The kind of a file, from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A wasm module. Whether it is relocatable is not checked here.
    Object,
    /// A wasm module with a `dylink.0` section.
    SharedLibrary,
    /// An archive.
    Archive,
    /// LLVM bitcode.
    Bitcode,
    /// A text file that starts with `#STUB`.
    StubLibrary,
    /// Anything else.
    Unknown,
}

/// Identifies a file by its magic number, and a module also by its first section.
pub fn identify(bytes: &[u8]) -> FileKind {
    if archive::is_archive(bytes) {
        FileKind::Archive
    } else if bytes.starts_with(b"\0asm") {
        if starts_with_dylink(bytes) {
            FileKind::SharedLibrary
        } else {
            FileKind::Object
        }
    } else if bytes.starts_with(b"BC\xC0\xDE") || bytes.starts_with(&[0xDE, 0xC0, 0x17, 0x0B]) {
        FileKind::Bitcode
    } else if bytes.starts_with(b"#STUB") {
        FileKind::StubLibrary
    } else {
        FileKind::Unknown
    }
}

fn starts_with_dylink(bytes: &[u8]) -> bool {
    let mut reader = Reader::within(bytes, bytes.len().min(8), bytes.len());
    let mut name = || -> Result<&[u8], ParseError> {
        if reader.byte()? != section::CUSTOM {
            return Ok(&[]);
        }
        reader.u32()?;
        reader.string()
    };
    matches!(name(), Ok(b"dylink.0" | b"dylink"))
}

/// A file, or a member of an archive. Escaped as in [`crate::text`].
#[derive(Clone)]
pub struct FileName {
    /// The path.
    pub path: Arc<str>,
    /// The member's name, if the file is an archive.
    pub member: Option<String>,
}

impl FileName {
    fn of(description: &InputDescription) -> Self {
        FileName { path: escape_path(&description.path).into(), member: None }
    }

    /// As a place of a diagnostic.
    pub fn location(&self) -> Location {
        let member = self.member.as_deref().map(Text::from);
        Location { member, ..Location::file(unescape_path(&self.path)) }
    }
}

impl fmt::Display for FileName {
    /// `path` or `path(member)`, as wasm-ld names files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "{}({member})", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// An object, bitcode or shared library that is part of the link or may become part of it.
pub struct Candidate {
    /// Its name.
    pub name: FileName,
    /// The object's bytes.
    pub bytes: Bytes,
    /// Whether it is linked only if one of its symbols is needed.
    pub lazy: bool,
    /// Its contents, if it is a shared library.
    pub shared: Option<SharedLibrary>,
    /// Its symbols, if it is LLVM bitcode.
    pub bitcode: Option<Bitcode>,
    /// The non-local symbols that it defines. Only for lazy candidates.
    pub defined: Vec<NameId>,
    /// The parsed object. A lazy candidate is parsed when it is needed.
    object: OnceLock<Result<Arc<Object>, ParseError>>,
}

/// The symbols of a bitcode file, with their names interned.
pub struct Bitcode {
    /// What LLVM knows the module by: no two modules have the same name.
    pub name: String,
    /// The symbols.
    pub table: BitcodeTable,
    /// For each symbol, its name.
    pub names: Vec<NameId>,
    /// For each COMDAT group, its name.
    pub comdats: Vec<NameId>,
}

impl Bitcode {
    fn new(name: String, table: BitcodeTable, interners: &Interners) -> Self {
        let intern = |text: &[u8]| NameId(interners.names.intern(text));
        let names = table.symbols.iter().map(|symbol| intern(&symbol.name)).collect();
        let comdats = table.comdats.iter().map(|name| intern(name)).collect();
        Bitcode { name, table, names, comdats }
    }

    /// The names that it defines.
    fn defined(&self) -> Vec<NameId> {
        let symbols = self.table.symbols.iter().zip(&self.names);
        symbols.filter(|(symbol, _)| !symbol.is_undefined).map(|(_, &name)| name).collect()
    }
}

impl Candidate {
    /// An object that is linked in any case. It is parsed when it is needed.
    pub fn generated(path: &Path, bytes: Bytes) -> Self {
        let name = FileName { path: escape_path(path).into(), member: None };
        Candidate::new(name, bytes, false)
    }

    fn new(name: FileName, bytes: Bytes, lazy: bool) -> Self {
        let (shared, bitcode, defined, object) = (None, None, Vec::new(), OnceLock::new());
        Candidate { name, bytes, lazy, shared, bitcode, defined, object }
    }

    /// Returns the object, and parses it first if necessary.
    pub fn object(&self, interners: &Interners) -> Result<&Arc<Object>, &ParseError> {
        self.object.get_or_init(|| Object::parse(self.bytes.clone(), interners).map(Arc::new)).as_ref()
    }

    /// Returns the object if it was already parsed without an error.
    pub fn parsed(&self) -> Option<&Arc<Object>> {
        self.object.get().and_then(|result| result.as_ref().ok())
    }

    /// The same, to change it.
    pub(crate) fn parsed_mut(&mut self) -> Option<&mut Arc<Object>> {
        self.object.get_mut().and_then(|result| result.as_mut().ok())
    }

    /// Whether it is a module without a linking section.
    pub fn is_no_object(&self) -> bool {
        let error = self.object.get().and_then(|result| result.as_ref().err());
        error.is_some_and(|error| error.kind == ErrorKind::MissingLinkingSection)
    }

    /// Path, or path and member, as wasm-ld prints it. For shared libraries in archives, only the member.
    pub fn display(&self) -> String {
        match (&self.shared, &self.name.member) {
            (Some(_), Some(member)) => member.clone(),
            _ => self.name.to_string(),
        }
    }
}

/// The result of a parse task.
#[derive(Default)]
pub struct ParsedInput {
    /// The objects in it, in order.
    pub candidates: Vec<Candidate>,
    /// The stub library, if it is one.
    pub stub: Option<StubLibrary>,
    /// Errors and warnings about it.
    pub diagnostics: Vec<Diagnostic>,
}

impl ParsedInput {
    /// Gives it another path. `false` if it has more to it than one object: then it must be parsed again.
    pub(crate) fn rename(&mut self, description: &InputDescription) -> bool {
        let [candidate] = &mut self.candidates[..] else { return false };
        let is_object =
            candidate.bitcode.is_none() && candidate.shared.is_none() && candidate.name.member.is_none();
        if !is_object || self.stub.is_some() || !self.diagnostics.is_empty() {
            return false;
        }
        candidate.name = FileName::of(description);
        true
    }
}

/// All inputs in order.
#[derive(Default)]
pub struct Joined<'a> {
    /// Objects and archive members.
    pub files: Vec<&'a Candidate>,
    /// Stub libraries.
    pub stubs: Vec<&'a StubLibrary>,
}

/// What a parse task reads.
pub struct ParseContext<'a> {
    /// Shared interners.
    pub interners: &'a Interners,
    /// Reads members of thin archives.
    pub files: Option<&'a dyn FileProvider>,
    /// Reads symbol tables of bitcode that Wald cannot read.
    pub generator: Option<&'a dyn CodeGenerator>,
}

/// Parses an input as far as that is possible without the others. Errors are in the diagnostics.
pub fn parse_input(context: &ParseContext<'_>, description: &InputDescription, bytes: Bytes) -> ParsedInput {
    let mut parsed = ParsedInput::default();
    let name = FileName::of(description);
    match identify(&bytes) {
        FileKind::Archive => parse_archive(context, description, bytes, &mut parsed),
        FileKind::Unknown => parsed.diagnostics.push(unknown_file_type(&name, &bytes)),
        FileKind::StubLibrary => parsed.stub = Some(stub_library::parse(&name.path, &bytes)),
        // Errors in the library precede the error that it is one.
        FileKind::SharedLibrary if !description.dynamic => {
            let diagnostic = match SharedLibrary::parse(&bytes, context.interners) {
                Ok(_) => {
                    let message = format!("attempted static link of dynamic object {name}");
                    let error = Diagnostic::error(Code::Parse, message).with_location(name.location());
                    error.with_note("it has a section `dylink.0`, so it is a shared library").with_help(
                        "link a shared library with -Bdynamic before it, and -pie or -shared; or pass the objects that it was \
                         linked from",
                    )
                }
                Err(error) => parse_diagnostic(&name, &error, &bytes),
            };
            parsed.diagnostics.push(diagnostic);
        }
        kind => {
            let module = name.path.to_string();
            add_candidate(context, &mut parsed, kind, name, bytes, description.lazy, module);
        }
    }
    parsed
}

/// The result for an object that a unit built.
pub fn take_object(description: &InputDescription, object: Object) -> ParsedInput {
    let name = FileName::of(description);
    let mut defined = Vec::new();
    if description.lazy {
        let all = object.symbols.iter().filter(|symbol| symbol.is_defined() && !symbol.flags.is_local());
        defined.extend(all.map(|symbol| symbol.name));
    }
    let bytes = object.bytes.clone();
    let object = OnceLock::from(Ok(Arc::new(object)));
    let candidate = Candidate { defined, object, ..Candidate::new(name, bytes, description.lazy) };
    let candidates = vec![candidate];
    ParsedInput { candidates, ..ParsedInput::default() }
}

fn add_candidate(
    context: &ParseContext<'_>,
    parsed: &mut ParsedInput,
    kind: FileKind,
    name: FileName,
    bytes: Bytes,
    lazy: bool,
    module: String,
) {
    match kind {
        FileKind::Object => {}
        // wasm-ld takes anything that is not a module for an object of another format, which may contain bitcode.
        FileKind::Archive | FileKind::Unknown | FileKind::StubLibrary if name.member.is_some() => {
            let error = Diagnostic::error(Code::ForeignInput, foreign::no_bitcode(&bytes));
            let member = name.member.as_deref().unwrap_or_default();
            let found = foreign::recognize(&bytes, member);
            parsed.diagnostics.push(found.explain(error.with_location(name.location()), &name.to_string()));
            return;
        }
        FileKind::Bitcode => return add_bitcode(context, parsed, Candidate::new(name, bytes, lazy), module),
        FileKind::SharedLibrary => return add_shared_library(context, parsed, name, bytes),
        FileKind::Archive | FileKind::StubLibrary | FileKind::Unknown => {
            parsed.diagnostics.push(unknown_file_type(&name, &bytes));
            return;
        }
    }
    let mut candidate = Candidate::new(name, bytes, lazy);
    let result = if lazy {
        scan_defined_symbols(&candidate.bytes, context.interners)
    } else {
        candidate.object(context.interners).map(|_| Vec::new()).map_err(Clone::clone)
    };
    match result {
        Ok(defined) => {
            candidate.defined = defined;
            parsed.candidates.push(candidate);
        }
        // Reported when the member is linked; it may not be needed.
        Err(error) if error.is_late() => parsed.candidates.push(candidate),
        Err(error) => parsed.diagnostics.push(parse_diagnostic(&candidate.name, &error, &candidate.bytes)),
    }
}

/// Adds bitcode. What Wald cannot read of it is a question to the code generator.
fn add_bitcode(
    context: &ParseContext<'_>,
    parsed: &mut ParsedInput,
    mut candidate: Candidate,
    module: String,
) {
    let table = match (bitcode::read_link_table(&candidate.bytes), context.generator) {
        (Ok(table), _) => Ok(table),
        (Err(_), Some(generator)) => {
            let table = generator.read_symbols(&module, &candidate.bytes);
            table.map(|table| bitcode::complete_link_table(&candidate.bytes, table))
        }
        (Err(error), None) => Err(Box::new(parse_diagnostic(&candidate.name, &error, &candidate.bytes))),
    };
    match table {
        Ok(table) => {
            let bitcode = Bitcode::new(module, table, context.interners);
            if candidate.lazy {
                candidate.defined = bitcode.defined();
            }
            candidate.bitcode = Some(bitcode);
            parsed.candidates.push(candidate);
        }
        Err(diagnostic) => parsed.diagnostics.push(diagnostic.with_location(candidate.name.location())),
    }
}

fn add_shared_library(context: &ParseContext<'_>, parsed: &mut ParsedInput, name: FileName, bytes: Bytes) {
    match SharedLibrary::parse(&bytes, context.interners) {
        Ok(library) => {
            parsed.candidates.push(Candidate { shared: Some(library), ..Candidate::new(name, bytes, false) });
        }
        Err(error) => {
            let diagnostic = parse_diagnostic(&name, &error, &bytes);
            parsed.diagnostics.push(diagnostic);
        }
    }
}

fn unknown_file_type(name: &FileName, bytes: &[u8]) -> Diagnostic {
    let message = format!("unknown file type: {name}");
    let error = Diagnostic::error(Code::ForeignInput, message).with_location(name.location());
    foreign::recognize(bytes, name.member.as_deref().unwrap_or(&name.path)).explain(error, "it")
}

/// Adds file and member to a parser's error, and what can be said about the file. `bytes` are all that was parsed.
pub fn parse_diagnostic(file: &FileName, error: &ParseError, bytes: &[u8]) -> Diagnostic {
    let at = Location { offset: Some(error.offset), ..file.location() };
    let name = match &file.member {
        Some(member) if !error.is_late() => member.clone(),
        _ => file.to_string(),
    };
    let not_an_object = || foreign::wrong_version(bytes).map(|found| (Code::NotAnObject, found));
    let found = match error.kind {
        ErrorKind::MissingLinkingSection => Some((Code::NotAnObject, foreign::unlinkable_module(bytes))),
        ErrorKind::Tables(_) => None,
        _ => not_an_object().or_else(|| foreign::cut_module(bytes).map(|found| (Code::Truncated, found))),
    };
    let code = found.as_ref().map_or(Code::Parse, |(code, _)| *code);
    let diagnostic = Diagnostic::error(code, format!("{name}: {error}"))
        .with_location(at)
        .with_note(format!("at offset {:#x} of {file}", error.offset));
    match found {
        Some((_, found)) => found.explain(diagnostic, "it"),
        None => diagnostic,
    }
}

fn parse_archive(
    context: &ParseContext<'_>,
    description: &InputDescription,
    bytes: Bytes,
    parsed: &mut ParsedInput,
) {
    let file = FileName::of(description);
    let archive = match archive::parse(&bytes) {
        Ok(archive) => archive,
        Err(error) => {
            parsed.diagnostics.push(archive_diagnostic(&file, &error, &bytes));
            return;
        }
    };
    let folder = file.path.rfind('/').map_or("", |slash| &file.path[..=slash]);
    let mut explained = Vec::new();
    for member in &archive.members {
        let name = FileName { member: Some(member.name.clone()), ..file.clone() };
        let contents = if archive.thin {
            let path = if member.name.starts_with('/') {
                unescape_path(&member.name)
            } else {
                unescape_path(&format!("{folder}{}", member.name))
            };
            let read = match context.files {
                Some(files) => files.read(&path),
                None => Err(io::Error::new(io::ErrorKind::Unsupported, "no files can be read here")),
            };
            match read {
                Ok(contents) => contents,
                Err(error) => {
                    let message = format!(
                        "{file}: could not get the buffer for a child of the archive: '{}': {}",
                        member.name,
                        describe_io_error(&error)
                    );
                    let diagnostic = Diagnostic::error(Code::Open, message).with_location(name.location());
                    parsed.diagnostics.push(diagnostic);
                    continue;
                }
            }
        } else {
            without_padding(bytes.slice(member.start..member.start + member.size))
        };
        let kind = identify(&contents);
        if !description.whole_archive
            && !matches!(kind, FileKind::Object | FileKind::SharedLibrary | FileKind::Bitcode)
        {
            let message = format!(
                "{file}: archive member '{}' is neither Wasm object file nor LLVM bitcode",
                member.name
            );
            let warning = Diagnostic::warning(Code::Ignored, message).with_location(name.location());
            parsed.diagnostics.push(explain_ignored(warning, &name, &contents, &mut explained));
            continue;
        }
        // What tells members of the same name apart.
        let base = member.name.rsplit('/').next().unwrap_or_default();
        let module = format!("{file}({base} at {})", member.header);
        add_candidate(context, parsed, kind, name, contents, !description.whole_archive, module);
    }
}

/// Adds the file to an error about an archive.
fn archive_diagnostic(file: &FileName, error: &ParseError, bytes: &[u8]) -> Diagnostic {
    let found = foreign::cut_archive(bytes, error.offset);
    let code = if found.is_some() { Code::Truncated } else { Code::Parse };
    let diagnostic = Diagnostic::error(code, format!("{file}: {error}"))
        .with_location(Location { offset: Some(error.offset), ..file.location() })
        .with_note(format!("at offset {:#x} of {file}", error.offset));
    match found {
        Some(found) => found.explain(diagnostic, "it"),
        None => diagnostic,
    }
}

/// Says what an ignored member is, once for each kind in an archive: those of another target's library are all the same.
fn explain_ignored(
    warning: Diagnostic,
    name: &FileName,
    bytes: &[u8],
    explained: &mut Vec<Cow<'static, str>>,
) -> Diagnostic {
    let member = name.member.as_deref().unwrap_or_default();
    // Members of Rust's libraries have no names that tell.
    let is_of_rust = name.path.ends_with(".rlib");
    let mut found = foreign::recognize(bytes, if is_of_rust { &name.path } else { member });
    if explained.contains(&found.what) {
        return warning;
    }
    if is_of_rust && member == "lib.rmeta" {
        found.help = "nothing has to be done: the code is in the other members".into();
    }
    explained.push(found.what.clone());
    found.explain(warning, "it")
}

/// Removes the padding of macOS's `ar`: up to seven newlines after the last section, which round a member's size up to a multiple
/// of eight. No section can start with a newline.
fn without_padding(bytes: Bytes) -> Bytes {
    const LONGEST: usize = 7;
    const HEADER: usize = 8;
    let padding = bytes.iter().rev().take_while(|&&byte| byte == b'\n').count();
    if padding == 0 || !bytes.starts_with(b"\0asm") {
        return bytes;
    }
    let mut reader = Reader::within(&bytes, bytes.len().min(HEADER), bytes.len());
    let skip_section = |reader: &mut Reader<'_>| -> Result<(), ParseError> {
        reader.byte()?;
        let size = reader.u32()? as usize;
        reader.skip(size)
    };
    while reader.remaining() > padding.min(LONGEST) {
        if skip_section(&mut reader).is_err() {
            return bytes;
        }
    }
    bytes.slice(0..bytes.len() - reader.remaining())
}

/// An I/O error's text without Rust's `(os error 2)`.
pub fn describe_io_error(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}
