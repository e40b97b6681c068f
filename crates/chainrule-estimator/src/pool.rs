//! A pool of threads that is made when somebody needs it, and then shared.

use std::fmt;
use std::sync::{Arc, OnceLock};

use chainrule::Threads;

/// So many threads, or as many as the machine runs at once.
#[derive(Clone, Default)]
pub(crate) struct Pool {
    count: Option<usize>,
    made: Arc<OnceLock<Threads>>,
}

impl Pool {
    pub(crate) fn new(count: Option<usize>) -> Self {
        Pool { count, made: Arc::default() }
    }

    /// How many threads there are, or will be.
    pub(crate) fn count(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, |count| count.get());
        self.count.unwrap_or_else(available)
    }

    pub(crate) fn threads(&self) -> &Threads {
        self.made.get_or_init(|| self.count.map_or_else(Threads::available, Threads::new))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("count", &self.count).finish_non_exhaustive()
    }
}
