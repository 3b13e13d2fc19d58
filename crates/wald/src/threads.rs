//! How many threads a link uses.

use rayon::ThreadPoolBuilder;

/// More threads than this help nobody.
const MOST: usize = 256;

/// Runs `work` with a pool of its own of `threads` threads; without a number in the pool of the caller (rayon's
/// current one).
pub fn with_threads<R: Send>(threads: Option<usize>, work: impl FnOnce() -> R + Send) -> R {
    // In the pool as a whole: from outside every parallel loop would wait to be woken.
    let Some(threads) = threads else { return rayon::join(work, || ()).0 };
    if cfg!(target_family = "wasm") {
        // There are no threads there: rayon's own pool is the calling one.
        return work();
    }
    // Also a single thread is a new one: the calling one could not leave a pool again, and whatever it did with rayon
    // afterwards would have one thread for good.
    match ThreadPoolBuilder::new().num_threads(threads.clamp(1, MOST)).build() {
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
