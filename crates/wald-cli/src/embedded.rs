//! The command in another program, such as a page in a browser: a command line whose linker is kept, the option table as data, and the
//! files of a process without a file system. Not part of the API of this crate.
#![doc(hidden)]

use crate::configure::{Configuration, Settings};
use crate::inputs::{self, Inputs, Members, Reading};
use crate::job::{self, option_error, Declared, Job};
use crate::option_table::Opt;
use crate::output_file::Place;
use crate::parse::Arguments;
use crate::progress::Progress;
use crate::render::Renderer;
use crate::response_file::Quoting;
use crate::terminal::Terminal;
use crate::transcript::Transcript;
use crate::{checks, configure, outputs, parse, response_file, text};
use std::io::Write;
use wald::Linker;

pub use crate::files::table::{insert as insert_file, take as take_files};
pub use crate::help::options_json;

/// What messages begin with.
const PROGRAM: &str = "wald";

/// The value of `-o`, which is empty without one.
pub fn output_path(arguments: &[String]) -> String {
    let (arguments, _) = response_file::expand(arguments.to_vec(), Quoting::default());
    parse::parse(arguments).last_value(Opt::Output).unwrap_or_default().to_string()
}

/// A path as [`take_files`] names it.
pub fn simple_path(path: &str) -> String {
    text::from_path(&crate::files::table::key(&text::to_path(path)))
}

/// A command line whose linker is kept. Inputs that are declared in the linker follow those of the command line.
pub struct KeptLink {
    arguments: Arguments,
    settings: Settings,
    linker: Linker,
    inputs: Inputs,
    transcript: Transcript,
}

impl KeptLink {
    /// Reads the arguments after the program's name, and the inputs that they name. [`KeptLink::link`] says what is wrong with them.
    pub fn new(arguments: Vec<String>) -> KeptLink {
        let (arguments, complaints) = response_file::expand(arguments, Quoting::default());
        let arguments = parse::parse(arguments);
        let (mut stdout, mut stderr, mut diagnostics) = (Vec::new(), Vec::new(), Vec::new());
        let mut renderer = Renderer::new(PROGRAM.into(), &mut stdout, &mut stderr);
        crate::set_up_renderer(&arguments, Terminal::default(), &mut renderer, &mut diagnostics);
        diagnostics.extend(complaints.into_iter().map(option_error));
        let Configuration { options, settings, diagnostics: wrong, .. } = configure::configure(&arguments);
        diagnostics.extend(wrong);
        diagnostics.extend(checks::needs_process(&arguments));
        let job = Job { arguments: &arguments, options, settings: &settings, reproduce: None, diagnostics };
        let members = Members { keep_mapped: false, copies: true };
        let declared = job::declare(job, members, &renderer);
        let Declared { mut linker, inputs, transcript, mut allowed_undefined, .. } = declared;
        let progress = &Progress::new(0);
        let (keep_mapped, copies, ahead) = (false, true, false);
        let reading =
            Reading { threads: 1, shuffle: None, keep_mapped, copies, ahead, reproduce: None, progress };
        let read = inputs::read_all(&linker, &inputs, &reading);
        allowed_undefined.extend(read.into_iter().flat_map(|taken| taken.allowed));
        linker.options_mut().allowed_undefined.extend(allowed_undefined);
        KeptLink { arguments, settings, linker, inputs, transcript }
    }

    /// The linker, to declare, provide and replace inputs.
    pub fn linker(&mut self) -> &mut Linker {
        &mut self.linker
    }

    /// Links, writes the outputs, and keeps what makes the next link faster. Returns the exit code.
    pub fn link(&mut self, stdout: &mut dyn Write, stderr: &mut dyn Write) -> i32 {
        let mut out = Renderer::new(PROGRAM.into(), stdout, stderr);
        crate::set_up_renderer(&self.arguments, Terminal::default(), &mut out, &mut Vec::new());
        let path = text::from_path(&self.linker.options().output);
        let mut place = Place::new(&path, false);
        let link = |linker: &mut Linker| linker.link_into(&mut place);
        let linked = job::link(&mut self.linker, &self.inputs, &self.transcript, link);
        job::show(&linked, &self.arguments, &self.settings, &mut out);
        let result = linked.result.filter(|result| result.module.is_ok() && out.error_count() == 0);
        if let Some(result) = result {
            // The renderer knows whether they could be written.
            let _ = outputs::write(&path, &result, &self.settings, &mut out, |stdout| place.stage(stdout));
        }
        out.finish();
        let _ = out.check_streams();
        i32::from(out.error_count() != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wald::{Bytes, InputDescription};

    /// Links and returns the exit code and standard error.
    fn link(kept: &mut KeptLink) -> (i32, String) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = kept.link(&mut stdout, &mut stderr);
        (code, String::from_utf8(stderr).unwrap())
    }

    #[test]
    fn a_kept_command_line_links_again_and_says_what_is_wrong() {
        let folder = std::env::temp_dir().join(format!("wald-embedded-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let output = folder.join("out.wasm").display().to_string();
        assert_eq!(output_path(&["-o".into(), "a".into(), format!("-o{output}")]), output);
        let arguments = ["--no-entry", "--diagnostics-format=json", "-o", &output];
        let mut kept = KeptLink::new(arguments.map(String::from).into());
        assert_eq!(link(&mut kept).0, 1);
        let object = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
        let mut objects: Vec<_> =
            std::fs::read_dir(object).unwrap().map(|entry| entry.unwrap().path()).collect();
        objects.retain(|path| path.extension().is_some_and(|end| end == "o" || end == "a"));
        objects.sort();
        let mut ids = Vec::new();
        for path in &objects {
            let id = kept.linker().declare_input(InputDescription::new(path));
            kept.linker().provide(id, Bytes::from(std::fs::read(path).unwrap())).unwrap();
            ids.push(id);
        }
        assert_eq!(link(&mut kept), (0, String::new()));
        let module = std::fs::read(&output).unwrap();
        kept.linker().replace(ids[0]).unwrap();
        kept.linker().provide(ids[0], Bytes::from(&b"no object"[..])).unwrap();
        let (code, said) = link(&mut kept);
        assert!(code == 1 && said.contains("unknown file type"), "{said}");
        kept.linker().replace(ids[0]).unwrap();
        kept.linker().provide(ids[0], Bytes::from(std::fs::read(&objects[0]).unwrap())).unwrap();
        assert_eq!(link(&mut kept), (0, String::new()));
        assert!(std::fs::read(&output).unwrap() == module);
        let mut wrong = KeptLink::new(vec!["--no-such-option".into(), "-o".into(), output]);
        assert!(link(&mut wrong).1.contains("unknown argument: --no-such-option"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
