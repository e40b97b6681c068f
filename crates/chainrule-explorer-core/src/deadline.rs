//! How long work may go on: until its time is over, or whoever asked for it is gone.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::refusal::Refusal;

/// How long it is since some moment that stays: WebAssembly alone has no clock.
pub type Clock = fn() -> Duration;

/// The clock of a machine that has one.
pub fn system_clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// When work ends, done or not; it looks here between its parts.
pub(crate) struct Deadline<'a> {
    clock: Clock,
    started: Duration,
    time: Duration,
    cancelled: &'a AtomicBool,
}

impl<'a> Deadline<'a> {
    /// So much time from `started` on the clock, unless `cancelled` is set before.
    pub(crate) fn new(clock: Clock, started: Duration, time: Duration, cancelled: &'a AtomicBool) -> Self {
        Deadline { clock, started, time, cancelled }
    }

    /// So much time on the system's clock.
    pub(crate) fn within(time: Duration, cancelled: &'a AtomicBool) -> Self {
        Deadline::new(system_clock, system_clock(), time, cancelled)
    }

    /// Whether the time is over.
    pub(crate) fn has_passed(&self) -> bool {
        (self.clock)().saturating_sub(self.started) >= self.time
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
