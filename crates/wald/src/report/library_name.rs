//! Which library a file belongs to.

/// The crate of a Rust object or library, the archive's file name, or the object's folder.
pub(crate) fn library_name(path: &str, member: Option<&str>) -> String {
    let (folder, base) = path.rsplit_once(['/', '\\']).unwrap_or((".", path));
    // The compiler's name for an object: `CRATE-HASH.UNIT.HASH-cgu.0.rcgu.o`, or without a hash.
    if let Some(name) = base.strip_suffix(".rlib") {
        let name = name.strip_prefix("lib").unwrap_or(name);
        return crate_name(name).to_string();
    }
    let object = member.unwrap_or(base);
    if object.ends_with(".rcgu.o") {
        let name = object.split('.').next().unwrap_or(object);
        return crate_name(name).to_string();
    }
    match member {
        Some(_) => base.to_string(),
        None if folder.is_empty() => "/".to_string(),
        None => folder.to_string(),
    }
}

/// A crate's name without the hash behind it.
fn crate_name(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((name, hash)) if hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::library_name;

    #[test]
    fn crates_archives_and_folders_are_told_apart() {
        for (path, member, library) in [
            (
                "/t/liballoc-0123456789abcdef.rlib",
                Some("alloc-0123456789abcdef.alloc.01-cgu.0.rcgu.o"),
                "alloc",
            ),
            ("/t/libcompiler_builtins-0123456789abcdef.rlib", Some("divti3.o"), "compiler_builtins"),
            ("target/deps/app-0123456789abcdef.2kd1.rcgu.o", None, "app"),
            ("app.app.01234567-cgu.0.rcgu.o", None, "app"),
            ("/usr/lib/libc.a", Some("printf.o"), "libc.a"),
            ("src/deep/a.o", None, "src/deep"),
            ("a.o", None, "."),
            ("/a.o", None, "/"),
        ] {
            assert_eq!(library_name(path, member), library, "{path}");
        }
    }
}
