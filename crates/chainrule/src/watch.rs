//! How far long work is, for whoever waits for it.

use std::cell::RefCell;

/// Called with the share of the work that is done, from 0 to 1.
type Watcher = Box<dyn FnMut(f64)>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// Does `work`, and calls `watcher` with the share that is done, from 0 to 1, of what takes longer than a moment in it on this
/// thread: gradient checks, and planners. Of several, each begins at 0.
///
/// ```
/// use chainrule::checkpoint::{Chain, Planner};
/// let chain = Chain::new(vec![8; 16], vec![1; 16], vec![8; 16])?;
/// let planner = chainrule::watched(|share| eprint!("\r{:3.0} %", 100.0 * share), || Planner::new(&chain));
/// assert!(planner.curve().len() > 1);
/// # Ok::<(), chainrule::checkpoint::ChainError>(())
/// ```
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
