//! Schedules of the learning rate and of what else changes during a run, with an optional linear warm-up of the rate before any
//! of them.

use serde::{Deserialize, Serialize};

use crate::error::{Result, require};
use crate::names::{find_by_name, written_by_name};
use crate::portable::cos_pi;

/// How the learning rate changes. `base` is the optimizer's own rate; steps and epochs count from 0.
///
/// ```
/// use chainrule::Schedule;
/// assert_eq!("step".parse::<Schedule>()?, Schedule::Step { every: 10, factor: 0.1 });
/// let halved = Schedule::Step { every: 5, factor: 0.5 };
/// assert_eq!(halved.to_string(), "step");
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// base.
    Constant,
    /// base factor^floor(epoch / every).
    Step {
        /// In epochs, at least 1; default 10.
        every: usize,
        /// Default 0.1.
        factor: f64,
    },
    /// minimum + (base - minimum)(1 + cos(pi step / steps)) / 2 (Loshchilov and Hutter 2017).
    Cosine {
        /// Default 0.
        minimum: f64,
    },
    /// From base / initial_divisor up to base in the first part, then down to
    /// base / initial_divisor / final_divisor, along half waves of the cosine (Smith and Topin 2019; PyTorch's `OneCycleLR`).
    OneCycle {
        /// The first part's share of all steps, in 0..1; default 0.3.
        warmup_fraction: f64,
        /// Default 25.
        initial_divisor: f64,
        /// Default 10,000.
        final_divisor: f64,
    },
    /// base in the first part, then down to 0 along half a wave of the cosine.
    FlatCosine {
        /// The first part's share of all steps, in 0..1; default 0.5.
        flat_fraction: f64,
    },
    /// base (1 - cos(2 pi log2(1 + (2^cycles - 1) step / steps))) / 2: waves from 0 up and back, each twice as long as the
    /// one before (Holzmueller, Grinsztajn and Steinwart 2024, with 4 cycles).
    LogCosine {
        /// How many waves; 1 to 32, default 4.
        cycles: u32,
    },
    /// Multiplies the rate by `factor` when the validation loss has not fallen below
    /// best (1 - threshold) for more than `patience` epochs (PyTorch's `ReduceLROnPlateau`).
    ReduceOnPlateau {
        /// Default 0.1.
        factor: f64,
        /// In epochs; default 10.
        patience: usize,
        /// Default 1e-4.
        threshold: f64,
    },
}

written_by_name!(Schedule);

impl Schedule {
    /// Every schedule, with default parameters.
    pub const ALL: [Schedule; 7] = [
        Schedule::Constant,
        Schedule::Step { every: 10, factor: 0.1 },
        Schedule::Cosine { minimum: 0.0 },
        Schedule::OneCycle { warmup_fraction: 0.3, initial_divisor: 25.0, final_divisor: 1e4 },
        Schedule::FlatCosine { flat_fraction: 0.5 },
        Schedule::LogCosine { cycles: 4 },
        Schedule::ReduceOnPlateau { factor: 0.1, patience: 10, threshold: 1e-4 },
    ];

    /// The name in model files.
    pub fn name(&self) -> &'static str {
        match self {
            Schedule::Constant => "constant",
            Schedule::Step { .. } => "step",
            Schedule::Cosine { .. } => "cosine",
            Schedule::OneCycle { .. } => "one_cycle",
            Schedule::FlatCosine { .. } => "flat_cosine",
            Schedule::LogCosine { .. } => "log_cosine",
            Schedule::ReduceOnPlateau { .. } => "reduce_on_plateau",
        }
    }

    /// The schedule of that name with default parameters; `-` and `_` are the same, and case does not matter.
    ///
    /// # Errors
    /// For an unknown name, with the list of all.
    pub fn from_name(name: &str) -> Result<Self> {
        find_by_name("schedule", name, Self::ALL.into_iter(), Schedule::name)
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// Names the parameter, its value and its range.
    pub fn check(&self) -> Result<()> {
        let factor_allowed = "must be greater than 0 and at most 1";
        match *self {
            Schedule::Constant => Ok(()),
            Schedule::Step { every, factor } => {
                require(every > 0, "every", every as f64, "must be at least 1")?;
                require(factor > 0.0 && factor <= 1.0, "factor", factor, factor_allowed)
            }
            Schedule::Cosine { minimum } => require(
                (0.0..f64::INFINITY).contains(&minimum),
                "minimum",
                minimum,
                "must be at least 0 and finite",
            ),
            Schedule::OneCycle { warmup_fraction, initial_divisor, final_divisor } => {
                let holds = warmup_fraction > 0.0 && warmup_fraction < 1.0;
                require(holds, "warmup_fraction", warmup_fraction, "must be between 0 and 1")?;
                for (name, divisor) in
                    [("initial_divisor", initial_divisor), ("final_divisor", final_divisor)]
                {
                    require(
                        divisor >= 1.0 && divisor.is_finite(),
                        name,
                        divisor,
                        "must be at least 1 and finite",
                    )?;
                }
                Ok(())
            }
            Schedule::FlatCosine { flat_fraction } => require(
                (0.0..1.0).contains(&flat_fraction),
                "flat_fraction",
                flat_fraction,
                "must be at least 0 and less than 1",
            ),
            Schedule::LogCosine { cycles } => {
                require((1..=32).contains(&cycles), "cycles", cycles.into(), "must be 1 to 32")
            }
            Schedule::ReduceOnPlateau { factor, threshold, .. } => {
                require(factor > 0.0 && factor <= 1.0, "factor", factor, factor_allowed)?;
                require(
                    (0.0..1.0).contains(&threshold),
                    "threshold",
                    threshold,
                    "must be at least 0 and less than 1",
                )
            }
        }
    }

    /// What `base`, which may be another number than a rate, is in step `step` of `steps`, `steps_per_epoch` of them an epoch.
    pub(crate) fn value(&self, base: f64, step: u64, steps: u64, steps_per_epoch: u64) -> f64 {
        self.rate(base, step, steps, (step / steps_per_epoch.max(1)) as usize)
    }

    /// The rate of step `step` of `steps` in epoch `epoch`, without what a plateau takes off.
    pub fn rate(&self, base: f64, step: u64, steps: u64, epoch: usize) -> f64 {
        let wave = |from: f64, to: f64, share: f64| to + (from - to) * (1.0 + cos_pi(share)) / 2.0;
        match *self {
            Schedule::Constant | Schedule::ReduceOnPlateau { .. } => base,
            Schedule::Step { every, factor } => base * factor.powi((epoch / every) as i32),
            Schedule::Cosine { minimum } => wave(base, minimum.min(base), step as f64 / steps.max(1) as f64),
            Schedule::FlatCosine { flat_fraction } => {
                let share = step as f64 / steps.max(1) as f64;
                wave(base, 0.0, ((share - flat_fraction) / (1.0 - flat_fraction)).max(0.0))
            }
            Schedule::LogCosine { cycles } => {
                let share = step as f64 / steps.max(1) as f64;
                let waves = libm::log2(1.0 + (2f64.powi(cycles as i32) - 1.0) * share);
                base * (1.0 - cos_pi(2.0 * waves)) / 2.0
            }
            Schedule::OneCycle { warmup_fraction, initial_divisor, final_divisor } => {
                let top = warmup_fraction * steps as f64 - 1.0;
                let last = steps as f64 - 1.0;
                let (step, start) = (step as f64, base / initial_divisor);
                if step <= top && top > 0.0 {
                    wave(start, base, step / top)
                } else if last > top {
                    wave(base, start / final_divisor, ((step - top) / (last - top)).clamp(0.0, 1.0))
                } else {
                    base
                }
            }
        }
    }

    /// The rate with `warmup` steps before the schedule, in which it rises linearly to the schedule's first rate.
    pub(crate) fn rate_with_warmup(
        &self,
        base: f64,
        step: u64,
        steps: u64,
        steps_per_epoch: u64,
        warmup: u64,
    ) -> f64 {
        if step < warmup {
            return self.rate(base, 0, steps - warmup.min(steps), 0) * (step + 1) as f64
                / (warmup as f64 + 1.0);
        }
        let step = step - warmup;
        let epoch = (step / steps_per_epoch.max(1)) as usize;
        self.rate(base, step, steps.saturating_sub(warmup), epoch)
    }
}

/// What a plateau schedule remembers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plateau {
    best: Option<f64>,
    waited: usize,
    /// What the rate is multiplied by.
    pub(crate) scale: f64,
}

impl Plateau {
    pub(crate) fn new() -> Self {
        Plateau { best: None, waited: 0, scale: 1.0 }
    }

    /// What cannot have come from so many epochs of a schedule, in the words of a file. `least` is the lowest loss there was,
    /// or a bound below it, where there is one.
    pub(crate) fn implausible(
        &self,
        schedule: &Schedule,
        epochs: usize,
        least: Option<f64>,
    ) -> Option<String> {
        let Plateau { best, waited, scale } = *self;
        let Schedule::ReduceOnPlateau { factor, patience, .. } = *schedule else {
            let schedule = schedule.name();
            return (*self != Plateau::new()).then(|| {
                format!("\"plateau\" is not as it begins, which the schedule {schedule} never changes")
            });
        };
        if best.is_some() != (epochs > 0) || best.is_some_and(|best| !best.is_finite()) {
            return Some(format!("\"best\" of the plateau is {}, after {epochs} epochs", number(best)));
        }
        if let (Some(best), Some(least)) = (best, least)
            && best < least
        {
            return Some(format!("\"best\" of the plateau is {best:e}, and no loss was below {least:e}"));
        }
        if waited > patience.min(epochs) {
            return Some(format!(
                "\"waited\" of the plateau is {waited}, with a patience of {patience} and after {epochs} epochs"
            ));
        }
        let mut power = 1.0;
        let mut times = 0;
        while power > scale && times < epochs && factor < 1.0 {
            power *= factor;
            times += 1;
        }
        (power != scale).then(|| {
            format!("\"scale\" of the plateau is {scale:e}, which is no power of its factor, {factor}")
        })
    }

    /// Takes an epoch's validation loss into account.
    pub(crate) fn observe(&mut self, schedule: &Schedule, loss: f64) {
        let Schedule::ReduceOnPlateau { factor, patience, threshold } = *schedule else { return };
        if self.best.is_none_or(|best| loss < best * (1.0 - threshold)) {
            self.best = Some(loss);
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        if self.waited > patience {
            self.scale *= factor;
            self.waited = 0;
        }
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("null".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        schedule: Schedule,
        base_learning_rate: f64,
        total: Option<u64>,
        scores: Option<Vec<f64>>,
        rates: Vec<f64>,
    }

    #[test]
    fn rates_are_pytorchs() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../oracle/values.json");
        let all: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let cases: Vec<Case> = serde_json::from_value(all["schedules"].clone()).unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let mut plateau = Plateau::new();
            for (i, expected) in case.rates.iter().enumerate() {
                if let Some(scores) = &case.scores {
                    plateau.observe(&case.schedule, scores[i]);
                }
                let rate = case.schedule.rate(case.base_learning_rate, i as u64, case.total.unwrap_or(1), i);
                let rate = rate * plateau.scale;
                assert!(
                    (rate / expected - 1.0).abs() < 1e-12,
                    "{} {i}: {rate} instead of {expected}",
                    case.name
                );
            }
        }
    }

    #[test]
    fn warm_up_rises_linearly_to_the_first_rate() {
        for schedule in Schedule::ALL {
            schedule.check().unwrap();
            let first = schedule.rate(0.3, 0, 90, 0);
            for step in 0..10 {
                let rate = schedule.rate_with_warmup(0.3, step, 100, 10, 10);
                assert!((rate - first * (step + 1) as f64 / 11.0).abs() < 1e-15);
            }
            assert_eq!(schedule.rate_with_warmup(0.3, 10, 100, 10, 10), first);
            assert_eq!(Schedule::from_name(schedule.name()).unwrap(), schedule);
            // Degenerate lengths give a finite rate.
            for (steps, warmup) in [(0, 0), (1, 0), (1, 1), (1, 5), (3, 2)] {
                for step in 0..steps.max(1) {
                    assert!(schedule.rate_with_warmup(0.3, step, steps, 1, warmup).is_finite());
                }
            }
        }
        assert!(Schedule::from_name("linear").unwrap_err().to_string().contains("one-cycle"));
        assert!(Schedule::Step { every: 0, factor: 0.1 }.check().is_err());
        assert!(Schedule::Cosine { minimum: f64::NAN }.check().is_err());
    }
}
