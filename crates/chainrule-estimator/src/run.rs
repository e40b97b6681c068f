//! A training run on prepared samples: it goes on from a checkpoint, writes itself down, and ends in a predictor.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use chainrule::{Ending, Epoch, Evaluation, Trainer, evaluate_for};
use chainrule_data::Note;
use serde_json::Value;

use crate::checkpoint::Checkpoint;
use crate::error::{EstimatorError, Result};
use crate::events::{Event, Observer};
use crate::identity::Identity;
use crate::measure::{Measured, Measurement, measure, measurement_of};
use crate::option_error::OptionError;
use crate::predictor::Predictor;
use crate::preparation::Preparation;
use crate::record::{self, Origin, Outcome};
use crate::samples::PreparedSamples;

impl Preparation {
    /// A run from the start, or from the checkpoint that the options name.
    ///
    /// # Errors
    /// When the checkpoint cannot be read, and [`OptionError::OtherRun`] when it is of another run.
    pub fn start(&self) -> Result<Run<'_>> {
        Run::new(self)
    }

    /// Trains to the end, or until the observer breaks off, and measures the best model of a run that was not broken off.
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
    /// What the run started from, with the options that it has.
    origin: Origin,
    trainer: Trainer<f32>,
    checkpoint: Option<Checkpoint>,
    epochs_before: usize,
    rows_seen: u64,
    notes: Vec<Note>,
}

/// What a run came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fitted {
    /// The best model.
    pub predictor: Predictor,
    /// On the validation rows, if there are any; after an interruption only where it is known without another pass.
    pub validation: Option<Measurement>,
    /// On the test rows, if there are any; none after an interruption.
    pub test: Option<Measurement>,
    /// Why a part that was set aside has no measurement, for each such part: a prediction there is no number.
    pub not_measured: Vec<String>,
    /// Epochs completed, those before a checkpoint included.
    pub epochs: usize,
    /// Epochs that were completed before, by the run whose checkpoint was gone on from; 0 without one.
    pub epochs_before: usize,
    /// Rows that the steps of this run used, each as often as it was used.
    pub rows_seen: u64,
    /// The epoch that the predictor is of: the one with the lowest validation loss, or the last one; 0 for what was
    /// learned of a first epoch that did not end.
    pub best_epoch: usize,
    /// Why training ended.
    pub ending: Ending,
    /// How long the epochs of this run took.
    pub training_time: Duration,
    /// What was noticed on the way.
    pub notes: Vec<Note>,
}

impl<'p> Run<'p> {
    pub(crate) fn new(preparation: &'p Preparation) -> Result<Self> {
        let Preparation { network, loss, origin, initialization, starts_from_batch, training, .. } =
            preparation;
        let options = &origin.options;
        // First of all, so that the file is not read while another run writes to it.
        let checkpoint = preparation.checkpoint.as_deref().map(Checkpoint::claim).transpose()?;
        let mut trainer = match &preparation.resume {
            None => {
                let parameters = match *initialization {
                    Some(rule) => network.initialize_with(rule, options.seed),
                    None if *starts_from_batch => {
                        network.initialize_from(training.samples().inputs, options.batch_size, options.seed)
                    }
                    None => network.initialize(options.seed),
                };
                Trainer::new(network, loss, parameters, options.clone())?
            }
            Some(path) => {
                let trainer = Trainer::<f32>::resume(path, Some(options.epochs))?;
                check_identity(path, trainer.record(), &origin.identity)?;
                // Whether epochs are given changes the usual patience: that of the run that is gone on with stays.
                let mut options = options.clone();
                let usual = preparation.usual_patience;
                if usual.is_some() && [None, usual].contains(&trainer.options().patience) {
                    options.patience = trainer.options().patience;
                }
                let same = [
                    ("network", trainer.network() == network),
                    ("loss", trainer.loss() == loss),
                    ("training options", *trainer.options() == options),
                ];
                if let Some(&(what, _)) = same.iter().find(|(_, same)| !same) {
                    return Err(OptionError::OtherRun { path: path.clone(), what }.into());
                }
                check_plausible(path, &trainer, preparation)?;
                trainer
            }
        };
        trainer.set_plan(preparation.plan.clone());
        trainer.set_record(Some(serde_json::to_value(&origin.identity).expect("an identity is plain data")));
        if let Some(class) = preparation.positive {
            trainer.set_positive_class(class)?;
        }
        let epochs_before = trainer.epochs();
        let origin = Origin { options: trainer.options().clone(), ..origin.clone() };
        Ok(Run { preparation, origin, trainer, checkpoint, epochs_before, rows_seen: 0, notes: Vec::new() })
    }

    /// Epochs completed before: those of the checkpoint that the run goes on from.
    pub fn epochs(&self) -> usize {
        self.trainer.epochs()
    }

    /// Trains to the end, or until the observer breaks off, and measures the best model of a run that was not broken off:
    /// who breaks off does not want to wait. After each epoch the run is written to the checkpoint that the options name;
    /// where that cannot be, the observer is told and training goes on.
    ///
    /// # Errors
    /// A target that the loss cannot use; and [`EstimatorError::Diverged`], with the best model so far, when a value is
    /// not finite.
    pub fn fit(mut self, observer: &mut Observer<'_>) -> Result<Fitted> {
        let preparation = self.preparation;
        let started = Instant::now();
        let (ending, best) = self.train(observer)?;
        let training_time = started.elapsed();
        let (epochs, best_epoch) = (self.trainer.epochs(), self.trainer.best_epoch());
        if let Some(note) = self.checkpoint.as_ref().and_then(Checkpoint::behind) {
            // The run is over; what the observer says of it changes nothing.
            let _ = observer(&Event::Noticed(&note));
            self.notes.push(note);
        }
        let mut predictor = preparation.predictor(self.trainer.parameters().clone(), None);
        // Its state is as large as the network, several times over.
        drop(self.trainer);

        let preprocessing = &preparation.preprocessing;
        let positive = preparation.positive.unwrap_or(1);
        let mut not_measured = Vec::new();
        let mut measured = |part: &str, prepared: &Option<PreparedSamples<f32>>| {
            let Some(prepared) = prepared else { return Ok(None) };
            let of = Measured { model: predictor.model(), prepared, preprocessing, positive };
            let place = |row: usize| format!("row {} of the {} {part} rows", row + 1, prepared.rows());
            match measure(preparation.threads(), &of, &place) {
                // What was learned is not lost for that.
                Err(error @ (EstimatorError::NotFinite { .. } | EstimatorError::NotMeasured { .. })) => {
                    not_measured.push(error.to_string());
                    Ok(None)
                }
                measured => measured.map(Some),
            }
        };
        let is_interrupted = ending == Ending::Interrupted;
        // The best epoch was measured on the validation rows when it was over; classes need no other units.
        let validation = match (best, &preparation.validation) {
            (Some(evaluation), Some(rows)) if preprocessing.class_names().is_some() => {
                Some(measurement_of(evaluation, rows, preprocessing))
            }
            _ if is_interrupted => None,
            _ => measured("validation", &preparation.validation)?,
        };
        let test = if is_interrupted { None } else { measured("test", &preparation.test)? };
        let outcome = Outcome {
            training_rows: preparation.training_rows(),
            validation: validation.as_ref(),
            test: test.as_ref(),
            epochs,
            best_epoch,
            ending,
        };
        predictor.set_record(record::of_run(&self.origin, &outcome));
        Ok(Fitted {
            predictor,
            validation,
            test,
            not_measured,
            epochs,
            epochs_before: self.epochs_before,
            rows_seen: self.rows_seen,
            best_epoch,
            ending,
            training_time,
            notes: self.notes,
        })
    }

    /// Trains, and gives beside the ending what the best epoch of this run was measured at, if it was.
    fn train(&mut self, observer: &mut Observer<'_>) -> Result<(Ending, Option<Evaluation>)> {
        let preparation = self.preparation;
        let Run { checkpoint, notes, trainer, rows_seen, epochs_before, .. } = self;
        let rows = preparation.training_rows() as u64;
        let mut best = None;
        let ending = trainer.fit(
            preparation.threads(),
            preparation.training.samples(),
            preparation.validation.as_ref().map(PreparedSamples::samples),
            &mut |event| {
                let (report, run) = match event {
                    chainrule::TrainingEvent::Epoch { report, run } => (report, run),
                    &chainrule::TrainingEvent::Step { epoch, samples, loss } => {
                        *rows_seen = (epoch - 1 - *epochs_before) as u64 * rows + samples as u64;
                        return observer(&Event::Step { epoch, samples, loss });
                    }
                    _ => return ControlFlow::Continue(()),
                };
                if report.best {
                    best.clone_from(&report.validation);
                }
                let report = &in_own_units(report, preparation);
                let flow = observer(&Event::Epoch { report, run });
                let Some(note) = checkpoint.as_mut().and_then(|checkpoint| checkpoint.write(run)) else {
                    return flow;
                };
                let told = observer(&Event::Noticed(&note));
                notes.push(note);
                if flow.is_break() { flow } else { told }
            },
        );
        match ending {
            Ok(ending) => Ok((ending, best)),
            Err(error) => Err(self.diverged(error)),
        }
    }

    /// After a run that diverged, what was good is not lost.
    fn diverged(&self, error: chainrule::Error) -> EstimatorError {
        let diverged = matches!(error, chainrule::Error::NonFinite { .. });
        // An epoch may have ended without a model that is worth keeping.
        if !diverged || self.trainer.best_epoch() == 0 {
            return error.into();
        }
        let record = record::of_diverged(&self.origin, self.trainer.epochs());
        let last_good = self.preparation.model(self.trainer.parameters().clone(), Some(record));
        EstimatorError::Diverged { error, epoch: self.trainer.best_epoch(), last_good: Box::new(last_good) }
    }
}

/// Refuses a checkpoint that cannot be of these samples: one whose steps do not make its epochs, which has a validation loss
/// without validation rows or none with them, or whose kept parameters have another loss than it says.
fn check_plausible(path: &Path, trainer: &Trainer<f32>, preparation: &Preparation) -> Result<()> {
    let refuse = |reason: String| {
        let reason = format!("no run on these data can have come to this: {reason}");
        Err(chainrule::Error::File { path: path.to_owned(), reason }.into())
    };
    let (rows, batch_size) = (preparation.training_rows(), trainer.options().batch_size);
    let (epochs, steps, each) = (trainer.epochs(), trainer.steps(), rows.div_ceil(batch_size) as u64);
    if epochs as u64 * each != steps {
        return refuse(format!(
            "\"steps\" is {steps}, but {epochs} epochs of {each} steps are {}",
            epochs as u64 * each
        ));
    }
    let (said, validation) = match (trainer.best_loss(), &preparation.validation) {
        (Some(said), Some(validation)) => (said, validation),
        (Some(_), None) => {
            return refuse("\"kept_loss\" is there, but there are no validation rows".to_owned());
        }
        (None, Some(_)) if epochs > 0 => {
            return refuse("there is no \"kept_loss\", but there are validation rows".to_owned());
        }
        (None, _) => return Ok(()),
    };
    let (network, loss, samples) = (trainer.network(), trainer.loss(), validation.samples());
    let threads = preparation.threads();
    let found =
        evaluate_for(threads, network, trainer.parameters(), loss, samples, trainer.positive_class())?.loss;
    // Versions may differ in the last digits. A loss that is no number is close to none.
    let is_close = found.is_finite() && (found - said).abs() <= 1e-3 * found.abs().max(1e-6);
    if !is_close {
        return refuse(format!(
            "\"kept_loss\" is {said:e}, but the kept parameters have a validation loss of {found:e}"
        ));
    }
    Ok(())
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
