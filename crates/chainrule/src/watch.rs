//! How far long work is, for whoever waits for it.

use std::cell::RefCell;

/// Called with the share of the work that is done, from 0 to 1.
type Watcher = Box<dyn FnMut(f64)>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// Does `work`, and calls `watcher` with the share that is done, from 0 to 1, of what takes longer than a moment in it on this
/// thread: gradient checks, and planners. Of several, each begins at 0.
pub fn watched<X>(watcher: impl FnMut(f64) + 'static, work: impl FnOnce() -> X) -> X {
    let before = WATCHER.replace(Some(Box::new(watcher)));
    let result = work();
    WATCHER.set(before);
    result
}

/// Tells the watcher, if there is one.
pub(crate) fn tell(share: f64) {
    // Taken out meanwhile, so that a watcher may do such work itself.
    if let Some(mut watcher) = WATCHER.take() {
        watcher(share);
        WATCHER.set(Some(watcher));
    }
}
