//! How long work may go on: until its time is over, or whoever asked for it is gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::refusal::Refusal;

/// When work ends, done or not; it looks here between its parts.
pub(crate) struct Deadline<'a> {
    started: Instant,
    time: Duration,
    cancelled: &'a AtomicBool,
}

impl<'a> Deadline<'a> {
    /// So much time from `started` on, unless `cancelled` is set before.
    pub(crate) fn new(started: Instant, time: Duration, cancelled: &'a AtomicBool) -> Self {
        Deadline { started, time, cancelled }
    }

    /// Whether the time is over.
    pub(crate) fn has_passed(&self) -> bool {
        self.started.elapsed() >= self.time
    }

    /// Refuses work that nobody waits for.
    pub(crate) fn check_cancelled(&self) -> Result<(), Refusal> {
        check_cancelled(self.cancelled)
    }

    /// The time, as in "10 seconds".
    pub(crate) fn in_words(&self) -> String {
        match self.time.as_secs() {
            1 => "1 second".to_owned(),
            0 if self.time.as_millis() > 0 => format!("{} ms", self.time.as_millis()),
            seconds => format!("{seconds} seconds"),
        }
    }
}

/// Refuses work that nobody waits for.
pub(crate) fn check_cancelled(cancelled: &AtomicBool) -> Result<(), Refusal> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(Refusal::Invalid("the request was given up".to_owned()));
    }
    Ok(())
}
