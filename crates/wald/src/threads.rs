//! How many threads a link uses.

use rayon::ThreadPoolBuilder;
use std::sync::OnceLock;

/// More threads than this help nobody.
const MOST: usize = 256;

/// Runs `work` with a pool of its own of `threads` threads; without a number in the pool of the caller (rayon's
/// current one). If the system gives fewer threads, with those.
pub fn with_threads<R: Send>(threads: Option<usize>, work: impl FnOnce() -> R + Send) -> R {
    if cfg!(target_family = "wasm") {
        // This target has no threads: rayon's global pool is the calling thread.
        return work();
    }
    match threads {
        // In the pool as a whole: from outside every parallel loop would wait to be woken.
        None if rayon::current_thread_index().is_some() || has_global_pool() => rayon::join(work, || ()).0,
        None => in_own_pool(std::thread::available_parallelism().map_or(1, usize::from), work),
        Some(threads) => in_own_pool(threads, work),
    }
}

/// Whether rayon's global pool runs. If it cannot be started, whoever uses it panics, so this must be asked first.
fn has_global_pool() -> bool {
    // Rayon tries once in a process, too.
    static HAS_POOL: OnceLock<bool> = OnceLock::new();
    *HAS_POOL.get_or_init(|| match ThreadPoolBuilder::new().build_global() {
        Ok(()) => true,
        // The error's kind is private. A wrong answer only means a pool of our own.
        Err(error) => error.to_string().contains("already been initialized"),
    })
}

fn in_own_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    // Also a single thread is a new one: the calling one could not leave a pool again, and whatever it did with rayon
    // afterwards would have one thread for good.
    let mut threads = threads.clamp(1, MOST);
    while threads > 0 {
        match ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => return pool.install(work),
            Err(_) => threads /= 2,
        }
    }
    // No thread could be started. This one becomes a pool, unless it is in one already.
    match ThreadPoolBuilder::new().num_threads(1).use_current_thread().build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_kept() {
        for threads in [1, 2, 3] {
            assert_eq!(with_threads(Some(threads), rayon::current_num_threads), threads);
        }
        assert_eq!(with_threads(None, || 7), 7);
        // The calling thread is in no pool afterwards.
        assert_eq!(rayon::current_thread_index(), None);
    }
}
