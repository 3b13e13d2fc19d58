//! What a server does before it is asked: it reads what was written, and links.

use crate::folder::Folder;
use std::time::Duration;

#[test]
fn an_edit_is_linked_before_it_is_asked_for() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    let hits = || folder.status()[0]["hits"].as_u64().unwrap();
    let ahead = || folder.status()[0]["linked_ahead"].as_u64().unwrap();
    for bytes in [folder.edited_commands(), std::fs::read(folder.input("commands.o")).unwrap()] {
        let (hits_before, ahead_before) = (hits(), ahead());
        std::fs::write(folder.input("new"), bytes).unwrap();
        std::fs::rename(folder.input("new"), folder.input("commands.o")).unwrap();
        folder.wait_until("a link ahead", || ahead() > ahead_before);
        // The output is newer than everything that was there before the command started.
        std::thread::sleep(Duration::from_millis(30));
        std::fs::write(folder.input("note"), "").unwrap();
        // Not `check`: a link without a server in between would only take time.
        assert!(folder.wald("require", &all).status().unwrap().success());
        assert_eq!(hits(), hits_before + 1);
        let modified = |name: &str| std::fs::metadata(folder.input(name)).unwrap().modified().unwrap();
        assert!(modified("out.wasm") >= modified("note"));
        let module = std::fs::read(folder.input("out.wasm")).unwrap();
        assert!(folder.wald("off", &all).status().unwrap().success());
        assert!(std::fs::read(folder.input("out.wasm")).unwrap() == module);
    }
}

#[test]
fn objects_with_new_names_are_compared_with_the_old_ones() {
    let folder = Folder::new();
    let text = |name: &str, round: usize| match name.strip_suffix(".o") {
        Some(stem) => format!("{stem}.{round}.o"),
        None => name.to_string(),
    };
    let original = std::fs::read(folder.input("commands.o")).unwrap();
    let edited = folder.edited_commands();
    let mut modules = Vec::new();
    for round in 0..6 {
        let bytes = if round % 2 == 0 { &original } else { &edited };
        std::fs::write(folder.input("commands.o"), bytes).unwrap();
        let names: Vec<String> = folder.names.iter().map(|name| text(name, round)).collect();
        for (old, new) in folder.names.iter().zip(&names).filter(|(old, new)| old != new) {
            std::fs::copy(folder.input(old), folder.input(new)).unwrap();
            // As rustc does: those of the last build are gone.
            let _ = std::fs::remove_file(folder.input(&text(old, round.wrapping_sub(1))));
        }
        let mut arguments = vec!["-o", "out.wasm"];
        // What is said has the names of objects.
        let more: &[&str] = if round > 2 {
            &["--trace", "--Map=-", "--trace-symbol=main", "--print-gc-sections"]
        } else {
            &[]
        };
        arguments.extend(more);
        arguments.extend(names.iter().map(String::as_str));
        assert!(folder.check(&arguments).status.success());
        modules.push(std::fs::read(folder.input("out.wasm")).unwrap());
        // An error has them, too.
        arguments.retain(|name| !name.starts_with("main"));
        folder.check(&arguments);
    }
    assert!(modules[0] == modules[2] && modules[1] == modules[3] && modules[0] != modules[1]);
    let status = folder.status();
    assert_eq!(status.len(), 1);
}

#[test]
fn an_edit_is_linked_ahead_although_the_compiler_names_its_objects_anew() {
    let folder = Folder::new();
    let original = std::fs::read(folder.input("commands.o")).unwrap();
    let edited = folder.edited_commands();
    // As rustc does: `STEM.INVOCATION.o` for all objects, and one object in a temporary folder.
    let temporary = folder.names.iter().find(|name| name.ends_with(".o") && *name != "commands.o").unwrap();
    let path = |name: &str, round: usize| match name.strip_suffix(".o") {
        Some(_) if name == temporary => format!("temporary-{round}/{name}"),
        Some(stem) => format!("{stem}.{round}.o"),
        None => name.to_string(),
    };
    let arguments = |round: usize| {
        let paths = folder.names.iter().map(|name| path(name, round));
        ["-o", "out.wasm"].into_iter().map(String::from).chain(paths).collect::<Vec<_>>()
    };
    let status = |key: &str| folder.status()[0][key].as_u64().unwrap();
    let copy = |name: &str, round: usize| {
        let bytes = match name {
            "commands.o" if round % 2 == 1 => edited.clone(),
            "commands.o" => original.clone(),
            name => std::fs::read(folder.input(name)).unwrap(),
        };
        std::fs::write(folder.input("new"), bytes).unwrap();
        std::fs::rename(folder.input("new"), folder.input(&path(name, round))).unwrap();
    };
    for round in 0..4 {
        let [ahead, hits] = match round {
            0 => [0, 0],
            _ => ["linked_ahead", "hits"].map(status),
        };
        let (late, early): (Vec<&String>, Vec<&String>) =
            folder.names.iter().filter(|name| name.ends_with(".o")).partition(|name| *name == temporary);
        early.into_iter().for_each(|name| copy(name, round));
        if round > 0 {
            folder.wait_until(&format!("a link ahead in round {round}: {:?}", folder.status()), || {
                status("linked_ahead") > ahead
            });
        }
        std::fs::create_dir(folder.input(&format!("temporary-{round}"))).unwrap();
        late.into_iter().for_each(|name| copy(name, round));
        let arguments = arguments(round);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert!(folder.wald("require", &arguments).status().unwrap().success());
        assert!(round == 0 || status("hits") == hits + 1, "{:?}", folder.status());
        let module = std::fs::read(folder.input("out.wasm")).unwrap();
        assert!(folder.wald("off", &arguments).status().unwrap().success());
        assert!(std::fs::read(folder.input("out.wasm")).unwrap() == module);
        for name in folder.names.iter().filter(|name| name.ends_with(".o")) {
            std::fs::remove_file(folder.input(&path(name, round))).unwrap();
        }
        std::fs::remove_dir(folder.input(&format!("temporary-{round}"))).unwrap();
    }
}

/// As `cargo clean` and a build do.
#[test]
fn a_build_from_clean_is_linked_ahead_although_its_folder_is_another_one() {
    let folder = Folder::new();
    let build = |bytes: &[u8]| {
        std::fs::create_dir_all(folder.input("build/objects")).unwrap();
        for name in &folder.names {
            let path = folder.input(&format!("build/objects/{name}"));
            match &**name {
                "commands.o" => std::fs::write(path, bytes).unwrap(),
                _ => _ = std::fs::copy(folder.input(name), path).unwrap(),
            }
        }
    };
    let names: Vec<String> = folder.names.iter().map(|name| format!("build/objects/{name}")).collect();
    let arguments: Vec<&str> =
        ["-o", "out.wasm"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let status = |key: &str| folder.status()[0][key].as_u64().unwrap();
    build(&std::fs::read(folder.input("commands.o")).unwrap());
    folder.check(&arguments);
    let before = ["linked_ahead", "hits"].map(status);
    std::fs::remove_dir_all(folder.input("build")).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    build(&folder.edited_commands());
    folder.wait_until("a link ahead", || status("linked_ahead") > before[0]);
    assert!(folder.wald("require", &arguments).status().unwrap().success());
    assert_eq!(status("hits"), before[1] + 1);
    let module = std::fs::read(folder.input("out.wasm")).unwrap();
    assert!(folder.wald("off", &arguments).status().unwrap().success());
    assert!(std::fs::read(folder.input("out.wasm")).unwrap() == module);
}

/// A server that forgets names begins to observe anew.
#[test]
fn an_edit_is_linked_ahead_after_thousands_of_names() {
    const ROUNDS: usize = 300;
    let folder = Folder::new();
    let path = |name: &str, round: usize| match name.strip_suffix(".o") {
        Some(stem) => format!("{stem}.{round}.o"),
        None => name.to_string(),
    };
    let objects = folder.names.iter().filter(|name| name.ends_with(".o"));
    assert!(objects.clone().count() * ROUNDS > 1500);
    let arguments = |round: usize| {
        let paths = folder.names.iter().map(|name| path(name, round));
        ["-o", "out.wasm"].into_iter().map(String::from).chain(paths).collect::<Vec<_>>()
    };
    let status = |key: &str| folder.status()[0][key].as_u64().unwrap();
    let link = |mode: &str, round: usize| {
        let arguments = arguments(round);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert!(folder.wald(mode, &arguments).status().unwrap().success());
        std::fs::read(folder.input("out.wasm")).unwrap()
    };
    for name in objects.clone() {
        std::fs::copy(folder.input(name), folder.input(&path(name, 0))).unwrap();
    }
    let module = link("require", 0);
    let pid = folder.pid();
    for round in 1..ROUNDS {
        for name in objects.clone() {
            std::fs::rename(folder.input(&path(name, round - 1)), folder.input(&path(name, round))).unwrap();
        }
        assert!(link("require", round) == module);
    }
    assert_eq!(folder.pid(), pid);
    let before = ["linked_ahead", "hits"].map(status);
    std::fs::write(folder.input(&path("commands.o", ROUNDS - 1)), folder.edited_commands()).unwrap();
    folder.wait_until("a link ahead", || status("linked_ahead") > before[0]);
    let served = link("require", ROUNDS - 1);
    assert_eq!(status("hits"), before[1] + 1);
    assert!(served == link("off", ROUNDS - 1) && served != module);
}

/// As `cargo clean` and a build do: libraries first.
#[test]
fn new_names_are_followed_into_a_folder_that_was_made_anew() {
    let folder = Folder::new();
    let path = |name: &str, round: usize| match name.strip_suffix(".o") {
        Some(stem) => format!("build/{stem}.{round}.o"),
        None => format!("build/{name}"),
    };
    let status = |key: &str| folder.status()[0][key].as_u64().unwrap();
    let (objects, libraries): (Vec<&String>, Vec<&String>) =
        folder.names.iter().partition(|name| name.ends_with(".o"));
    assert!(!libraries.is_empty());
    let build = |names: &[&String], round: usize| {
        for name in names {
            let bytes = match &***name {
                "commands.o" if round == 1 => folder.edited_commands(),
                name => std::fs::read(folder.input(name)).unwrap(),
            };
            std::fs::write(folder.input(&path(name, round)), bytes).unwrap();
        }
    };
    for round in 0..2 {
        std::fs::create_dir(folder.input("build")).unwrap();
        build(&libraries, round);
        std::thread::sleep(Duration::from_millis(700));
        let before = if round == 0 { [0, 0] } else { ["linked_ahead", "hits"].map(status) };
        build(&objects, round);
        if round > 0 {
            folder.wait_until("a link ahead", || status("linked_ahead") > before[0]);
        }
        let names = folder.names.iter().map(|name| path(name, round));
        let arguments: Vec<String> = ["-o", "out.wasm"].into_iter().map(String::from).chain(names).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert!(folder.wald("require", &arguments).status().unwrap().success());
        assert!(round == 0 || status("hits") == before[1] + 1);
        let module = std::fs::read(folder.input("out.wasm")).unwrap();
        assert!(folder.wald("off", &arguments).status().unwrap().success());
        assert!(std::fs::read(folder.input("out.wasm")).unwrap() == module);
        std::fs::remove_dir_all(folder.input("build")).unwrap();
        // Until it is seen that all is gone.
        std::thread::sleep(Duration::from_millis(700));
    }
}

#[test]
fn a_build_from_clean_is_rehearsed_while_objects_are_missing() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    let status = |key: &str| folder.status()[0][key].as_u64().unwrap();
    let objects: Vec<&String> = folder.names.iter().filter(|name| name.ends_with(".o")).collect();
    assert!(objects.len() > 4);
    // With one more custom section each.
    let edited = |name: &String, round: u8| {
        let mut bytes = std::fs::read(folder.input(name)).unwrap();
        bytes.extend([0, 6, 4, b'n', b'o', b't', b'e', round]);
        bytes
    };
    for round in 0..2 {
        let before = ["rehearsals", "linked_ahead", "hits"].map(status);
        let bytes: Vec<Vec<u8>> = objects.iter().map(|name| edited(name, round)).collect();
        objects.iter().for_each(|name| std::fs::remove_file(folder.input(name)).unwrap());
        let (last, others) = objects.split_last().unwrap();
        for (name, bytes) in others.iter().zip(&bytes) {
            std::fs::write(folder.input(name), bytes).unwrap();
        }
        folder.wait_until("a rehearsal", || status("rehearsals") > before[0]);
        assert_eq!(status("linked_ahead"), before[1]);
        assert_eq!(folder.leftovers(), Vec::<String>::new());
        std::fs::write(folder.input(last), bytes.last().unwrap()).unwrap();
        folder.wait_until("a link ahead", || status("linked_ahead") > before[1]);
        assert!(folder.wald("require", &all).status().unwrap().success());
        assert_eq!(status("hits"), before[2] + 1);
        let module = std::fs::read(folder.input("out.wasm")).unwrap();
        assert!(folder.wald("off", &all).status().unwrap().success());
        assert!(std::fs::read(folder.input("out.wasm")).unwrap() == module);
    }
}

#[test]
fn the_same_bytes_are_no_change() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    let bytes = std::fs::read(folder.input("commands.o")).unwrap();
    let status = |key: &str| folder.status()[0][key].as_u64().unwrap();
    let before = ["files_read", "linked_ahead"].map(status);
    std::fs::write(folder.input("new"), bytes).unwrap();
    std::fs::rename(folder.input("new"), folder.input("commands.o")).unwrap();
    folder.check(&all);
    assert_eq!(["files_read", "linked_ahead"].map(status), before);
}

#[test]
fn what_is_missing_is_not_read_again_and_again() {
    let folder = Folder::new();
    let all = folder.all();
    std::fs::rename(folder.input("commands.o"), folder.input("kept")).unwrap();
    assert_eq!(folder.check(&all).status.code(), Some(1));
    let read = || folder.status()[0]["files_read"].as_u64().unwrap();
    let before = read();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(read(), before);
    std::fs::rename(folder.input("kept"), folder.input("commands.o")).unwrap();
    folder.wait_until("a link ahead", || folder.status()[0]["linked_ahead"] == 1);
    assert!(folder.check(&all).status.success());
}
