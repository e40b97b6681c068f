//! The trainer: epochs, shuffling, validation, early stopping, learning-rate schedules, resuming.
//!
//! It reports events and prints nothing. A run is a function of (network, loss, parameters, options,
//! samples): the number of threads, and whether the run was interrupted and resumed, do not change a bit.

mod average;
mod kept;
mod memory;
mod metrics;
mod moves;
mod plausible;
mod schedule;
mod source;
mod state;
mod temperature;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

pub use memory::TrainingPlan;
pub use metrics::{Evaluation, Metrics, evaluate, evaluate_for, predicted_class};
pub use schedule::Schedule;
pub use source::{Batch, SampleSource};

use crate::error::{Error, Result, require};
use crate::kernel::{Scalar, Threads};
use crate::loss::{Loss, WeightedSum};
use crate::network::Network;
use crate::optimizer::{Adam, Clipping, Optimizer, Rule, TensorFactors};
use crate::parameters::{Parameters, TensorLayout};
use crate::random::shuffled;
use crate::samples::Samples;
use crate::step::TrainingStep;
use average::update_average;
use kept::Kept;
use metrics::{SECOND_CLASS, check_positive_class};
use schedule::Plateau;

/// How to train.
///
/// | option | default | purpose |
/// |---|---|---|
/// | `epochs` | 20 | passes over the training samples; 1 to 1,000,000,000 |
/// | `batch_size` | 32 | samples in a step; a larger one than there are samples is one step an epoch |
/// | `optimizer` | Adam, 0.001 | the update rule, with the base learning rate |
/// | `schedule` | constant | how the learning rate changes |
/// | `warmup_epochs` | 0 | linear warm-up before the schedule; fractions of an epoch count |
/// | `clipping` | none | bounds on the gradients |
/// | `vectors` | 1, 1, 1 | factors of rate, weight decay and epsilon for biases and other vectors |
/// | `tensors` | none | the same for tensors by name, in place of `vectors` |
/// | `decay_schedule` | constant | how the weight decay changes |
/// | `dropout_schedule` | constant | how the rates of dropout change: the factor of each |
/// | `smoothing_schedule` | constant | how the label smoothing of cross-entropy changes |
/// | `average` | none | decay, in 0..1, of a moving average of the parameters, which is measured and kept in their place |
/// | `temperature_scaling` | no | choose the epoch by the cross-entropy after its best temperature, and keep that in the last layer |
/// | `patience` | none | epochs without a lower validation loss before training stops |
/// | `seed` | 0 | order of the samples and dropout masks |
///
/// ```
/// use chainrule::*;
/// let options = TrainingOptions { epochs: 5, optimizer: "lion".parse()?, schedule: "cosine".parse()?, ..TrainingOptions::default() };
/// options.check()?;
/// let refused = TrainingOptions { batch_size: 0, ..options }.check().unwrap_err();
/// assert_eq!(refused.to_string(), "batch_size = 0: must be at least 1");
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingOptions {
    /// Passes over the training samples.
    pub epochs: usize,
    /// Samples in a step; the last step of an epoch takes what is left.
    pub batch_size: usize,
    /// The update rule.
    pub optimizer: Rule,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Length of the warm-up.
    pub warmup_epochs: f64,
    /// Bounds on the gradients.
    pub clipping: Option<Clipping>,
    /// What the update has of its own for vectors: biases, and what layers without a matrix learn.
    #[serde(default, skip_serializing_if = "is_default")]
    pub vectors: TensorFactors,
    /// What the update has of its own for tensors of these names, such as `layers.0.weight`, in place of `vectors`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tensors: BTreeMap<String, TensorFactors>,
    /// How the weight decay changes. No schedule that waits for a plateau, as of the next two.
    #[serde(default = "constant", skip_serializing_if = "is_constant")]
    pub decay_schedule: Schedule,
    /// How the rates of dropout change: the factor of each.
    #[serde(default = "constant", skip_serializing_if = "is_constant")]
    pub dropout_schedule: Schedule,
    /// How the label smoothing of cross-entropy changes. What is measured is the loss without a schedule.
    #[serde(default = "constant", skip_serializing_if = "is_constant")]
    pub smoothing_schedule: Schedule,
    /// Decay of a moving average of the parameters, in 0..1: it is measured, and kept, in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// Whether epochs are compared after their best temperature: the factor of z(L) with the lowest validation loss, by which
    /// the last layer's parameters are multiplied in what is measured and kept. It changes no prediction's class.
    /// For cross-entropy of a dense last layer; without validation it does nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub temperature_scaling: bool,
    /// When to stop early.
    pub patience: Option<usize>,
    /// Of everything random.
    pub seed: u64,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        TrainingOptions {
            epochs: 20,
            batch_size: 32,
            optimizer: Rule::Adam(Adam::default()),
            schedule: Schedule::Constant,
            warmup_epochs: 0.0,
            clipping: None,
            vectors: TensorFactors::default(),
            tensors: BTreeMap::new(),
            decay_schedule: Schedule::Constant,
            dropout_schedule: Schedule::Constant,
            smoothing_schedule: Schedule::Constant,
            average: None,
            temperature_scaling: false,
            patience: None,
            seed: 0,
        }
    }
}

fn constant() -> Schedule {
    Schedule::Constant
}

fn is_constant(schedule: &Schedule) -> bool {
    *schedule == Schedule::Constant
}

fn is_default(factors: &TensorFactors) -> bool {
    *factors == TensorFactors::default()
}

/// More epochs than anyone waits for; their steps can be counted in 64 bits.
const MOST_EPOCHS: usize = 1_000_000_000;

impl TrainingOptions {
    /// What the update has of its own for a tensor.
    fn factors_of(&self, tensor: &TensorLayout) -> TensorFactors {
        let usual = if tensor.is_vector { self.vectors } else { TensorFactors::default() };
        self.tensors.get(&tensor.name).copied().unwrap_or(usual)
    }

    /// Refuses factors for tensors that are not there.
    fn check_names<T: Scalar>(&self, parameters: &Parameters<T>) -> Result<()> {
        match self.tensors.keys().find(|name| parameters.by_name(name).is_none()) {
            None => Ok(()),
            Some(name) => Err(Error::shape("factors of tensors", "names of the network's tensors", name)),
        }
    }

    /// Checks every option.
    ///
    /// # Errors
    /// Names the option, its value and its range.
    pub fn check(&self) -> Result<()> {
        let holds = (1..=MOST_EPOCHS).contains(&self.epochs);
        require(holds, "epochs", self.epochs as f64, "must be at least 1 and at most 1,000,000,000")?;
        require(self.batch_size > 0, "batch_size", 0.0, "must be at least 1")?;
        require(self.patience != Some(0), "patience", 0.0, "must be at least 1")?;
        let holds = (0.0..f64::INFINITY).contains(&self.warmup_epochs);
        require(holds, "warmup_epochs", self.warmup_epochs, "must be at least 0 and finite")?;
        self.optimizer.check()?;
        self.vectors.check()?;
        self.tensors.values().try_for_each(TensorFactors::check)?;
        for (name, schedule) in [
            ("decay_schedule", &self.decay_schedule),
            ("dropout_schedule", &self.dropout_schedule),
            ("smoothing_schedule", &self.smoothing_schedule),
        ] {
            if let Schedule::ReduceOnPlateau { .. } = schedule {
                let (value, allowed) = (schedule.name().to_owned(), "must not wait for a plateau");
                return Err(Error::Hyperparameter { name, value, allowed });
            }
            schedule.check()?;
        }
        if let Some(decay) = self.average {
            require((0.0..1.0).contains(&decay), "average", decay, "must be at least 0 and less than 1")?;
        }
        self.schedule.check()?;
        self.clipping.as_ref().map_or(Ok(()), Clipping::check)
    }
}

/// What happens during training.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// let (parameters, loss) = (network.initialize::<f32>(1), Loss::cross_entropy());
/// let inputs = Matrix::from_rows(&[[0.5f32, -1.0], [0.0, 2.0]]);
/// let samples = Samples { inputs: inputs.view().into(), targets: Targets::Classes(&[0, 1]), sample_weights: None };
/// let mut trainer = Trainer::new(&network, &loss, parameters, TrainingOptions::default())?;
/// use std::ops::ControlFlow;
/// let mut epochs = 0;
/// let ending = trainer.fit(&Threads::single(), samples, None, &mut |event| match event {
///     TrainingEvent::Epoch { report, .. } if report.epoch == 3 => ControlFlow::Break(()),
///     TrainingEvent::Epoch { .. } => {
///         epochs += 1;
///         ControlFlow::Continue(())
///     }
///     _ => ControlFlow::Continue(()),
/// })?;
/// assert_eq!((ending, epochs), (Ending::Interrupted, 2));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[non_exhaustive]
pub enum TrainingEvent<'a, T> {
    /// A step was taken.
    Step {
        /// The epoch, from 1.
        epoch: usize,
        /// Samples of this epoch used so far.
        samples: usize,
        /// The training loss of the epoch so far.
        loss: f64,
    },
    /// An epoch is over.
    Epoch {
        /// What it brought.
        report: &'a Epoch,
        /// The run, as [`Trainer::save`] can write it down here.
        run: &'a Trainer<T>,
    },
}

/// One epoch's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// The mean loss of the steps, each before its update, weighted by samples; with dropout where there is some.
    pub training_loss: f64,
    /// On the validation samples, if there are any.
    pub validation: Option<Evaluation>,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Whether this is the best epoch so far.
    pub best: bool,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ending {
    /// All epochs were run.
    Finished,
    /// The validation loss had not fallen for `patience` epochs.
    StoppedEarly,
    /// The observer asked for it.
    Interrupted,
}

/// A training run.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(8, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// let inputs = Matrix::from_rows(&[[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0f32]]);
/// let samples = Samples { inputs: inputs.view().into(), targets: Targets::Classes(&[0, 1, 1, 0]), sample_weights: None };
/// let options = TrainingOptions { epochs: 500, ..TrainingOptions::default() };
/// let mut trainer = Trainer::new(&network, &Loss::cross_entropy(), network.initialize(1), options)?;
/// let ending = trainer.fit(&Threads::single(), samples, None, &mut |_| std::ops::ControlFlow::Continue(()))?;
/// assert_eq!(ending, Ending::Finished);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub struct Trainer<T> {
    network: Network,
    loss: Loss,
    options: TrainingOptions,
    parameters: Parameters<T>,
    optimizer: Optimizer<T>,
    /// The moving average of the parameters, if there is to be one.
    average: Option<Parameters<T>>,
    /// Epochs completed.
    epochs: usize,
    /// Whether the parameters are those of an unfinished epoch.
    within_epoch: bool,
    kept: Kept<T>,
    plateau: Plateau,
    /// The class that F1 is for where there are two.
    positive_class: u32,
    /// What the caller wants to find again in a checkpoint.
    record: Option<serde_json::Value>,
    /// What to hold; as much as makes steps fast if none.
    plan: Option<TrainingPlan>,
}

impl<T: Scalar> Trainer<T> {
    /// A run that starts from `parameters`.
    ///
    /// # Errors
    /// When an option is out of range or lets no parameter move, or loss, network and parameters do not fit together.
    #[inline(never)]
    pub fn new(
        network: &Network,
        loss: &Loss,
        parameters: Parameters<T>,
        options: TrainingOptions,
    ) -> Result<Self> {
        options.check()?;
        loss.check(network.output_width())?;
        network.check_parameters(&parameters)?;
        if let Some(tensor) = parameters.first_not_finite() {
            return Err(Error::Parameters { tensor: tensor.name.clone() });
        }
        moves::check_moves(&options, &parameters)?;
        options.check_names(&parameters)?;
        if options.temperature_scaling {
            temperature::check(network, loss)?;
        }
        let mut optimizer = Optimizer::new(options.optimizer.clone(), &parameters)?;
        optimizer.set_factors(&parameters, |tensor| options.factors_of(tensor))?;
        let kept = Kept { epoch: 0, since: 0, loss: None, parameters: parameters.clone() };
        let average = options.average.map(|_| parameters.clone());
        Ok(Trainer {
            network: network.clone(),
            loss: loss.clone(),
            options,
            parameters,
            optimizer,
            average,
            epochs: 0,
            within_epoch: false,
            kept,
            plateau: Plateau::new(),
            positive_class: SECOND_CLASS,
            record: None,
            plan: None,
        })
    }

    /// Makes [`Trainer::fit`] hold what the plan says. The plan is of this network and these options, and of the samples
    /// that will be trained on. It changes no bit of the result.
    pub fn set_plan(&mut self, plan: TrainingPlan) {
        self.plan = Some(plan);
    }

    /// Makes class 0 or 1 the one that F1 of the validation is for, where there are two classes; else it is 1. A
    /// checkpoint keeps it.
    ///
    /// # Errors
    /// When it is neither.
    pub fn set_positive_class(&mut self, class: u32) -> Result<()> {
        check_positive_class(class)?;
        self.positive_class = class;
        Ok(())
    }

    /// The class that F1 of the validation is for, where there are two.
    pub fn positive_class(&self) -> u32 {
        self.positive_class
    }

    /// Replaces the record: anything that [`Trainer::save`] is to write beside the run, and [`Trainer::resume`] to
    /// give back. The engine does not look into it.
    pub fn set_record(&mut self, record: Option<serde_json::Value>) {
        self.record = record;
    }

    /// The record, if there is one.
    pub fn record(&self) -> Option<&serde_json::Value> {
        self.record.as_ref()
    }

    /// The parameters to use: those of the best epoch if there was validation, else of the last completed one;
    /// the initial ones before the first is over (or what was learned of it, if it was interrupted). They are good even after a run that diverged.
    pub fn parameters(&self) -> &Parameters<T> {
        &self.kept.parameters
    }

    /// The same, without the run.
    pub fn into_parameters(self) -> Parameters<T> {
        self.kept.parameters
    }

    /// The epoch that [`Trainer::parameters`] are of; 0 before the first is over.
    pub fn best_epoch(&self) -> usize {
        self.kept.epoch
    }

    /// The network being trained.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What it is trained to make small.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// How it is trained.
    pub fn options(&self) -> &TrainingOptions {
        &self.options
    }

    /// Epochs completed.
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.optimizer.steps()
    }

    /// The validation loss of [`Trainer::best_epoch`], if there was validation.
    pub fn best_loss(&self) -> Option<f64> {
        self.kept.loss
    }

    /// Runs the remaining epochs. The observer sees each event and may break off.
    ///
    /// # Errors
    /// When samples do not fit, and, with epoch, step and place, when a value is not finite; the
    /// trainer then still has the last good parameters.
    #[inline(never)]
    pub fn fit(
        &mut self,
        threads: &Threads,
        training: Samples<'_, T>,
        validation: Option<Samples<'_, T>>,
        observer: &mut dyn FnMut(&TrainingEvent<'_, T>) -> ControlFlow<()>,
    ) -> Result<Ending> {
        self.check_samples(training)?;
        let batch = Batch::of(training, self.options.batch_size.min(training.rows()));
        self.run(threads, &training, batch, validation, observer)
    }

    /// The same with samples from anywhere. They are checked batch by batch, as they come. What the source keeps in memory, and
    /// the inputs of a batch that it fills in, are beside what a plan says.
    ///
    /// # Errors
    /// As for [`Trainer::fit`], and what the source says.
    #[inline(never)]
    pub fn fit_from(
        &mut self,
        threads: &Threads,
        training: &dyn SampleSource<T>,
        validation: Option<Samples<'_, T>>,
        observer: &mut dyn FnMut(&TrainingEvent<'_, T>) -> ControlFlow<()>,
    ) -> Result<Ending> {
        if training.rows() == 0 {
            return Err(Error::Empty { what: "samples" });
        }
        self.run(threads, training, Batch::default(), validation, observer)
    }

    fn check_samples(&self, samples: Samples<'_, T>) -> Result<()> {
        self.network.check_inputs(samples.inputs.columns())?;
        let (rows, width) = (samples.inputs.rows(), self.network.output_width());
        self.loss.check_targets(rows, width, samples.targets, samples.sample_weights)?;
        samples.inputs.check_finite(&self.network.inputs_that_may_be_missing())
    }

    fn run(
        &mut self,
        threads: &Threads,
        training: &dyn SampleSource<T>,
        mut batch: Batch<T>,
        validation: Option<Samples<'_, T>>,
        observer: &mut dyn FnMut(&TrainingEvent<'_, T>) -> ControlFlow<()>,
    ) -> Result<Ending> {
        if let Some(validation) = validation {
            self.check_samples(validation)?;
        }
        let count = training.rows();
        let batch_size = self.options.batch_size.min(count);
        if self.plan.as_ref().is_some_and(|plan| plan.step.network() != &self.network) {
            return Err(Error::shape("memory plan", "one of this network", "one of another"));
        }
        let mut step = match &self.plan {
            Some(plan) => plan.step.training_step(&self.loss, self.options.clipping)?,
            None => TrainingStep::new(&self.network, &self.loss, self.options.clipping, batch_size)?,
        };
        let steps_per_epoch = count.div_ceil(batch_size) as u64;
        let total = self.options.epochs as u64 * steps_per_epoch;
        let warmup = (self.options.warmup_epochs * steps_per_epoch as f64).round() as u64;
        let base = self.options.optimizer.learning_rate();

        while self.epochs < self.options.epochs {
            if self.options.patience.is_some_and(|patience| self.kept.is_over(patience, self.epochs)) {
                return Ok(Ending::StoppedEarly);
            }
            let (epoch, seed) = (self.epochs + 1, self.options.seed);
            let order = match training.is_ordered() {
                true => (0..count).collect(),
                false => shuffled(count, seed, self.epochs as u64),
            };
            let mut sum = WeightedSum::default();
            let mut seen = 0;
            let mut learning_rate = base;
            self.within_epoch = true;
            for rows in order.chunks(batch_size) {
                let number = self.optimizer.steps();
                let rate =
                    self.options.schedule.rate_with_warmup(base, number, total, steps_per_epoch, warmup);
                learning_rate = rate * self.plateau.scale;
                self.optimizer.set_learning_rate(learning_rate);
                self.set_what_changes(&mut step, number, total, steps_per_epoch)?;
                let samples = training.gather(rows, &mut batch)?;
                if samples.inputs.rows() != rows.len() {
                    return Err(Error::shape("batch of the source", rows.len(), samples.inputs.rows()));
                }
                let result =
                    step.run(threads, &mut self.parameters, &mut self.optimizer, samples, Some(seed));
                sum.add(result.map_err(|error| in_epoch(error, epoch))?);
                if let (Some(average), Some(decay)) = (&mut self.average, self.options.average) {
                    update_average(threads, average, &self.parameters, decay, self.optimizer.steps());
                }
                seen += rows.len();
                let event = TrainingEvent::Step { epoch, samples: seen, loss: sum.mean() };
                if observer(&event).is_break() {
                    // A part of an epoch is better than none.
                    if self.kept.epoch == 0 && self.parameters.first_not_finite().is_none() {
                        self.kept.parameters.copy_from(self.average.as_ref().unwrap_or(&self.parameters));
                    }
                    return Ok(Ending::Interrupted);
                }
            }
            self.epochs = epoch;
            let measured = validation.map(|samples| self.validate(threads, samples)).transpose()?;
            let (validation, factor) = measured.map_or((None, None), |(found, factor)| (Some(found), factor));
            let validation_loss = validation.as_ref().map(|evaluation| evaluation.loss);
            if validation_loss.is_some_and(|loss| !loss.is_finite()) {
                let (layer, step) = (self.network.depth(), self.optimizer.steps());
                let quantity = "validation loss";
                return Err(Error::NonFinite { quantity, layer, step, epoch: Some(epoch) });
            }
            let best = self.kept.keep_if_best(
                validation_loss,
                epoch,
                self.average.as_ref().unwrap_or(&self.parameters),
            );
            if let (true, Some(factor)) = (best, factor) {
                temperature::multiply(&self.network, &mut self.kept.parameters, factor);
            }
            let training_loss = sum.mean();
            self.plateau.observe(&self.options.schedule, validation_loss.unwrap_or(training_loss));
            let report = Epoch { epoch, training_loss, validation, learning_rate, best };
            self.within_epoch = false;
            if observer(&TrainingEvent::Epoch { report: &report, run: self }).is_break() {
                return Ok(Ending::Interrupted);
            }
        }
        Ok(Ending::Finished)
    }

    /// The loss and the metrics of an epoch, and the factor of z(L) that they are with, if there is one.
    fn validate(&self, threads: &Threads, samples: Samples<'_, T>) -> Result<(Evaluation, Option<f64>)> {
        let parameters = self.average.as_ref().unwrap_or(&self.parameters);
        let (network, loss, positive) = (&self.network, &self.loss, self.positive_class);
        if self.options.temperature_scaling {
            let (found, factor) =
                temperature::evaluate(threads, network, parameters, loss, samples, positive)?;
            return Ok((found, Some(factor)));
        }
        Ok((evaluate_for(threads, network, parameters, loss, samples, positive)?, None))
    }

    /// Sets what a step has beside the learning rate, where it changes.
    fn set_what_changes(
        &mut self,
        step: &mut TrainingStep<T>,
        number: u64,
        total: u64,
        steps_per_epoch: u64,
    ) -> Result<()> {
        let TrainingOptions { optimizer, decay_schedule, dropout_schedule, smoothing_schedule, .. } =
            &self.options;
        let value = |schedule: &Schedule, base| schedule.value(base, number, total, steps_per_epoch);
        if !is_constant(decay_schedule) {
            self.optimizer.set_weight_decay(value(decay_schedule, optimizer.weight_decay()));
        }
        if !is_constant(dropout_schedule) {
            step.set_dropout_factor(value(dropout_schedule, 1.0))?;
        }
        if let (Loss::CrossEntropy { label_smoothing, .. }, false) =
            (&self.loss, is_constant(smoothing_schedule))
        {
            step.set_label_smoothing(value(smoothing_schedule, *label_smoothing))?;
        }
        Ok(())
    }
}

fn in_epoch(error: Error, number: usize) -> Error {
    match error {
        Error::NonFinite { quantity, layer, step, .. } => {
            Error::NonFinite { quantity, layer, step, epoch: Some(number) }
        }
        other => other,
    }
}
