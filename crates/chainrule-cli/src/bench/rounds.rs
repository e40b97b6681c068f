//! Rounds of calls of one function, and the time that a call takes in each.

use std::time::Instant;

use anyhow::Result;

/// Calls in a round, at least.
pub(crate) const SHORTEST_ROUND: usize = 3;

/// The clock is read about this often, in seconds, so that reading it costs nothing.
const CLOCK_INTERVAL: f64 = 1e-4;

/// How many rounds there are, and how many seconds each lasts at least.
#[derive(Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) count: u16,
    pub(crate) seconds: f64,
}

/// Seconds of a call in each round: the round's time divided by its calls, the shortest first.
pub(crate) struct Times(Vec<f64>);

impl Rounds {
    /// Runs the rounds, after a warm-up of a tenth of one. `between` runs after each round, untimed; `progress` hears how
    /// many rounds are done.
    pub(crate) fn time(
        self,
        call: &mut dyn FnMut() -> chainrule::Result<()>,
        between: &mut dyn FnMut(),
        progress: &dyn Fn(f64),
    ) -> Result<Times> {
        let warm = seconds_per_call(call, 1, 1, self.seconds / 10.0, &|_| ())?;
        let stride = (CLOCK_INTERVAL / warm).clamp(1.0, 1e4) as usize;
        let mut seconds = Vec::new();
        for round in 0..self.count {
            let progress = |share: f64| progress(f64::from(round) + share);
            seconds.push(seconds_per_call(call, stride, SHORTEST_ROUND, self.seconds, &progress)?);
            between();
        }
        Ok(Times::new(seconds))
    }
}

/// The mean time of a call, over at least this many calls and seconds. The clock is read every `stride` calls, and
/// `progress` then hears which share is done.
fn seconds_per_call(
    call: &mut dyn FnMut() -> chainrule::Result<()>,
    stride: usize,
    least_calls: usize,
    least_seconds: f64,
    progress: &dyn Fn(f64),
) -> Result<f64> {
    let (start, mut calls) = (Instant::now(), 0);
    loop {
        for _ in 0..stride {
            call()?;
        }
        calls += stride;
        let elapsed = start.elapsed().as_secs_f64();
        progress((calls as f64 / least_calls as f64).min(elapsed / least_seconds).min(1.0));
        if calls >= least_calls && elapsed >= least_seconds {
            return Ok(elapsed / calls as f64);
        }
    }
}

impl Times {
    fn new(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Times(seconds)
    }

    /// Of the shortest round, in seconds.
    pub(crate) fn best(&self) -> f64 {
        self.0[0]
    }

    /// Of the middle round, or the mean of the two middle ones, in seconds.
    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() % 2 {
            0 => 0.5 * (self.0[middle - 1] + self.0[middle]),
            _ => self.0[middle],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn best_and_median_are_those_of_the_rounds() {
        let times = Times::new(vec![3.0, 1.0, 2.0]);
        assert_eq!((times.best(), times.median()), (1.0, 2.0));
        let times = Times::new(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!((times.best(), times.median()), (1.0, 2.5));
    }

    #[test]
    fn a_round_has_its_least_calls_and_something_runs_after_each() {
        let (calls, betweens, last) = (Cell::new(0), Cell::new(0), Cell::new(0.0));
        let mut call = || {
            calls.set(calls.get() + 1);
            Ok(())
        };
        let rounds = Rounds { count: 4, seconds: 0.0 };
        let times =
            rounds.time(&mut call, &mut || betweens.set(betweens.get() + 1), &|done| last.set(done)).unwrap();
        assert!(calls.get() >= 4 * SHORTEST_ROUND);
        assert_eq!((betweens.get(), last.get(), times.0.len()), (4, 4.0, 4));
    }
}
