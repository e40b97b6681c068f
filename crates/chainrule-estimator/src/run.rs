//! A training run on prepared samples: it goes on from a checkpoint, writes itself down, and ends in a predictor.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use chainrule::{Ending, Epoch, Evaluation, Event, Trainer};
use serde_json::Value;

use crate::error::{EstimatorError, Result};
use crate::identity::Identity;
use crate::measure::{Measurement, measure, measurement_of};
use crate::option_error::OptionError;
use crate::predictor::Predictor;
use crate::preparation::Preparation;
use crate::record::{self, Outcome};
use crate::samples::PreparedSamples;

/// Whoever watches a run: told of every step and every epoch, it lets the run go on or breaks it off. The metrics of an
/// epoch are in the target's own units.
pub type Observer<'o> = dyn FnMut(&Event<'_, f32>) -> ControlFlow<()> + 'o;

/// The observer that lets everything go on.
pub fn unobserved(_: &Event<'_, f32>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

impl Preparation {
    /// A run from the start, or from the checkpoint that the options name.
    ///
    /// # Errors
    /// When the checkpoint cannot be read, and [`OptionError::OtherRun`] when it is of another run.
    pub fn start(&self) -> Result<Run<'_>> {
        Run::new(self)
    }

    /// Trains to the end, or until the observer breaks off, and measures the best model.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`Run::fit`].
    pub fn fit(&self, observer: &mut Observer<'_>) -> Result<Fitted> {
        self.start()?.fit(observer)
    }
}

/// A run that has not begun, or that goes on from a checkpoint.
///
/// ```
/// use std::ops::ControlFlow;
/// use chainrule_estimator::{Ending, Estimator, EstimatorOptions, Event};
/// let dataset = chainrule_data::read("digits")?;
/// let options = EstimatorOptions { layers: Some(vec![32]), ..EstimatorOptions::default() };
/// let preparation = Estimator::new(options).prepare(&dataset)?;
/// let run = preparation.start()?;
/// assert_eq!(run.epochs(), 0);
/// let fitted = run.fit(&mut |event| match event {
///     Event::Epoch { report, .. } if report.epoch == 2 => ControlFlow::Break(()),
///     _ => ControlFlow::Continue(()),
/// })?;
/// assert_eq!((fitted.epochs, fitted.ending), (2, Ending::Interrupted));
/// # Ok::<(), chainrule_estimator::EstimatorError>(())
/// ```
pub struct Run<'p> {
    preparation: &'p Preparation,
    trainer: Trainer<f32>,
}

/// What a run came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fitted {
    /// The best model.
    pub predictor: Predictor,
    /// On the validation rows, if there are any.
    pub validation: Option<Measurement>,
    /// On the test rows, if there are any.
    pub test: Option<Measurement>,
    /// Epochs completed, those before a checkpoint included.
    pub epochs: usize,
    /// The epoch that the predictor is of: the one with the lowest validation loss, or the last one.
    pub best_epoch: usize,
    /// Why training ended.
    pub ending: Ending,
    /// How long the epochs of this run took.
    pub training_time: Duration,
}

impl<'p> Run<'p> {
    pub(crate) fn new(preparation: &'p Preparation) -> Result<Self> {
        let Preparation { network, loss, origin, initialization, .. } = preparation;
        let options = &origin.options;
        let mut trainer = match &preparation.resume {
            None => {
                let parameters = match *initialization {
                    Some(rule) => network.initialize_with(rule, options.seed),
                    None => network.initialize(options.seed),
                };
                Trainer::new(network, loss, parameters, options.clone())?
            }
            Some(path) => {
                let trainer = Trainer::<f32>::resume(path, Some(options.epochs))?;
                check_identity(path, trainer.record(), &origin.identity)?;
                let same = [
                    ("network", trainer.network() == network),
                    ("loss", trainer.loss() == loss),
                    ("training options", trainer.options() == options),
                ];
                if let Some(&(what, _)) = same.iter().find(|(_, same)| !same) {
                    return Err(OptionError::OtherRun { path: path.clone(), what }.into());
                }
                trainer
            }
        };
        trainer.set_plan(preparation.plan.clone());
        trainer.set_record(Some(serde_json::to_value(&origin.identity).expect("an identity is plain data")));
        if let Some(class) = preparation.positive {
            trainer.set_positive_class(class)?;
        }
        Ok(Run { preparation, trainer })
    }

    /// Epochs completed before: those of the checkpoint that the run goes on from.
    pub fn epochs(&self) -> usize {
        self.trainer.epochs()
    }

    /// Trains to the end, or until the observer breaks off, and measures the best model. After each epoch the run is
    /// written to the checkpoint that the options name.
    ///
    /// # Errors
    /// A target that the loss cannot use; a checkpoint that cannot be written; and [`EstimatorError::Diverged`], with
    /// the best model so far, when a value is not finite.
    pub fn fit(mut self, observer: &mut Observer<'_>) -> Result<Fitted> {
        let preparation = self.preparation;
        let started = Instant::now();
        let (ending, best) = self.train(observer)?;
        let training_time = started.elapsed();
        let (epochs, best_epoch) = (self.trainer.epochs(), self.trainer.best_epoch());
        let mut predictor = preparation.predictor(self.trainer.parameters().clone(), None);
        // Its state is as large as the network, several times over.
        drop(self.trainer);

        let preprocessing = &preparation.preprocessing;
        let positive = preparation.positive.unwrap_or(1);
        let measured = |prepared: &Option<PreparedSamples<f32>>| {
            let measured = prepared.as_ref();
            let measured = measured.map(|prepared| {
                measure(preparation.threads(), predictor.model(), prepared, preprocessing, positive)
            });
            measured.transpose()
        };
        // The best epoch was measured on the validation rows when it was over; classes need no other units.
        let validation = match (best, &preparation.validation) {
            (Some(evaluation), Some(rows)) if preprocessing.class_names().is_some() => {
                Some(measurement_of(evaluation, rows, preprocessing))
            }
            _ => measured(&preparation.validation)?,
        };
        let test = measured(&preparation.test)?;
        let outcome = Outcome {
            training_rows: preparation.training_rows(),
            validation: validation.as_ref(),
            test: test.as_ref(),
            epochs,
            best_epoch,
            ending,
        };
        predictor.set_record(record::of_run(&preparation.origin, &outcome));
        Ok(Fitted { predictor, validation, test, epochs, best_epoch, ending, training_time })
    }

    /// Trains, and gives beside the ending what the best epoch of this run was measured at, if it was.
    fn train(&mut self, observer: &mut Observer<'_>) -> Result<(Ending, Option<Evaluation>)> {
        let preparation = self.preparation;
        let mut not_written = None;
        let mut best = None;
        let ending = self.trainer.fit(
            preparation.threads(),
            preparation.training.samples(),
            preparation.validation.as_ref().map(PreparedSamples::samples),
            &mut |event| {
                let Event::Epoch { report, run } = event else { return observer(event) };
                if report.best {
                    best.clone_from(&report.validation);
                }
                let report = &in_own_units(report, preparation);
                let flow = observer(&Event::Epoch { report, run });
                match preparation.checkpoint.as_ref().map(|path| run.save(path)) {
                    Some(Err(error)) => {
                        not_written = Some(error);
                        ControlFlow::Break(())
                    }
                    _ => flow,
                }
            },
        );
        match (not_written, ending) {
            (Some(error), _) => Err(error.into()),
            (None, Ok(ending)) => Ok((ending, best)),
            (None, Err(error)) => Err(self.diverged(error)),
        }
    }

    /// After a run that diverged, what was good is not lost.
    fn diverged(&self, error: chainrule::Error) -> EstimatorError {
        let diverged = matches!(error, chainrule::Error::NonFinite { .. });
        if !diverged || self.trainer.epochs() == 0 {
            return error.into();
        }
        let record = record::of_diverged(&self.preparation.origin, self.trainer.epochs());
        let last_good = self.preparation.predictor(self.trainer.parameters().clone(), Some(record));
        EstimatorError::Diverged { error, epoch: self.trainer.best_epoch(), last_good: Box::new(last_good) }
    }
}

/// Refuses a checkpoint of a run on other data, or one that does not say on which.
fn check_identity(path: &Path, record: Option<&Value>, identity: &Identity) -> Result<()> {
    let written = record.and_then(|record| serde_json::from_value::<Identity>(record.clone()).ok());
    let Some(written) = written else {
        return Err(OptionError::CheckpointWithoutFingerprint { path: path.to_owned() }.into());
    };
    match written.difference(identity) {
        None => Ok(()),
        Some(difference) => Err(OptionError::OtherData { path: path.to_owned(), difference }.into()),
    }
}

/// The report with metrics in the target's own units. Of several targets only the loss has a meaning before they are put
/// into their units, which costs another pass; so the metrics stay those of the network's scale.
fn in_own_units(report: &Epoch, preparation: &Preparation) -> Epoch {
    let mut report = report.clone();
    if let (Some(validation), Some([scale])) =
        (&mut report.validation, preparation.preprocessing.target_scales().as_deref())
    {
        validation.metrics = validation.metrics.clone().rescaled(scale.standard_deviation);
    }
    report
}
