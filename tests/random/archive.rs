//! Writes archives in all formats.

use wald_tests::random::Random;

/// How an archive is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// System V, as GNU and LLVM write it.
    Gnu,
    /// The same, with every name in the table of long names.
    LongNames,
    /// BSD: long names precede the contents.
    Bsd,
    /// System V, and the members are files of their own.
    Thin,
}

impl Form {
    /// Any of them.
    pub fn random(random: &mut Random) -> Form {
        random.pick(&[Form::Gnu, Form::Gnu, Form::LongNames, Form::Bsd, Form::Thin])
    }
}

/// The bytes of an archive of `members`, which are names and contents.
pub fn write(form: Form, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = if form == Form::Thin { b"!<thin>\n".to_vec() } else { b"!<arch>\n".to_vec() };
    let is_long = |name: &str| form != Form::Bsd && (form != Form::Gnu || name.len() > 15);
    let mut table = String::new();
    let mut places = Vec::new();
    for (name, _) in members {
        places.push(table.len());
        if is_long(name) {
            table.push_str(&format!("{name}/\n"));
        }
    }
    if !table.is_empty() {
        header(&mut bytes, "//", table.len());
        bytes.extend(table.as_bytes());
        pad(&mut bytes);
    }
    for ((name, contents), place) in members.iter().zip(places) {
        match form {
            Form::Bsd => {
                header(&mut bytes, &format!("#1/{}", name.len()), name.len() + contents.len());
                bytes.extend(name.as_bytes());
            }
            _ if is_long(name) => header(&mut bytes, &format!("/{place}"), contents.len()),
            _ => header(&mut bytes, &format!("{name}/"), contents.len()),
        }
        if form != Form::Thin {
            bytes.extend(*contents);
            pad(&mut bytes);
        }
    }
    bytes
}

fn header(bytes: &mut Vec<u8>, name: &str, size: usize) {
    bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644).as_bytes());
}

fn pad(bytes: &mut Vec<u8>) {
    if bytes.len() % 2 == 1 {
        bytes.push(b'\n');
    }
}
