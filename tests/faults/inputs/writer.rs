//! The ways in which compilers, scripts and unlucky moments write a file.

use super::project::{relocations_start, section_starts, Random};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Under another name, and renamed.
    Rename,
    /// In place, in one go.
    InPlace,
    /// In place, with a pause before the relocations: the first part is a valid object too.
    TornBeforeRelocations,
    /// In place; a pause between two sections.
    TornBetweenSections,
    /// In place; a pause anywhere.
    TornAnywhere,
    /// In place, in many parts.
    Slow,
    /// Over the old bytes, which are not cut off before.
    OverOldBytes,
    /// Written in part and closed; opened again soon, for the rest.
    Reopened,
    /// Removed, and later restored by a rename.
    Vanishing,
}

/// All of them.
pub const WAYS: &[Way] = &[
    Way::Rename,
    Way::InPlace,
    Way::TornBeforeRelocations,
    Way::TornBetweenSections,
    Way::TornAnywhere,
    Way::Slow,
    Way::OverOldBytes,
    Way::Reopened,
    Way::Vanishing,
];

/// Those in which the file is not closed before it is complete: also right for the last one.
pub const LAST_WAYS: &[Way] = &[
    Way::Rename,
    Way::Rename,
    Way::InPlace,
    Way::TornBeforeRelocations,
    Way::TornBeforeRelocations,
    Way::TornBetweenSections,
    Way::TornAnywhere,
    Way::Slow,
];

/// What is done to the file's time.
#[derive(Clone, Copy, Debug)]
pub enum Skew {
    /// Nothing.
    None,
    /// It is so many seconds from now.
    Seconds(i64),
    /// It is the time that the file had before.
    Restored,
}

/// All of them.
pub const SKEWS: &[Skew] = &[
    Skew::None,
    Skew::None,
    Skew::None,
    Skew::Seconds(3600),
    Skew::Seconds(-3600),
    Skew::Seconds(3),
    Skew::Seconds(-6),
    Skew::Restored,
];

/// Sleeps for so many milliseconds.
pub fn sleep(milliseconds: usize) {
    std::thread::sleep(Duration::from_millis(milliseconds as u64));
}

/// Changes the file's time. `before` is the time of the file that it replaces.
fn set_time(file: &File, skew: Skew, before: Option<SystemTime>) {
    let time = match skew {
        Skew::None => return,
        Skew::Restored => before,
        Skew::Seconds(seconds) => {
            let distance = Duration::from_secs(seconds.unsigned_abs());
            let now = SystemTime::now();
            Some(if seconds < 0 { now - distance } else { now + distance })
        }
    };
    if let Some(time) = time {
        file.set_modified(time).unwrap();
    }
}

/// Writes the file. `pause` is how long it stays torn, in milliseconds.
pub fn write(path: &Path, bytes: &[u8], way: Way, skew: Skew, pause: usize, random: &mut Random) {
    let before = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let set_time = |file: &File| set_time(file, skew, before);
    let in_parts = |cuts: &[usize]| {
        let mut file = File::create(path).unwrap();
        let mut at = 0;
        for &cut in cuts.iter().chain([&bytes.len()]) {
            if at > 0 {
                sleep(pause);
            }
            file.write_all(&bytes[at..cut]).unwrap();
            at = cut;
        }
        set_time(&file);
    };
    let anywhere = 1 + random.below(bytes.len() - 1);
    match way {
        Way::Vanishing => {
            let _ = std::fs::remove_file(path);
            sleep(pause);
            write(path, bytes, Way::Rename, skew, 0, random);
        }
        Way::Rename => {
            let temporary = path.with_extension(format!("tmp{:x}", random.next()));
            std::fs::write(&temporary, bytes).unwrap();
            set_time(&File::options().append(true).open(&temporary).unwrap());
            std::fs::rename(temporary, path).unwrap();
        }
        Way::InPlace => in_parts(&[]),
        Way::TornBeforeRelocations => in_parts(&[relocations_start(bytes).unwrap_or(anywhere)]),
        Way::TornBetweenSections => {
            let starts = section_starts(bytes);
            in_parts(&[if starts.is_empty() { anywhere } else { random.pick(&starts) }]);
        }
        Way::TornAnywhere => in_parts(&[anywhere]),
        Way::Slow => {
            let step = bytes.len().div_ceil(6);
            in_parts(&(1..6).map(|part| (part * step).min(bytes.len())).collect::<Vec<_>>());
        }
        Way::OverOldBytes => {
            let mut file = File::options().create(true).truncate(false).write(true).open(path).unwrap();
            file.seek(SeekFrom::Start(anywhere as u64)).unwrap();
            file.write_all(&bytes[anywhere..]).unwrap();
            sleep(pause);
            file.seek(SeekFrom::Start(0)).unwrap();
            file.write_all(&bytes[..anywhere]).unwrap();
            file.set_len(bytes.len() as u64).unwrap();
            set_time(&file);
        }
        Way::Reopened => {
            std::fs::write(path, &bytes[..anywhere]).unwrap();
            sleep(pause.min(30));
            let mut file = File::options().append(true).open(path).unwrap();
            file.write_all(&bytes[anywhere..]).unwrap();
            set_time(&file);
        }
    }
}
