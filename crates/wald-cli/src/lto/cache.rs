//! Prunes the folder of `--thinlto-cache-dir` as LLVM does in process: its tool only adds to it.

#![allow(unsafe_code, reason = "free space of a file system")]

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// When it was pruned last.
const TIMESTAMP: &str = "llvmcache.timestamp";
/// Beginnings of the names of LLVM's files. All others are somebody else's.
const OURS: [&str; 2] = ["llvmcache-", "Thin-"];

/// When the folder is pruned, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The folder is left alone for so long.
    interval: Duration,
    /// Files are removed that nobody has used for so long.
    expiration: Duration,
    /// The files take at most so many percent of what they take and what is free. 0: no limit.
    percentage: u64,
    /// The files have at most so many bytes. 0: no limit.
    bytes: u64,
    /// There are at most so many files. 0: no limit.
    files: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            interval: Duration::from_secs(20 * 60),
            expiration: Duration::from_secs(7 * 24 * 60 * 60),
            percentage: 75,
            bytes: 0,
            files: 1_000_000,
        }
    }
}

impl Policy {
    /// Reads a policy that was checked, such as `prune_after=7d:cache_size=50%`.
    pub fn parse(text: &str) -> Policy {
        let mut policy = Policy::default();
        for (key, value) in text.split(':').filter_map(|pair| pair.split_once('=')) {
            let number = value.trim_end_matches(|last: char| !last.is_ascii_digit()).parse().unwrap_or(0);
            let unit = value.chars().next_back().unwrap_or_default();
            match key {
                "prune_interval" => policy.interval = duration(number, unit),
                "prune_after" => policy.expiration = duration(number, unit),
                "cache_size" => policy.percentage = number,
                "cache_size_bytes" => policy.bytes = number.saturating_mul(bytes(unit)),
                "cache_size_files" => policy.files = number as usize,
                _ => {}
            }
        }
        policy
    }

    fn limits_nothing(&self) -> bool {
        self.expiration.is_zero() && self.percentage == 0 && self.bytes == 0 && self.files == 0
    }
}

fn duration(number: u64, unit: char) -> Duration {
    let unit = match unit {
        'm' => 60,
        'h' => 60 * 60,
        _ => 1,
    };
    Duration::from_secs(number.saturating_mul(unit))
}

fn bytes(unit: char) -> u64 {
    match unit.to_ascii_lowercase() {
        'k' => 1 << 10,
        'm' => 1 << 20,
        'g' => 1 << 30,
        _ => 1,
    }
}

/// A file of the cache.
struct Entry {
    used: SystemTime,
    size: u64,
    path: PathBuf,
}

/// What is in a cache, by size.
pub struct Contents(HashMap<u64, Vec<PathBuf>>);

impl Contents {
    /// Looks at the folder once: a cache may have very many more files than a link has objects.
    pub fn of(folder: &Path) -> Contents {
        let mut by_size: HashMap<u64, Vec<PathBuf>> = HashMap::new();
        for entry in entries(folder).unwrap_or_default() {
            by_size.entry(entry.size).or_default().push(entry.path);
        }
        Contents(by_size)
    }

    /// Whether an object is in the cache.
    pub fn has(&self, object: &[u8]) -> bool {
        let mut same_size = self.0.get(&(object.len() as u64)).into_iter().flatten();
        same_size.any(|path| fs::read(path).is_ok_and(|bytes| bytes == object))
    }
}

/// What one link has in the cache.
pub struct Share {
    /// The number of its tasks.
    pub tasks: usize,
    /// The size of its objects in the cache.
    pub bytes: u64,
}

/// Removes files from the cache, if it is time. What cannot be read or removed is left. Returns LLVM's warnings: if the link's own
/// share is more than the policy allows.
pub fn prune(folder: &Path, policy: &Policy, share: &Share) -> Vec<String> {
    let mut warnings = Vec::new();
    if policy.limits_nothing() || !is_due(&folder.join(TIMESTAMP), policy.interval) {
        return warnings;
    }
    let now = SystemTime::now();
    let Ok(mut entries) = entries(folder) else { return warnings };
    entries.retain(|entry| {
        let age = now.duration_since(entry.used).unwrap_or_default();
        let is_old = !policy.expiration.is_zero() && age > policy.expiration;
        !(is_old && fs::remove_file(&entry.path).is_ok())
    });
    // The longest unused come first.
    entries.sort_by(|a, b| (a.used, a.size, &a.path).cmp(&(b.used, b.size, &b.path)));
    let mut total: u64 = entries.iter().map(|entry| entry.size).sum();
    let limit = size_limit(folder, policy, total);
    let mut count = entries.len();
    let (most, tasks, bytes) = (policy.files, share.tasks, share.bytes);
    let begin = "warning: ThinLTO cache pruning happens since the";
    let end = "consider adjusting --thinlto-cache-policy";
    if most != 0 && tasks > most {
        warnings.push(format!(
            "{begin} number of created files ({tasks}) exceeds the maximum number of files ({most}); {end}"
        ));
    }
    let mut rest = entries.iter();
    while most != 0 && count > most {
        let Some(entry) = rest.next() else { break };
        let _ = fs::remove_file(&entry.path);
        (count, total) = (count - 1, total - entry.size);
    }
    if bytes > limit {
        warnings.push(format!(
            "{begin} total size of the cache files consumed by the current link job ({bytes}  bytes) exceeds maximum cache size \
             ({limit} bytes); {end}"
        ));
    }
    while total > limit {
        let Some(entry) = rest.next() else { break };
        let _ = fs::remove_file(&entry.path);
        total -= entry.size;
    }
    warnings
}

/// Whether the cache was not pruned for so long. Notes the time.
fn is_due(timestamp: &Path, interval: Duration) -> bool {
    if let Ok(metadata) = fs::metadata(timestamp) {
        let age = metadata.modified().ok().and_then(|then| then.elapsed().ok()).unwrap_or_default();
        if !interval.is_zero() && age <= interval {
            return false;
        }
    }
    fs::write(timestamp, b"").is_ok()
}

fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !OURS.iter().any(|beginning| name.starts_with(beginning)) {
            continue;
        }
        let Ok(metadata) = fs::metadata(&path) else { continue };
        let used = metadata.accessed().or_else(|_| metadata.modified())?;
        entries.push(Entry { used, size: metadata.len(), path });
    }
    Ok(entries)
}

/// How many bytes the files may have together.
fn size_limit(folder: &Path, policy: &Policy, total: u64) -> u64 {
    if policy.percentage == 0 && policy.bytes == 0 {
        return u64::MAX;
    }
    let Some(free) = free_space(folder) else { return u64::MAX };
    let available = u128::from(total) + u128::from(free);
    let percentage = if policy.percentage == 0 { 100 } else { policy.percentage };
    let share = available * u128::from(percentage) / 100;
    let most = if policy.bytes == 0 { available } else { u128::from(policy.bytes) };
    share.min(most).try_into().unwrap_or(u64::MAX)
}

/// How many bytes are free on the folder's file system.
#[cfg(unix)]
fn free_space(folder: &Path) -> Option<u64> {
    let path = std::ffi::CString::new(std::os::unix::ffi::OsStrExt::as_bytes(folder.as_os_str())).ok()?;
    // SAFETY: the path is a C string, and the structure is whole.
    unsafe {
        let mut space: libc::statvfs = std::mem::zeroed();
        match libc::statvfs(path.as_ptr(), &mut space) {
            0 => Some((space.f_bfree as u64).saturating_mul(space.f_frsize as u64)),
            _ => None,
        }
    }
}

/// Not known elsewhere: the size is not limited.
#[cfg(not(unix))]
fn free_space(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies() {
        let policy = Policy::parse("prune_interval=30s:prune_after=2h:cache_size=50%:cache_size_bytes=2k");
        let expected = Policy {
            interval: Duration::from_secs(30),
            expiration: Duration::from_secs(7200),
            percentage: 50,
            bytes: 2048,
            files: 1_000_000,
        };
        assert_eq!(policy, expected);
        assert_eq!(Policy::parse(""), Policy::default());
        assert!(Policy::parse("prune_after=0s:cache_size=0%:cache_size_files=0").limits_nothing());
    }

    #[test]
    fn objects_are_found_by_their_bytes() {
        let folder = std::env::temp_dir().join(format!("wald-contents-test-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        for (name, bytes) in [("llvmcache-1", "one"), ("Thin-2", "two"), ("other", "six")] {
            fs::write(folder.join(name), bytes).expect("a file");
        }
        let contents = Contents::of(&folder);
        assert!(contents.has(b"one") && contents.has(b"two"));
        assert!(!contents.has(b"six") && !contents.has(b"three") && !contents.has(b""));
        fs::remove_dir_all(&folder).expect("it is ours");
        assert!(!Contents::of(&folder).has(b"one"));
    }

    #[test]
    fn the_longest_unused_files_go() {
        let folder = std::env::temp_dir().join(format!("wald-cache-test-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        for (age, name) in [(300, "llvmcache-old"), (200, "llvmcache-mid"), (100, "Thin-new"), (400, "other")]
        {
            let file = fs::File::create(folder.join(name)).expect("a file");
            let then = SystemTime::now() - Duration::from_secs(age);
            file.set_times(fs::FileTimes::new().set_accessed(then).set_modified(then)).expect("times");
        }
        let left = |policy: &str| {
            prune(&folder, &Policy::parse(policy), &Share { tasks: 1, bytes: 0 });
            let mut names: Vec<_> = fs::read_dir(&folder)
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
                .filter(|name| name != TIMESTAMP)
                .collect();
            names.sort();
            names
        };
        assert_eq!(left("prune_interval=0s:cache_size_files=2"), ["Thin-new", "llvmcache-mid", "other"]);
        // It was pruned just now.
        assert_eq!(left("prune_after=150s"), ["Thin-new", "llvmcache-mid", "other"]);
        assert_eq!(left("prune_interval=0s:prune_after=150s"), ["Thin-new", "other"]);
        fs::remove_dir_all(&folder).expect("it is ours");
    }
}
