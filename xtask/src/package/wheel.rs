//! The wheel: the command, and the module `wald` for Python.
//!
//! A wheel is a zip archive with a list of its files and their hashes. pip puts programs of `wald-VERSION.data/scripts` on the path.

use super::built::{library_name, Built, VERSION};
use super::files::{sha256, File, Files};
use super::platform;
use crate::workspace;
use std::path::{Path, PathBuf};

/// Writes the wheel into a folder.
pub fn build(built: &Built, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let platform = platform::host()?;
    let tag = format!("py3-none-{}", platform.wheel_tag(built.needs.as_ref()));
    let mut files = Files::default();
    files.add_folder("wald", &workspace::root().join("packages/python/wald"))?;
    // Python loads a library that is not executable, but tools that look for binaries in a wheel expect that it is.
    files.add_program(&format!("wald/{}", library_name()), built.library.clone());
    files.add_program(
        &format!("wald-{VERSION}.data/scripts/{}", platform.program("wald")),
        built.command.program.clone(),
    );
    let information = format!("wald-{VERSION}.dist-info/");
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let text = workspace::read(&workspace::root().join(licence))?;
        files.add(&format!("{information}licenses/{licence}"), text);
    }
    files.add(&format!("{information}METADATA"), metadata()?);
    files.add(
        &format!("{information}WHEEL"),
        format!("Wheel-Version: 1.0\nGenerator: wald ({VERSION})\nRoot-Is-Purelib: false\nTag: {tag}\n"),
    );
    let record = format!("{information}RECORD");
    files.add(&record, record_of(&files, &record));
    let path = folder.join(format!("wald-{VERSION}-{tag}.whl"));
    workspace::write(&path, files.zip()?)?;
    Ok(vec![path])
}

fn metadata() -> Result<String, String> {
    let readme = workspace::read(&workspace::root().join("packages/python/README.md"))?;
    Ok(format!(
        "\
Metadata-Version: 2.4
Name: wald
Version: {VERSION}
Summary: A linker for WebAssembly that takes wasm-ld's place: the command, and a module for Python
License-Expression: MIT OR Apache-2.0
License-File: LICENSE-APACHE
License-File: LICENSE-MIT
Author: The Wald developers
Keywords: linker,wasm,webassembly,wasm-ld,lld
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Software Development :: Build Tools
Classifier: Typing :: Typed
Requires-Python: >=3.8
Description-Content-Type: text/markdown

{}",
        String::from_utf8_lossy(&readme)
    ))
}

/// The list of all files with their hashes and sizes; of the list itself, only the name.
fn record_of(files: &Files, record: &str) -> String {
    let lines = files.iter().map(|(path, file)| {
        let bytes: &[u8] = match file {
            File::Plain(bytes) | File::Program(bytes) => bytes,
            File::Link(_) => &[],
        };
        format!("{path},sha256={},{}\n", base64(&sha256(bytes)), bytes.len())
    });
    lines.chain([format!("{record},,\n")]).collect()
}

/// Base64 with the alphabet for URLs, without padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        let digits = [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift) as usize & 63]);
        text.extend(digits.iter().take(chunk.len() + 1).map(|&digit| char::from(digit)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"]);
        assert_eq!(base64(&[0xfb, 0xff]), "-_8");
    }
}
