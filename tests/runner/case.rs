//! Reads a `.case` file: a head of comments and directives, then sources cut apart by `--- name` lines.
//!
//! The head's lines are `# comment`, or `word: rest`. Which words there are: see [`Case`] and `tests/README.md`.

use std::path::{Path, PathBuf};

/// One case, as its file says it.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// `<area>/<name>`, which is also the trial's name.
    pub name: String,
    /// The head comment: what the case shows.
    pub comment: String,
    /// The sources and plain files, in the order of the file.
    pub sources: Vec<Source>,
    /// `flags: NAME|*.EXT FLAGS`: more flags for the tool that builds a source.
    pub flags: Vec<(String, Vec<String>)>,
    /// What is done after the sources are built, in order.
    pub steps: Vec<Step>,
    /// `link: ARGUMENTS`, one link each.
    pub links: Vec<Vec<String>>,
    /// `run: LINK FUNCTION(ARGUMENTS) [= RESULT]`.
    pub runs: Vec<Run>,
    /// `run-stdout: TEXT`: what the runs print over WASI, with `\n` for a line's end.
    pub run_stdout: String,
    /// `differs: ID`: the entry in `docs/differences.md` that says why Wald answers otherwise.
    pub differs: Option<String>,
    /// `wald-code: LINK CODE`: Wald's exit code, if it differs.
    pub wald_codes: Vec<(usize, i32)>,
    /// `wald-says: LINK TEXT`: Wald's message contains this text.
    pub wald_says: Vec<(usize, String)>,
    /// `wald-prints: LINK TEXT`: Wald's standard output contains this text.
    pub wald_prints: Vec<(usize, String)>,
    /// `wald-bytes: LINK FILE OFFSET HEX`: Wald's file has these bytes instead of wasm-ld's.
    pub wald_bytes: Vec<(usize, String, usize, Vec<u8>)>,
    /// `wald-omits: LINK FILE`: Wald does not write this file.
    pub wald_omits: Vec<(usize, String)>,
    /// `wald-holds: LINK FILE HEX`: Wald's file differs from wasm-ld's and contains these bytes.
    pub wald_holds: Vec<(usize, String, Vec<u8>)>,
    /// `invalid-output: LINK REASON`: wasm-ld's own output is not a valid module.
    pub invalid_outputs: Vec<usize>,
    /// `code-metadata: LINK TEXT`: what [`code_metadata`](crate::validate::code_metadata) reads in the output.
    pub code_metadata: Vec<(usize, String)>,
    /// `mask-build-id: REASON`: the build id is random; compare all the rest.
    pub mask_build_id: bool,
    /// `exact-arguments: REASON`: `--threads` may not be put in front of this case's arguments.
    pub exact_arguments: bool,
}

/// A source or a plain file in a case.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path in the case's directory, such as `a.s` or `sub/list.txt`.
    pub name: String,
    /// Everything up to the next `---` line.
    pub text: String,
}

/// What happens to the built files before the link.
#[derive(Clone, Debug)]
pub enum Step {
    /// `ld: ARGUMENTS`: an input that the reference linker makes: a shared library, an object of many.
    Link(Vec<String>),
    /// `ar: FLAGS ARCHIVE MEMBERS`: llvm-ar with these arguments.
    Archive(Vec<String>),
    /// `cp: FROM TO`.
    Copy(String, String),
    /// `rm: FILE`.
    Remove(String),
    /// `poke: FILE OFFSET HEX`: overwrite bytes. OFFSET is a number, or `/HEX/` for the first occurrence of these bytes, or
    /// `/HEX/+N`.
    Poke(String, String, Vec<u8>),
    /// `truncate: FILE LENGTH`; a negative length takes so many bytes from the end.
    Truncate(String, i64),
    /// `append: FILE HEX`.
    Append(String, Vec<u8>),
    /// `prepend: FILE HEX`.
    Prepend(String, Vec<u8>),
}

/// One call into a linked module.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which link's output, from 1.
    pub link: usize,
    /// The exported function.
    pub function: String,
    /// Integer arguments.
    pub arguments: Vec<i64>,
    /// The result, `trap`, or nothing to compare.
    pub expected: Option<String>,
}

/// The section `wald.N.notes`: what Wald prints to standard error, which is what wasm-ld prints and added lines.
pub const NOTES: &str = "notes";

impl Case {
    /// Reads a case from its file; `root` is `tests/cases`.
    pub fn read(root: &Path, path: &Path) -> Result<Case, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(path).with_extension("");
        let name = name.to_string_lossy().replace('\\', "/");
        Case::parse(&name, &text).map_err(|e| format!("{}: {e}", path.display()))
    }

    fn parse(name: &str, text: &str) -> Result<Case, String> {
        let mut case = Case { name: name.to_string(), ..Case::default() };
        for (number, line) in text.lines().enumerate() {
            // `--- !WASM` is YAML's own.
            if let Some(file) = line.strip_prefix("--- ").filter(|file| !file.starts_with('!')) {
                case.sources.push(Source { name: file.trim().to_string(), text: String::new() });
            } else if let Some(source) = case.sources.last_mut() {
                source.text.push_str(line);
                source.text.push('\n');
            } else if let Some(comment) = line.strip_prefix('#') {
                case.comment.push_str(comment.trim_start());
                case.comment.push('\n');
            } else if !line.trim().is_empty() {
                case.directive(line).map_err(|e| format!("line {}: {e}", number + 1))?;
            }
        }
        if case.comment.is_empty() || case.links.is_empty() {
            return Err("a case needs a head comment and a `link:` line".into());
        }
        case.check_numbers()?;
        Ok(case)
    }

    /// Each line about a link names one, and one about Wald's own answer has its reason.
    fn check_numbers(&self) -> Result<(), String> {
        let texts = self.wald_says.iter().chain(&self.wald_prints).chain(&self.wald_omits);
        let mut own: Vec<usize> = texts.map(|(link, _)| *link).collect();
        own.extend(self.wald_codes.iter().map(|(link, _)| *link));
        own.extend(self.wald_bytes.iter().map(|(link, ..)| *link));
        own.extend(self.wald_holds.iter().map(|(link, ..)| *link));
        let mut with_notes = Vec::new();
        for source in &self.sources {
            if let Some((link, what)) =
                source.name.strip_prefix("wald.").and_then(|name| name.split_once('.'))
            {
                let list = if what == NOTES { &mut with_notes } else { &mut own };
                list.push(number(link)?);
            }
        }
        if !own.is_empty() && self.differs.is_none() {
            return Err("a line about Wald's own answer needs `differs:`".into());
        }
        let others = self.runs.iter().map(|run| run.link).chain(self.invalid_outputs.iter().copied());
        let others = others.chain(with_notes);
        let mut all = own.into_iter().chain(others).chain(self.code_metadata.iter().map(|(link, _)| *link));
        match all.find(|link| !(1..=self.links.len()).contains(link)) {
            Some(link) => Err(format!("there is no link {link}")),
            None => Ok(()),
        }
    }

    fn directive(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(':').ok_or("expected `word: rest`")?;
        let rest = rest.trim();
        let mut words = split_words(rest);
        let step = |count: usize| match words.len() >= count {
            true => Ok(()),
            false => Err(format!("`{word}:` needs {count} words")),
        };
        match word {
            "flags" => {
                step(2)?;
                let name = words.remove(0);
                self.flags.push((name, words));
            }
            "ld" => self.steps.push(Step::Link(words)),
            "ar" => self.steps.push(Step::Archive(words)),
            "cp" => {
                step(2)?;
                self.steps.push(Step::Copy(words[0].clone(), words[1].clone()));
            }
            "rm" if words.is_empty() => return step(1),
            "rm" => self.steps.push(Step::Remove(words[0].clone())),
            "poke" => {
                step(3)?;
                let bytes = parse_hex(&words[2..].join(" "))?;
                self.steps.push(Step::Poke(words[0].clone(), words[1].clone(), bytes));
            }
            "truncate" => {
                step(2)?;
                let length = words[1].parse().map_err(|_| "bad length")?;
                self.steps.push(Step::Truncate(words[0].clone(), length));
            }
            "append" | "prepend" => {
                step(2)?;
                let bytes = parse_hex(&words[1..].join(" "))?;
                let step = if word == "append" { Step::Append } else { Step::Prepend };
                self.steps.push(step(words[0].clone(), bytes));
            }
            "link" => self.links.push(words),
            "run" => self.runs.push(parse_run(rest)?),
            "run-stdout" => self.run_stdout.push_str(&rest.replace("\\n", "\n")),
            "differs" => self.differs = Some(rest.to_string()),
            "wald-code" => {
                step(2)?;
                self.wald_codes.push((number(&words[0])?, number(&words[1])? as i32));
            }
            "wald-says" | "wald-prints" | "wald-omits" | "code-metadata" => {
                step(2)?;
                let link = number(&words[0])?;
                let texts = match word {
                    "wald-says" => &mut self.wald_says,
                    "wald-prints" => &mut self.wald_prints,
                    "code-metadata" => &mut self.code_metadata,
                    _ => &mut self.wald_omits,
                };
                texts.push((link, words[1..].join(" ")));
            }
            "wald-bytes" | "wald-holds" if words.len() < 3 => return step(3),
            "wald-bytes" | "wald-holds" => self.own_bytes(word, &words)?,
            "invalid-output" if words.len() < 2 => return step(2),
            "invalid-output" => self.invalid_outputs.push(number(&words[0])?),
            "mask-build-id" => self.mask_build_id = true,
            "exact-arguments" => self.exact_arguments = true,
            _ => return Err(format!("unknown directive `{word}`")),
        }
        Ok(())
    }

    /// `wald-bytes` and `wald-holds`.
    fn own_bytes(&mut self, word: &str, words: &[String]) -> Result<(), String> {
        let (link, file) = (number(&words[0])?, words[1].clone());
        if word == "wald-holds" {
            self.wald_holds.push((link, file, parse_hex(&words[2..].join(" "))?));
            return Ok(());
        }
        let bytes = parse_hex(&words[3..].join(" "))?;
        self.wald_bytes.push((link, file, number(&words[2])?, bytes));
        Ok(())
    }

    /// Whether Wald links what wasm-ld refuses.
    pub fn links_only_with_wald(&self, number: usize) -> bool {
        self.wald_codes.contains(&(number, 0))
    }

    /// Whether what Wald writes in this link is not what wasm-ld writes.
    pub fn has_own_output(&self, number: usize) -> bool {
        self.links_only_with_wald(number) || self.holds(number).count() != 0
    }

    /// What Wald's error messages contain.
    pub fn says(&self, number: usize) -> impl Iterator<Item = &str> {
        of_link(&self.wald_says, number)
    }

    /// What Wald's standard output contains.
    pub fn prints(&self, number: usize) -> impl Iterator<Item = &str> {
        of_link(&self.wald_prints, number)
    }

    /// All that Wald prints to standard error, if the case lists the lines that it adds.
    pub fn notes(&self, number: usize) -> Option<&str> {
        self.section(&format!("wald.{number}.{NOTES}"))
    }

    /// Files of Wald, and bytes in them.
    pub fn holds(&self, number: usize) -> impl Iterator<Item = (&String, &Vec<u8>)> {
        let own = self.wald_holds.iter().filter(move |(link, ..)| *link == number);
        own.map(|(_, file, bytes)| (file, bytes))
    }

    /// Whether the case says how Wald's files differ from those of wasm-ld.
    pub fn describes_files(&self, number: usize) -> bool {
        self.wald_bytes.iter().any(|(link, ..)| *link == number)
            || of_link(&self.wald_omits, number).count() != 0
    }

    /// The text of the section called `name`, if the case has one.
    pub fn section(&self, name: &str) -> Option<&str> {
        self.sources.iter().find(|s| s.name == name).map(|s| s.text.as_str())
    }
}

fn of_link(lines: &[(usize, String)], number: usize) -> impl Iterator<Item = &str> {
    lines.iter().filter(move |(link, _)| *link == number).map(|(_, text)| text.as_str())
}

/// All `.case` files under `root`, sorted.
pub fn find(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|e| e == "case") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn number(word: &str) -> Result<usize, String> {
    word.parse().map_err(|_| "bad number".to_string())
}

/// Splits at blanks; double quotes keep blanks, and `""` is an empty word.
fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Bytes from hex digits and `'text'`; blanks between are free, and `#` or `;` starts a comment.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            if first == '#' || first == ';' {
                break;
            } else if first == '\'' {
                let end = rest[1..].find('\'').ok_or("missing `'`")? + 1;
                bytes.extend_from_slice(&rest.as_bytes()[1..end]);
                rest = rest[end + 1..].trim_start();
            } else {
                let pair = rest.get(..2).ok_or("odd hex digit")?;
                bytes.push(u8::from_str_radix(pair, 16).map_err(|_| format!("bad hex `{pair}`"))?);
                rest = rest[2..].trim_start();
            }
        }
    }
    Ok(bytes)
}

/// `LINK FUNCTION(ARGUMENTS) [= RESULT]`
fn parse_run(text: &str) -> Result<Run, String> {
    let (call, expected) = match text.rsplit_once(" = ") {
        Some((call, expected)) => (call.trim(), Some(expected.trim().to_string())),
        None => (text, None),
    };
    let (link, call) = call.split_once(' ').ok_or("run: LINK FUNCTION(ARGUMENTS) [= RESULT]")?;
    let (function, arguments) = call.trim_end_matches(')').rsplit_once('(').ok_or("run: missing `(`")?;
    let arguments = arguments.split(',').map(str::trim).filter(|a| !a.is_empty());
    Ok(Run {
        link: link.parse().map_err(|_| "run: bad link number")?,
        function: function.to_string(),
        arguments: arguments.map(|a| a.parse()).collect::<Result<_, _>>().map_err(|_| "run: bad argument")?,
        expected,
    })
}
