//! Whether a step of middle size is faster on one thread or on all: found by timing both.
//!
//! What a step costs on several threads, beside its arithmetic, is the way of numbers from one core's cache to another's,
//! and processors differ in it by far. Results do not depend on the choice.

use std::time::{Duration, Instant};

use crate::kernel::Threads;

/// Steps on less work than this are faster on one thread.
const SERIAL_FLOPS: u64 = 400_000;

/// Steps on more work than this are faster on all.
const PARALLEL_FLOPS: u64 = 32_000_000;

/// Steps of a trial: by turns two on all threads and two on one, of which the second finds its numbers in the caches that
/// it uses, and is timed.
const TRIAL: u32 = 12;

/// Steps from one trial to the next: twice as many after a trial that found what the one before had found, up to the latest.
const SOONEST: u32 = 4096;
const LATEST: u32 = 1 << 20;

/// So many smaller steps in a row are no last batch of an epoch: theirs is the size from then on.
const MANY: u32 = 64;

/// Whether a step on so much work is done by one thread without a trial.
pub(super) fn is_small(flops: u64) -> bool {
    flops < SERIAL_FLOPS
}

/// Where the steps of one size on so many threads stand.
#[derive(Debug, Default)]
pub(super) struct Pace {
    flops: u64,
    threads: usize,
    /// Smaller steps since the last of this size.
    smaller: u32,
    /// Steps since the trial began.
    steps: u32,
    /// Steps from this trial's beginning to the next one's.
    period: u32,
    /// The least times in this trial, if any: on all threads, and on one.
    least: [Option<Duration>; 2],
    /// What the last trial found.
    is_faster_alone: Option<bool>,
}

/// How a step is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// On one thread.
    pub(super) alone: bool,
    /// Whether it is one of those that are counted.
    counts: bool,
    /// None where it is not timed.
    start: Option<Instant>,
}

impl Pace {
    /// How to do a step on so much work, which begins now, and ends with [`Pace::end`] unless it fails.
    pub(super) fn begin(&mut self, flops: u64, threads: &Threads) -> Turn {
        self.begin_on(flops, threads.count(), threads.count_at_once())
    }

    /// The same on `count` threads, of which the machine runs `at_once`.
    fn begin_on(&mut self, flops: u64, count: usize, at_once: usize) -> Turn {
        let turn = self.found(flops, count);
        // One thread has no choice, and there may be no clock where there are no threads.
        if is_small(flops) || flops > PARALLEL_FLOPS || at_once == 1 {
            return turn;
        }
        self.smaller = if flops < self.flops { self.smaller + 1 } else { 0 };
        if flops > self.flops || self.smaller == MANY || count != self.threads {
            *self = Pace { flops, threads: count, ..Pace::default() };
        } else if flops < self.flops {
            return turn;
        }
        let (alone, is_timed) = self.next();
        Turn { alone, counts: true, start: is_timed.then(Instant::now) }
    }

    /// How to do a step whose time says nothing.
    pub(super) fn as_found(&self, flops: u64, threads: &Threads) -> Turn {
        self.found(flops, threads.count())
    }

    fn found(&self, flops: u64, count: usize) -> Turn {
        let is_middle = !is_small(flops) && flops <= PARALLEL_FLOPS && count == self.threads;
        let alone = is_small(flops) || is_middle && self.is_faster_alone == Some(true);
        Turn { alone, counts: false, start: None }
    }

    /// The step is done.
    pub(super) fn end(&mut self, turn: Turn) {
        if turn.counts {
            self.done(turn.start.map(|start| start.elapsed()));
        }
    }

    /// Whether the next step is done by one thread, and whether it is timed.
    fn next(&self) -> (bool, bool) {
        match self.steps {
            TRIAL.. => (self.is_faster_alone == Some(true), false),
            step => (step / 2 % 2 == 1, step % 2 == 1),
        }
    }

    /// The step is done, in this time if it was timed.
    fn done(&mut self, time: Option<Duration>) {
        if let Some(time) = time {
            let least = &mut self.least[usize::from(self.next().0)];
            *least = Some(least.map_or(time, |least| least.min(time)));
        }
        self.steps += 1;
        if self.steps == TRIAL {
            let found = Some(self.least[1] < self.least[0]);
            self.period = match found == self.is_faster_alone {
                true => self.period.saturating_mul(2).min(LATEST),
                false => SOONEST,
            };
            self.is_faster_alone = found;
        } else if self.steps > TRIAL && self.steps >= self.period {
            (self.steps, self.least) = (0, [None; 2]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps that take so many microseconds on all threads and on one: the number of those on one among the next `count`.
    fn steps_alone(pace: &mut Pace, count: u32, times: [u64; 2]) -> u32 {
        let mut alone = 0;
        for _ in 0..count {
            let (is_alone, is_timed) = pace.next();
            pace.done(is_timed.then(|| Duration::from_micros(times[usize::from(is_alone)])));
            alone += u32::from(is_alone);
        }
        alone
    }

    #[test]
    fn the_faster_way_is_taken_after_a_trial() {
        for (times, alone_after) in [([20, 15], 1), ([15, 20], 0), ([15, 15], 0)] {
            let mut pace = Pace::default();
            assert_eq!(steps_alone(&mut pace, TRIAL, times), TRIAL / 2);
            assert_eq!(steps_alone(&mut pace, 1000, times), 1000 * alone_after, "{times:?}");
        }
    }

    #[test]
    fn another_trial_finds_that_times_have_changed_and_the_same_result_puts_it_off() {
        let mut pace = Pace::default();
        steps_alone(&mut pace, TRIAL, [20, 15]);
        let first = pace.period;
        steps_alone(&mut pace, first - TRIAL, [20, 15]);
        assert_eq!(steps_alone(&mut pace, TRIAL, [20, 15]), TRIAL / 2);
        assert_eq!(pace.period, 2 * first);
        steps_alone(&mut pace, 2 * first - TRIAL, [20, 15]);
        assert_eq!(steps_alone(&mut pace, TRIAL, [10, 15]), TRIAL / 2);
        assert_eq!((steps_alone(&mut pace, 1000, [10, 15]), pace.period), (0, SOONEST));
        for _ in 0..10 {
            let period = pace.period;
            steps_alone(&mut pace, period, [10, 15]);
        }
        assert_eq!(pace.period, LATEST);
    }

    /// A step: whether it is done by one thread, and whether it is timed.
    fn step(pace: &mut Pace, flops: u64, count: usize, at_once: usize) -> (bool, bool) {
        let turn = pace.begin_on(flops, count, at_once);
        pace.end(turn);
        (turn.alone, turn.start.is_some())
    }

    #[test]
    fn small_and_large_steps_and_one_thread_have_no_trial() {
        let mut pace = Pace::default();
        for _ in 0..TRIAL {
            assert_eq!(step(&mut pace, SERIAL_FLOPS - 1, 2, 2), (true, false));
            assert_eq!(step(&mut pace, PARALLEL_FLOPS + 1, 2, 2), (false, false));
            assert_eq!(step(&mut pace, SERIAL_FLOPS, 2, 1), (false, false));
            assert_eq!(pace.steps, 0);
        }
    }

    #[test]
    fn a_trial_is_of_one_size_and_one_number_of_threads() {
        let mut pace = Pace::default();
        for expected in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(step(&mut pace, 2 * SERIAL_FLOPS, 2, 2), expected);
            // The last batch of an epoch.
            assert_eq!(step(&mut pace, SERIAL_FLOPS, 2, 2), (false, false));
        }
        assert_eq!((pace.flops, pace.steps), (2 * SERIAL_FLOPS, 4));
        step(&mut pace, 3 * SERIAL_FLOPS, 2, 2);
        assert_eq!((pace.flops, pace.steps), (3 * SERIAL_FLOPS, 1));
        for _ in 0..MANY {
            step(&mut pace, SERIAL_FLOPS, 2, 2);
        }
        assert_eq!((pace.flops, pace.steps), (SERIAL_FLOPS, 1));
        step(&mut pace, SERIAL_FLOPS, 3, 2);
        assert_eq!((pace.threads, pace.steps), (3, 1));
        pace.is_faster_alone = Some(true);
        let alone = |flops: u64, count: usize| pace.found(flops, count).alone;
        assert!(alone(SERIAL_FLOPS, 3) && alone(1, 2) && !alone(SERIAL_FLOPS, 2));
    }
}
