//! The same work for each of many items, on several threads.

/// More items than this are divided among threads.
const MANY: usize = 500;

/// What `work` gives for each item, in order. Where the system gives no threads, this one does all.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let parts = threads.min(items.len() / MANY).max(1);
    let size = items.len().div_ceil(parts).max(1);
    let each = &|part: &[T]| part.iter().map(&work).collect::<Vec<R>>();
    std::thread::scope(|scope| {
        let started: Vec<_> = items
            .chunks(size)
            .skip(1)
            .map(|part| (part, std::thread::Builder::new().spawn_scoped(scope, move || each(part))))
            .collect();
        let mut all = items.chunks(size).next().map(each).unwrap_or_default();
        for (part, thread) in started {
            let done = thread.ok().and_then(|thread| thread.join().ok());
            all.extend(done.unwrap_or_else(|| each(part)));
        }
        all
    })
}
