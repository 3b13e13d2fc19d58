//! What to do about a file that cannot be opened, or a library that is nowhere. Only for messages.

use crate::files;
use crate::text::{from_os, to_path};
use std::io::{Error, ErrorKind};

/// Folders with more entries are not searched for similar names.
const LARGE: usize = 5_000;

/// What to do about a file that cannot be opened.
pub fn help(path: &str, error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::IsADirectory => {
            Some("name the files in it, or make it a folder of libraries with -L".into())
        }
        ErrorKind::PermissionDenied => Some("let this user read the file".into()),
        ErrorKind::NotFound => similar(path),
        _ => None,
    }
}

/// A file in the same folder that was probably meant, or the part of the path that does not exist.
fn similar(path: &str) -> Option<String> {
    let host_path = to_path(path);
    if host_path.symlink_metadata().is_ok() {
        let target = std::fs::read_link(&host_path).ok()?;
        return Some(format!(
            "it is a symbolic link to {}, which does not exist",
            crate::text::from_path(&target)
        ));
    }
    let (folder, wanted) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let Some(names) = names_in(folder) else {
        return (!folder.is_empty()).then(|| format!("the folder {folder} does not exist"));
    };
    let name = nearest(wanted, names.iter().map(String::as_str))?;
    let separator = if folder.is_empty() { "" } else { "/" };
    Some(format!("did you mean {folder}{separator}{name}?"))
}

/// The names in a folder, sorted. Empty if it is too large to be searched; `None` if it cannot be listed.
fn names_in(folder: &str) -> Option<Vec<String>> {
    let folder = to_path(if folder.is_empty() { "." } else { folder });
    let names = files::names_in(&folder, LARGE).ok()?;
    let mut names: Vec<String> = names.iter().map(|name| from_os(name)).collect();
    if names.len() == LARGE {
        names.clear();
    }
    names.sort_unstable();
    Some(names)
}

/// The most similar name: at most a third of the letters may differ. The first of several.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let close = names.map(|name| (strsim::osa_distance(name, wanted), name));
    let (distance, name) = close.min_by_key(|(distance, _)| *distance)?;
    (distance <= wanted.len().min(12) / 3).then_some(name)
}

/// Where a library was looked for, and the most similar one there.
pub fn library_help(name: &str, folders: &[String]) -> (String, Option<String>) {
    let note = match folders {
        [] => "there is no -L, so no folder was searched".to_string(),
        folders => format!("no folder of -L has it: {}", folders.join(", ")),
    };
    let file = name.strip_prefix(':').map_or_else(|| format!("lib{name}.a"), str::to_string);
    let found = folders.iter().find_map(|folder| {
        let names = names_in(folder)?;
        let libraries = names.iter().map(String::as_str).filter(|name| is_library(name));
        let nearest = nearest(&file, libraries)?;
        Some(match nearest.strip_prefix("lib").and_then(|rest| rest.strip_suffix(".a")) {
            Some(stem) => format!("did you mean -l{stem}, which is in {folder}?"),
            None => format!("did you mean -l:{nearest}, which is in {folder}?"),
        })
    });
    let help = found.or_else(|| folders.iter().find_map(|folder| missing_folder(folder)));
    let last = || match folders {
        [] => "name the folder with -L".into(),
        _ => format!("name the folder of {file} with -L, or remove -l{name}"),
    };
    (note, Some(help.unwrap_or_else(last)))
}

/// That a folder does not exist, and which one was probably meant.
fn missing_folder(folder: &str) -> Option<String> {
    let host_path = to_path(folder);
    if files::exists(&host_path) {
        return None;
    }
    let meant = similar(folder.trim_end_matches('/')).filter(|help| help.starts_with("did you mean"));
    Some(format!(
        "the folder {folder} does not exist{}",
        meant.map_or(String::new(), |meant| format!(": {meant}"))
    ))
}

fn is_library(name: &str) -> bool {
    [".a", ".so", ".rlib", ".o"].iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_found_in_the_same_folder() {
        let directory = std::env::temp_dir().join(format!("wald-missing-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("lib")).unwrap();
        for name in ["parser.o", "printer.o", "lib/libpng16.a"] {
            std::fs::write(directory.join(name), "").unwrap();
        }
        let folder = directory.to_str().unwrap();
        let help = |name: &str| help(&format!("{folder}/{name}"), &Error::from(ErrorKind::NotFound));
        assert_eq!(help("praser.o"), Some(format!("did you mean {folder}/parser.o?")));
        assert_eq!(help("other.o"), None);
        assert_eq!(help("no/x.o"), Some(format!("the folder {folder}/no does not exist")));
        let folders = [format!("{folder}/lib")];
        assert_eq!(
            library_help("png", &folders).1,
            Some(format!("did you mean -lpng16, which is in {folder}/lib?"))
        );
        let last = "name the folder of libzlib.a with -L, or remove -lzlib".to_string();
        assert_eq!(library_help("zlib", &folders).1, Some(last));
        let missing = [format!("{folder}/lbi")];
        let help = format!("the folder {folder}/lbi does not exist: did you mean {folder}/lib?");
        assert_eq!(library_help("png", &missing).1, Some(help));
        assert_eq!(library_help("z", &[]).0, "there is no -L, so no folder was searched");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
