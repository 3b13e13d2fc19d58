//! Says whether two answers are the same, and if not, the first difference in words.

use crate::case::Case;
use crate::link::Answer;
use crate::validate::sections;

/// Compares what Wald did in link `number` (from 1) with what wasm-ld does.
///
/// Streams are compared byte for byte. The one freedom: after wasm-ld's own lines Wald may say more in lines that begin
/// with `note:` or `help:`, which a section `wald.N.notes` lists. A case with `differs:` holds Wald's own text instead, or what has to be in it. Where wasm-ld
/// crashes, Wald must report an error.
pub fn wald_with_reference(
    case: &Case,
    number: usize,
    wald: &Answer,
    reference: &Answer,
) -> Result<(), String> {
    let own = |stream: &str| case.section(&format!("wald.{number}.{stream}")).map(str::as_bytes);
    let own_code = case.wald_codes.iter().find(|(link, _)| *link == number).map(|(_, code)| *code);
    let fails = !case.links_only_with_wald(number) && (reference.crashed() || case.says(number).count() != 0);
    if case.differs.is_some() && fails {
        let own_streams = own("stderr").or(own("stdout")).is_some() || case.prints(number).count() != 0;
        if own_streams
            || own_code.is_some_and(|code| code != 1)
            || case.describes_files(number)
            || case.holds(number).count() != 0
        {
            return Err(format!("link {number}: only `wald-says:` has an effect, because Wald must fail"));
        }
        return only_error(wald, case.says(number));
    }
    if case.says(number).count() != 0 {
        return Err(format!("wald-says: {number} has no effect, because Wald links"));
    }
    let expected_code = own_code.unwrap_or(reference.code);
    let stderr = own("stderr").unwrap_or(&reference.stderr);
    if wald.code != expected_code {
        let said = String::from_utf8_lossy(&wald.stderr);
        return Err(format!("exit code {}, expected {expected_code}; stderr:\n{said}", wald.code));
    }
    if wald.stderr != stderr && !only_adds_notes(&wald.stderr, stderr) {
        return Err(different_text("stderr", &wald.stderr, stderr));
    }
    if let Some(notes) = case.notes(number).filter(|notes| notes.as_bytes() != wald.stderr) {
        return Err(different_text("stderr with Wald's lines", &wald.stderr, notes.as_bytes()));
    }
    for text in case.prints(number) {
        if !String::from_utf8_lossy(&wald.stdout).contains(text) {
            return Err(format!("`{text}` is not in stdout: {}", String::from_utf8_lossy(&wald.stdout)));
        }
    }
    let stdout = own("stdout").unwrap_or(&reference.stdout);
    if wald.stdout != stdout && case.prints(number).count() == 0 {
        return Err(different_text("stdout", &wald.stdout, stdout));
    }
    let own_files = own_files(case, number, wald)?;
    if own_code.is_some_and(|code| code != reference.code) {
        if case.describes_files(number) {
            return Err(format!("link {number}: wasm-ld and Wald do not both link, so no file is compared"));
        }
        return match wald.files.keys().next() {
            Some(file) if expected_code != 0 => Err(format!("wrote {file} although it failed")),
            _ => Ok(()),
        };
    }
    let mut expected = as_wald_writes(case, number, reference)?;
    for (file, content) in own_files {
        if expected.files.insert(file.clone(), content).is_none() {
            return Err(format!("wald-holds: wasm-ld has to write {file}, or the link needs `wald-code:`"));
        }
    }
    files(case, wald, &expected)
}

/// The files that Wald writes in its own way. They contain what `wald-holds` says.
fn own_files(case: &Case, number: usize, wald: &Answer) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut files = Vec::new();
    for (file, bytes) in case.holds(number) {
        let content = wald.files.get(file).ok_or(format!("{file} was not written"))?;
        if !content.windows(bytes.len()).any(|window| window == bytes) {
            return Err(format!("{file} has no bytes {bytes:02x?}:\n{content:02x?}"));
        }
        files.push((file.clone(), content.clone()));
    }
    Ok(files)
}

/// wasm-ld's answer, with the bytes that Wald is to write otherwise and without the files that it does not write.
fn as_wald_writes(case: &Case, number: usize, reference: &Answer) -> Result<Answer, String> {
    let mut expected = reference.clone();
    for (_, file, offset, bytes) in case.wald_bytes.iter().filter(|(link, ..)| *link == number) {
        let content = expected.files.get_mut(file);
        let place = content.and_then(|content| content.get_mut(*offset..*offset + bytes.len()));
        place.ok_or(format!("{file} has no offset {offset}"))?.copy_from_slice(bytes);
    }
    for (_, file) in case.wald_omits.iter().filter(|(link, _)| *link == number) {
        if expected.files.remove(file).is_none() {
            return Err(format!("{file} is not written by wasm-ld, so Wald cannot omit it"));
        }
    }
    Ok(expected)
}

/// Wald must fail in order: messages with these texts, exit code 1, nothing written.
fn only_error<'a>(wald: &Answer, texts: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let stderr = String::from_utf8_lossy(&wald.stderr);
    if wald.code != 1 {
        return Err(format!("exit code {}, expected an error; stderr:\n{stderr}", wald.code));
    }
    for text in ["wasm-ld: error: "].into_iter().chain(texts) {
        if !stderr.contains(text) {
            return Err(format!("no error with `{text}` in stderr:\n{stderr}"));
        }
    }
    match wald.files.keys().next() {
        Some(file) => Err(format!("wrote {file} although it failed")),
        None => Ok(()),
    }
}

/// Compares two answers of the same linker. Nothing may differ.
pub fn same(case: &Case, got: &Answer, expected: &Answer) -> Result<(), String> {
    if got.code != expected.code {
        return Err(format!("exit code {}, expected {}", got.code, expected.code));
    }
    if got.stderr != expected.stderr {
        return Err(different_text("stderr", &got.stderr, &expected.stderr));
    }
    if got.stdout != expected.stdout {
        return Err(different_text("stdout", &got.stdout, &expected.stdout));
    }
    files(case, got, expected)
}

fn files(case: &Case, got: &Answer, expected: &Answer) -> Result<(), String> {
    for (name, content) in &expected.files {
        let Some(other) = got.files.get(name) else { return Err(format!("{name} was not written")) };
        let (other, content) = match case.mask_build_id {
            true => (&mask_build_id(other), &mask_build_id(content)),
            false => (other, content),
        };
        if other != content {
            return Err(different_bytes(name, other, content));
        }
    }
    match got.files.keys().find(|name| !expected.files.contains_key(*name)) {
        Some(name) => Err(format!("{name} was written, but should not have been")),
        None => Ok(()),
    }
}

/// True if `got` is `expected` with added lines that begin with `note:` or `help:`.
pub fn only_adds_notes(got: &[u8], expected: &[u8]) -> bool {
    let (got, expected) = (String::from_utf8_lossy(got), String::from_utf8_lossy(expected));
    let mut expected = expected.lines().peekable();
    for line in got.lines() {
        if expected.peek() == Some(&line) {
            expected.next();
            continue;
        }
        let plain = without_colors(line);
        let plain = plain.trim_start_matches("wasm-ld: ").trim_start_matches(['>', ' ']);
        if !plain.starts_with("note: ") && !plain.starts_with("help: ") {
            return false;
        }
    }
    expected.next().is_none()
}

/// The line without the escape sequences of colors.
fn without_colors(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, after)| after))
}

/// Both texts and their first difference.
pub fn different_text(what: &str, got: &[u8], expected: &[u8]) -> String {
    let (got, expected) = (String::from_utf8_lossy(got), String::from_utf8_lossy(expected));
    let mut lines = format!("{what} differs\n--- expected\n{expected}--- got\n{got}---\n");
    let mut pairs = expected.lines().zip(got.lines()).enumerate();
    if let Some((number, (a, b))) = pairs.find(|(_, (a, b))| a != b) {
        lines.push_str(&format!("first difference in line {}:\n-{a}\n+{b}\n", number + 1));
    }
    lines
}

/// Names the section of the first differing byte.
pub fn different_bytes(name: &str, got: &[u8], expected: &[u8]) -> String {
    if !expected.starts_with(b"\0asm") {
        return different_text(name, got, expected);
    }
    let offset = got.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(got.len().min(expected.len()));
    let place = |bytes: &[u8]| {
        let found = sections(bytes).into_iter().find(|s| s.range.contains(&offset));
        found.map_or("no section".to_string(), |s| format!("{} + {:#x}", s.name, offset - s.range.start))
    };
    let around = |bytes: &[u8]| {
        let range = offset.saturating_sub(8).min(bytes.len())..(offset + 24).min(bytes.len());
        bytes[range].iter().map(|b| format!("{b:02x} ")).collect::<String>()
    };
    let list = |bytes: &[u8]| {
        sections(bytes).iter().map(|s| format!("{}:{} ", s.name, s.range.len())).collect::<String>()
    };
    format!(
        "{name} differs at offset {offset:#x}: {} expected, {} got\n  expected {}\n  got      {}\n  sections expected: {}\n  sections got:      {}",
        place(expected), place(got), around(expected), around(got), list(expected), list(got)
    )
}

/// Zeroes the build id's bytes.
pub fn mask_build_id(bytes: &[u8]) -> Vec<u8> {
    let mut masked = bytes.to_vec();
    if let Some(section) = sections(bytes).into_iter().find(|s| s.name == "build_id") {
        masked[section.range.end.saturating_sub(16)..section.range.end].fill(0);
    }
    masked
}
