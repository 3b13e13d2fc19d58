//! Several links of one output at the same time, and readers that look at it meanwhile.

use super::scene::{is_long, Scene};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[test]
fn readers_always_see_a_whole_module() {
    let scenes = [Scene::new(200_000), Scene::new(300_000), Scene::new(100)];
    let path = scenes[0].path("out/m");
    fs::write(&path, &scenes[0].module).unwrap();
    let end = Instant::now() + Duration::from_secs(if is_long() { 60 } else { 5 });
    let (done, links, looks) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for scene in &scenes {
            scope.spawn(|| {
                while Instant::now() < end {
                    let output = scene.wald(&["-o", path.to_str().unwrap()]).output().unwrap();
                    assert!(output.status.success(), "{output:?}");
                    links.fetch_add(1, Ordering::Relaxed);
                }
                done.store(true, Ordering::Relaxed);
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let now = fs::read(&path).expect("there is always an output");
                assert!(scenes.iter().any(|scene| scene.module == now), "{} bytes", now.len());
                looks.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
    assert_eq!(scenes[0].names(), ["m"]);
    let (links, looks) = (links.into_inner(), looks.into_inner());
    assert!(links > 10 && looks > 1000, "{links} links, {looks} looks");
}
