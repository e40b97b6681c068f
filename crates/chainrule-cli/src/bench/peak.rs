//! The machine's peak over a run: sampled again and again, and whether it fell while the run went on.

use std::time::{Duration, Instant};

use chainrule::{Scalar, Threads, fma_peak, sustained_fma_peak};
use serde_json::{Value, json};

use crate::report::short;

/// The peak of a machine that nothing disturbs stays above this share of its best.
const DISTURBED_BELOW: f64 = 0.9;

/// Between rounds the peak is measured no more often than this, so that short rounds are not mostly that.
const INTERVAL: Duration = Duration::from_millis(100);

/// Peaks of one moment, in GFLOP/s.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Of rounds of some microseconds.
    burst: f64,
    /// Of rounds of some milliseconds.
    sustained: f64,
}

/// What was measured so far; at least one sample.
pub(crate) struct PeakOfRun {
    samples: Vec<Sample>,
    last: Instant,
}

impl PeakOfRun {
    /// Takes the first sample, after one that only wakes the processor up.
    pub(crate) fn start<T: Scalar>(threads: &Threads) -> Self {
        sample::<T>(threads);
        PeakOfRun { samples: vec![sample::<T>(threads)], last: Instant::now() }
    }

    /// Takes another sample, some 15 milliseconds long.
    pub(crate) fn take<T: Scalar>(&mut self, threads: &Threads) {
        self.samples.push(sample::<T>(threads));
        self.last = Instant::now();
    }

    /// The same, unless the last one was a moment ago.
    pub(crate) fn take_if_due<T: Scalar>(&mut self, threads: &Threads) {
        if self.last.elapsed() >= INTERVAL {
            self.take::<T>(threads);
        }
    }

    /// The best of all samples, in GFLOP/s: what speeds are compared with.
    pub(crate) fn sustained(&self) -> f64 {
        self.samples.iter().map(|sample| sample.sustained).fold(0.0, f64::max)
    }

    /// The best of all rounds, in GFLOP/s; no less than the sustained peak, whose rounds have a best part.
    pub(crate) fn burst(&self) -> f64 {
        self.samples.iter().map(|sample| sample.burst).fold(self.sustained(), f64::max)
    }

    /// The least sustained peak over the best: 1 on a machine that does nothing else.
    pub(crate) fn lowest_fraction(&self) -> f64 {
        let lowest = self.samples.iter().map(|sample| sample.sustained).fold(f64::INFINITY, f64::min);
        lowest / self.sustained()
    }

    /// Whether something else took a good part of the machine while the run went on.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.lowest_fraction() < DISTURBED_BELOW
    }

    /// The sentence that says so.
    pub(crate) fn disturbance(&self) -> Option<String> {
        self.is_disturbed().then(|| {
            format!(
                "the machine was disturbed: its peak fell to {:.0} % between rounds; figures may be too slow",
                100.0 * self.lowest_fraction()
            )
        })
    }

    /// Both peaks in words.
    pub(crate) fn words(&self) -> String {
        let (sustained, burst) = (short(self.sustained()), short(self.burst()));
        format!("peak of fused multiply-adds: {sustained} GFLOP/s sustained, {burst} in bursts")
    }

    /// Adds the peaks, and whether they fell, to a JSON object.
    pub(crate) fn add_to(&self, value: &mut Value) {
        value["peak_gflops"] = json!(self.sustained());
        value["sustained_peak_gflops"] = json!(self.sustained());
        value["burst_peak_gflops"] = json!(self.burst());
        value["disturbed"] = json!(self.is_disturbed());
        value["lowest_peak_fraction"] = json!(self.lowest_fraction());
    }
}

fn sample<T: Scalar>(threads: &Threads) -> Sample {
    Sample { burst: fma_peak::<T>(threads), sustained: sustained_fma_peak::<T>(threads) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(sustained: &[f64], burst: f64) -> PeakOfRun {
        let samples = sustained.iter().map(|&sustained| Sample { burst, sustained }).collect();
        PeakOfRun { samples, last: Instant::now() }
    }

    #[test]
    fn the_best_sample_counts_and_bursts_are_no_slower() {
        let peak = run(&[90.0, 100.0, 95.0], 120.0);
        assert_eq!((peak.sustained(), peak.burst(), peak.lowest_fraction()), (100.0, 120.0, 0.9));
        assert_eq!(run(&[100.0], 80.0).burst(), 100.0);
        let words = "peak of fused multiply-adds: 100.0 GFLOP/s sustained, 120.0 in bursts";
        assert_eq!(peak.words(), words);
    }

    #[test]
    fn a_machine_is_disturbed_where_its_peak_falls_below_nine_tenths() {
        for steady in [&[100.0][..], &[90.0, 100.0], &[100.0, 95.0, 91.0]] {
            assert!(run(steady, 100.0).disturbance().is_none(), "{steady:?}");
        }
        let sentence = run(&[100.0, 71.2, 99.0], 100.0).disturbance();
        let expected =
            "the machine was disturbed: its peak fell to 71 % between rounds; figures may be too slow";
        assert_eq!(sentence.as_deref(), Some(expected));
        assert!(run(&[80.0, 100.0], 100.0).is_disturbed(), "the first sample counts as well");
    }

    #[test]
    fn json_has_both_peaks_and_whether_they_fell() {
        let mut value = json!({});
        run(&[50.0, 100.0], 110.0).add_to(&mut value);
        let expected = json!({
            "peak_gflops": 100.0,
            "sustained_peak_gflops": 100.0,
            "burst_peak_gflops": 110.0,
            "disturbed": true,
            "lowest_peak_fraction": 0.5,
        });
        assert_eq!(value, expected);
    }
}
