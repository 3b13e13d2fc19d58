//! What `--reproduce` packs can be unpacked and linked again, and gives the same module, whatever the names of the inputs are.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const START: &[u8] = include_bytes!("start.o");

/// The files of a tar archive.
fn unpack(tar: &[u8]) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut files, mut rest, mut long): (Vec<(PathBuf, Vec<u8>)>, _, Option<String>) =
        (Vec::new(), tar, None);
    let text = |field: &[u8]| {
        String::from_utf8(field.iter().copied().take_while(|&byte| byte != 0).collect()).unwrap()
    };
    while rest[0] != 0 || rest[156] == b'x' || long.is_some() {
        let (header, contents) = rest.split_at(512);
        let size = usize::from_str_radix(&text(&header[124..135]), 8).unwrap();
        let (contents, padded) = (&contents[..size], &contents[size.next_multiple_of(512)..]);
        match header[156] {
            b'x' => {
                let record = String::from_utf8(contents.to_vec()).unwrap();
                let (_, path) = record.split_once(" path=").unwrap();
                long = Some(path.strip_suffix('\n').unwrap().into());
            }
            _ => {
                let (prefix, name) = (text(&header[345..500]), text(&header[..100]));
                let path = long.take().unwrap_or(format!("{prefix}/{name}"));
                files.push((path.trim_start_matches('/').into(), contents.to_vec()));
            }
        }
        rest = padded;
    }
    files
}

fn wald(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wald")).current_dir(folder).args(args).output().unwrap()
}

/// Links, unpacks the tar, links its contents, and compares. Returns the names in the tar.
fn repeat(folder: &Path, tar: &str, output: &str, args: &[&str]) -> Vec<PathBuf> {
    let reproduce = format!("--reproduce={tar}");
    let first = wald(folder, &[args, &["-o", output, &reproduce]].concat());
    assert!(first.status.success(), "{args:?}: {}", String::from_utf8_lossy(&first.stderr));
    let files = unpack(&std::fs::read(folder.join(tar)).unwrap());
    let unpacked = folder.join("unpacked");
    let _ = std::fs::remove_dir_all(&unpacked);
    for (path, contents) in &files {
        assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))), "{path:?}");
        let path = unpacked.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert!(!path.exists(), "{path:?} is there twice");
        std::fs::write(path, contents).unwrap();
    }
    // The second link must not find the files of the first one.
    let hidden = folder.join("hidden");
    std::fs::rename(folder.join("in"), &hidden).unwrap();
    let there = unpacked.join(files[0].0.components().next().unwrap());
    let again = wald(&there, &["@response.txt"]);
    std::fs::rename(&hidden, folder.join("in")).unwrap();
    let response = String::from_utf8_lossy(&files[0].1).into_owned();
    assert!(again.status.success(), "{response}\n{}", String::from_utf8_lossy(&again.stderr));
    let name = Path::new(output).file_name().unwrap();
    assert!(
        std::fs::read(folder.join(output)).unwrap() == std::fs::read(there.join(name)).unwrap(),
        "{response}"
    );
    files.into_iter().map(|(path, _)| path).collect()
}

/// An archive; the members of a thin one are files.
fn archive(members: &[(&str, &[u8])], thin: bool) -> Vec<u8> {
    let names: String = members.iter().map(|(name, _)| format!("{name}/\n")).collect();
    let header =
        |name: &str, size: usize| format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644);
    let mut bytes = if thin { b"!<thin>\n".to_vec() } else { b"!<arch>\n".to_vec() };
    let even = |bytes: &mut Vec<u8>| bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    bytes.extend(header("//", names.len()).bytes().chain(names.bytes()));
    even(&mut bytes);
    let mut at = 0;
    for (name, contents) in members {
        bytes.extend(header(&format!("/{at}"), contents.len()).bytes());
        at += name.len() + 2;
        if !thin {
            bytes.extend(*contents);
            even(&mut bytes);
        }
    }
    bytes
}

#[test]
fn a_link_is_repeated_from_its_tar_file() {
    let folder = std::env::temp_dir().join(format!("wald-reproduce-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    std::fs::create_dir_all(&folder).unwrap();
    let odd = [
        "in/a \"b\".o",
        "in/c\\d.o",
        "in/e'f.o",
        "in/tab\t.o",
        "in/@x.o",
        "in/-y.o",
        "in/new\nline.o",
        "in/ö.o",
    ];
    for name in
        odd.iter().chain(&["in/response.txt", "in/version.txt", "in/deep/real/x.o", "in/deep/x.o", "in/x.o"])
    {
        put(name, START);
    }
    for name in odd {
        repeat(&folder, "r.tar", "out.wasm", &[name]);
    }
    // Names that would lead out of the directory, and outputs in others.
    repeat(&folder, "...", "out.wasm", &["in/x.o"]);
    put("in/out/x", b"");
    repeat(
        &folder,
        "r.tar",
        "in/out/a.wasm",
        &["in/x.o", "--Map=in/out/map.txt", "--why-extract=in/out/why.txt"],
    );
    repeat(&folder, "r.tar", "out.wasm", &["in/x.o", "--entry", "", "-soname", "a\\\"b"]);
    // Libraries by name, with what is beside them, members of thin archives, and lists of names.
    put("in/lib/libx.a", &archive(&[("x.o", START)], false));
    put("in/lib/libx.imports", b"something\n");
    put("in/lib/libthin.a", &archive(&[("../deep/x.o", START)], true));
    put("in/names.txt", b"something\n");
    let args = ["-Lin/lib", "-lx", "--allow-undefined-file=in/names.txt"];
    let names = repeat(&folder, "r.tar", "out.wasm", &args);
    assert!(names.iter().any(|name| name.ends_with("in/lib/libx.imports")), "{names:?}");
    repeat(&folder, "r.tar", "out.wasm", &["--whole-archive", "in/lib/libthin.a"]);
    // Two files whose names are alike without the dots.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("deep/real", folder.join("in/link")).unwrap();
        let mut other = START.to_vec();
        other.extend(b"\0\x05\x04note");
        put("in/deep/x.o", &other);
        let names = repeat(&folder, "r.tar", "out.wasm", &["in/link/../x.o"]);
        assert!(names.iter().any(|name| name.ends_with("in/deep/x.o")), "{names:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
