//! How many threads a link uses.

use rayon::ThreadPoolBuilder;

/// More threads than this help nobody.
const MOST: usize = 256;

/// Runs `work` with a pool of its own of `threads` threads; without a number in the pool of the caller (rayon's
/// current one). Where no threads can be had, the calling thread does it all.
pub fn with_threads<R: Send>(threads: Option<usize>, work: impl FnOnce() -> R + Send) -> R {
    // In the pool as a whole: from outside every parallel loop would wait to be woken.
    let Some(threads) = threads else { return rayon::join(work, || ()).0 };
    let builder = ThreadPoolBuilder::new().num_threads(threads.clamp(1, MOST));
    // A single thread is the calling one: nothing is started.
    let builder = if threads <= 1 { builder.use_current_thread() } else { builder };
    match builder.build() {
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
    }
}
