//! The same work on many columns, on several threads.

/// Fewer cells than this are done before a thread has started.
const FEW: usize = 1 << 15;

/// So many threads, or for 0 as many as the machine runs at once.
pub(crate) fn count(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(1, |count| count.get()),
        threads => threads,
    }
}

/// What `work` gives for each item, in their order; `cells` says how much there is to do. Items are taken by whoever is free,
/// as they differ in size.
pub(crate) fn map<T: Sync, R: Send>(
    threads: usize,
    cells: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let threads = if cells < FEW { 1 } else { count(threads) };
    if threads.min(items.len()) <= 1 {
        return items.iter().map(work).collect();
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut found: Vec<(usize, R)> = std::thread::scope(|scope| {
        let take_all = || {
            let mut found = Vec::new();
            loop {
                let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(item) = items.get(index) else { return found };
                found.push((index, work(item)));
            }
        };
        let workers: Vec<_> = (0..threads.min(items.len())).map(|_| scope.spawn(take_all)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect()
    });
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::{FEW, map};

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [0, 1, 2, 7, 200] {
            let squares: Vec<usize> = map(threads, FEW, &items, |item| item * item);
            assert_eq!(
                squares,
                items.iter().map(|item| item * item).collect::<Vec<_>>(),
                "{threads} threads"
            );
        }
        assert!(map(3, FEW, &[] as &[usize], |item| *item).is_empty());
    }
}
