//! What the tool writes, as diagnostics.
//!
//! The tool writes LLVM's messages without their severity. If it fails, the last one says why; if not, they are warnings. What
//! options such as `--lto-debug-pass-manager` ask for is neither.

use super::options::LtoSettings;
use std::path::Path;
use wald::diagnostics::{Code, Diagnostic};
use wald::Text;

/// The name that LLVM's option parser has in wasm-ld.
const OPTION_PARSER: &str = "wasm-ld (LLVM option parsing)";

/// What the tool wrote.
#[derive(Default)]
pub struct Said {
    /// Messages about the modules.
    messages: Vec<Vec<u8>>,
    /// Remarks.
    pub remarks: Vec<Text>,
    /// What options asked for.
    pub lines: Vec<Text>,
}

/// Sorts what the tool wrote. If it failed, everything may say why.
pub fn read(text: &[u8], settings: &LtoSettings, has_failed: bool) -> Said {
    let mut said = Said::default();
    let asks = !has_failed && (settings.debug_pass_manager || !settings.llvm_arguments.is_empty());
    let asks_for_remarks = settings.llvm_arguments.iter().any(|argument| argument.contains("pass-remarks"));
    let mut after_message = false;
    let Some(text) = text.strip_suffix(b"\n").or((!text.is_empty()).then_some(text)) else { return said };
    for line in text.split(|&byte| byte == b'\n') {
        if has_failed && line.starts_with(b"PLEASE submit a bug report to ") {
            // What follows is for LLVM's developers.
            break;
        }
        // Messages with several lines end with an empty one.
        let gives_up =
            has_failed && said.messages.last().is_some_and(|message| message.starts_with(b"LLVM ERROR: "));
        let continues = gives_up || after_message && matches!(line.first(), None | Some(b' ' | b'\t'));
        if line.is_empty() && !asks && !continues || settings.debug_pass_manager && is_idle(line) {
            continue;
        }
        after_message = continues && !line.is_empty() || is_message(line) || !asks;
        match said.messages.last_mut().filter(|_| continues) {
            Some(message) => {
                message.push(b'\n');
                message.extend_from_slice(line);
            }
            None if after_message => said.messages.push(line.to_vec()),
            None if asks_for_remarks && has_place(line) => said.remarks.push(Text::from(line)),
            None => said.lines.push(Text::from(line)),
        }
    }
    said
}

/// Whether a line is about a pass that is only in the tool's pipeline. It does nothing: [`command`](super::command) turns it off.
fn is_idle(line: &[u8]) -> bool {
    const PASS: &[u8] = b" SLPVectorizerPass ";
    line.windows(PASS.len()).any(|window| window == PASS)
}

/// Whether a line is one of LLVM's messages, and not a trace or a remark.
fn is_message(line: &[u8]) -> bool {
    const PARTS: [&str; 6] = [
        "<inline asm>:",
        "Linking two modules of ",
        "Linking globals named ",
        " exceeds limit (",
        "llvm-lto2: ",
        "LTO::run failed: ",
    ];
    PARTS.iter().any(|part| line.windows(part.len()).any(|window| window == part.as_bytes()))
}

/// Whether a line begins with a place: `FILE:LINE:COLUMN: `.
fn has_place(line: &[u8]) -> bool {
    let mut fields = line.splitn(4, |&byte| byte == b':').skip(1).take(2);
    fields.by_ref().filter(|field| !field.is_empty() && field.iter().all(u8::is_ascii_digit)).count() == 2
}

impl Said {
    /// The messages as warnings.
    pub fn warnings(&self, module: &str) -> Vec<Diagnostic> {
        let warning = |message: &Vec<u8>| Diagnostic::warning(Code::CodeGeneration, words(message, module));
        self.messages.iter().map(warning).collect()
    }

    /// The messages of a tool that failed: the last one is the error. Messages about assembly are of `module`.
    pub fn errors(&self, module: &str) -> Vec<Diagnostic> {
        let mut all = self.warnings(module);
        if let Some(message) = self.messages.last() {
            all.pop();
            all.push(Diagnostic::error(Code::CodeGeneration, words(message, module)));
        }
        all
    }
}

/// A message in wasm-ld's words.
fn words(message: &[u8], module: &str) -> Text {
    const PREFIXES: [&str; 2] = ["llvm-lto2: ", "LTO::run failed: "];
    let message = PREFIXES
        .iter()
        .fold(message, |message, prefix| message.strip_prefix(prefix.as_bytes()).unwrap_or(message));
    // Messages about module-level and inline assembly name the module.
    match message.starts_with(b"<inline asm>:") {
        true => Text::from(&[module.as_bytes(), b" ", message].concat()[..]),
        false => Text::from(message),
    }
}

/// What LLVM's option parser says, if it refused an option. It begins with the name of the program's file.
pub fn option_error(text: &[u8], program: &Path) -> Option<Diagnostic> {
    let text = String::from_utf8_lossy(text);
    let prefix = format!("{}: ", crate::text::from_os(program.file_name()?));
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
    const COMPLAINTS: [&str; 2] = ["Unknown command line argument '", "for the -"];
    if !COMPLAINTS.iter().any(|complaint| lines.first().is_some_and(|line| line.starts_with(complaint))) {
        return None;
    }
    let words = lines.iter().map(|line| match line.split_once("  Try: '") {
        Some((what, _)) => unknown(what),
        None => format!("{OPTION_PARSER}: {line}"),
    });
    Some(Diagnostic::error(Code::LlvmOptions, words.collect::<Vec<_>>().join("\n")))
}

/// An argument for LLVM that is no option.
pub fn not_an_option(argument: &str) -> Diagnostic {
    Diagnostic::error(Code::LlvmOptions, unknown(&format!("Unknown command line argument '{argument}'.")))
}

fn unknown(what: &str) -> String {
    format!("{OPTION_PARSER}: {what}  Try: '{OPTION_PARSER} --help'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_remarks_and_traces_are_told_apart() {
        let text = b"Running pass: X\n<unknown>:0:0: 'f' inlined into 'g'\n\
            <unknown>:0:0: stack frame size (9) exceeds limit (8) in function 'g'\n\
            <inline asm>:1:2: bad\n\tbad\n\t^\n\n";
        let arguments = ["-debug", "-pass-remarks=inline"].map(String::from).to_vec();
        let settings = LtoSettings { llvm_arguments: arguments, ..LtoSettings::default() };
        let said = read(text, &settings, false);
        assert_eq!(said.lines, [Text::from("Running pass: X")]);
        assert_eq!(said.remarks, [Text::from("<unknown>:0:0: 'f' inlined into 'g'")]);
        let [warning, error] = &said.errors("a.o")[..] else { panic!("two messages") };
        assert_eq!(warning.message, "<unknown>:0:0: stack frame size (9) exceeds limit (8) in function 'g'");
        assert_eq!(error.message, "a.o <inline asm>:1:2: bad\n\tbad\n\t^\n");
    }
}
