//! What a user can choose: one field for each thing, with what is chosen where nothing is.

use std::path::PathBuf;

use chainrule::plan::{MemoryLimit, MicroBatches, measure_forward_costs};
use chainrule::{Activation, Clipping, Initialization, Loss, Network, Rule, Scalar, Schedule};
use chainrule_data::{Dataset, MissingWords, Task};

/// Rows that are not trained on: a share of the data's rows, or data of their own.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a run has two of them")]
pub enum Part {
    /// At least 0 and less than 1; above 0 it is at least one row.
    Share(f64),
    /// All rows of other data, with the same columns.
    Data(Dataset),
}

/// What is chosen where the user does not choose: how much time for how good a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// A plain network of SiLU, AdamW with one cycle of the rate, about 8,000 small steps: one or two seconds.
    Fast,
    /// For tables the recipe of RealMLP: seconds. For images the same as fast.
    Default,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Preset; 2] = [Preset::Fast, Preset::Default];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Fast => "fast",
            Preset::Default => "default",
        }
    }
}

/// A part of the default preset's recipe, to be left out for comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ingredient {
    /// Numbers embedded by learned periodic functions.
    Periodic,
    /// A learned factor for each input of the first dense layer.
    Scale,
    /// Activations that are learned.
    LearnedActivation,
    /// Dropout.
    Dropout,
    /// Weight decay.
    Decay,
    /// Schedules of rate, decay and dropout, with numbers and with classes of many rows.
    Schedules,
    /// Weights and biases from the first batch.
    FirstBatch,
    /// The moving average of the parameters.
    Average,
    /// The comparison of epochs after their best temperature, for classes.
    Temperature,
    /// The end before the last epoch, where the validation loss has not fallen for long.
    Patience,
}

impl Ingredient {
    /// Every ingredient.
    pub const ALL: [Ingredient; 10] = [
        Ingredient::Periodic,
        Ingredient::Scale,
        Ingredient::LearnedActivation,
        Ingredient::Dropout,
        Ingredient::Decay,
        Ingredient::Schedules,
        Ingredient::FirstBatch,
        Ingredient::Average,
        Ingredient::Temperature,
        Ingredient::Patience,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Ingredient::Periodic => "periodic",
            Ingredient::Scale => "scale",
            Ingredient::LearnedActivation => "learned-activation",
            Ingredient::Dropout => "dropout",
            Ingredient::Decay => "decay",
            Ingredient::Schedules => "schedules",
            Ingredient::FirstBatch => "first-batch",
            Ingredient::Average => "average",
            Ingredient::Temperature => "temperature",
            Ingredient::Patience => "patience",
        }
    }
}

/// What to learn and how. Where a default has two parts, the second, behind the semicolon, is that of the default preset for tables.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `preset` | default | what the other options are where they are not given |
/// | `without` | none | parts of the default preset to leave out, for comparison |
/// | **data** | | |
/// | `targets` | the last column, or the labels of images | the columns to predict; several of them are numbers |
/// | `task` | decided by the target column | classes or numbers |
/// | `validation` | 0.1 | rows that choose the best epoch and may stop training |
/// | `test` | 0.2, or the test rows that the data name | rows that are looked at once, at the end |
/// | `ignore` | none | columns that are not learned from |
/// | `weight` | none | a column of sample weights, in loss and metrics; it is no input |
/// | `group` | none | a column whose groups no split tears; it is no input |
/// | `time` | none | a column whose latest rows test, and those before them validate; it is no input |
/// | `positive` | the rarer of two classes in training, the second of equals | the class that F1 is for |
/// | `missing` | the usual words | what was read as missing, to be stored with the model |
/// | **network** | | |
/// | `layers` | 2 of 128 to 512 for images, 3 for tables | widths of the hidden layers; or of all layers, inputs and outputs included |
/// | `activation` | ReLU for images, SiLU for tables; a learned SELU for classes, Mish for numbers | of the hidden layers |
/// | `output_activation` | the one that suits the loss | of the output layer |
/// | `dropout` | 0; 0.15, or 0.3 for classes of fewer than 2,000 training rows | the share, in 0..1, of each hidden layer's outputs that is dropped in training |
/// | `initialization` | the rule that suits the activation; from the first batch | how weights start |
/// | **training** | | |
/// | `loss` | cross-entropy for classes, half squared error for numbers | what is made small |
/// | `label_smoothing` | the loss's, or 0.02 for images and 0 for tables | for cross-entropy, in 0..1 |
/// | `balance_classes` | no | weight each class by the inverse of its frequency, for cross-entropy |
/// | `huber_delta` | the loss's | for the Huber loss: where the square turns into a line |
/// | `quantile` | the loss's | for the quantile loss, in 0..1 |
/// | `optimizer` | AdamW, 0.003, weight decay 0.01, or 0.1 for images; AdamW, 0.04 for classes (0.005 for fewer than 2,000 training rows), 0.2 for numbers, decay 0.02, factors for each tensor | the update rule |
/// | `learning_rate` | the rule's | base learning rate |
/// | `momentum` | the rule's | for SGD and RMSprop, in 0..1 |
/// | `weight_decay` | the rule's | decoupled for AdamW, else L2 |
/// | `schedule` | one-cycle; log-cosine, or constant for classes of fewer than 2,000 training rows | how the learning rate changes |
/// | `warmup` | 0 | epochs of linear warm-up before the schedule; fractions count |
/// | `epochs` | 20 to 500, about 8,000 steps; 8 to 256 (512 for classes of fewer than 2,000 training rows), at most about 2,000 steps | passes over the training rows, at most |
/// | `batch_size` | 32, 64 or 128, by the number of rows; about 64 to 1,024 | rows in a step |
/// | `patience` | none; for classes, where epochs are not given either, two fifths of them, or a fifth for fewer than 2,000 training rows | epochs without a lower validation loss before training stops; at least 1 |
/// | `clipping` | none | bounds on the gradients |
/// | `seed` | 0 | of the split, the initial weights, the order of the rows and dropout |
/// | **run** | | |
/// | `memory` | as much as makes steps fast | a limit in bytes, and how it may be kept; it changes no bit of a result |
/// | `threads` | as many as the machine runs at once | they change no bit of a result |
/// | `resume` | none | a checkpoint to go on with; all other options but `epochs` must be those it was started with |
/// | `checkpoint` | none | a file that the run is written to after every epoch |
///
/// ```
/// use chainrule::Activation;
/// use chainrule_estimator::{EstimatorOptions, Part};
/// let options = EstimatorOptions {
///     targets: vec!["price".to_owned()],
///     layers: Some(vec![64, 32]),
///     activation: Some(Activation::Tanh),
///     test: Some(Part::Share(0.25)),
///     ..EstimatorOptions::default()
/// };
/// assert!(options.validation.is_none() && options.seed == 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct EstimatorOptions {
    /// What the other options are where they are not given.
    pub preset: Option<Preset>,
    /// Parts of the default preset to leave out, for comparison.
    pub without: Vec<Ingredient>,
    /// The columns to predict; the last one, or the labels of images, if none are named.
    pub targets: Vec<String>,
    /// Classes or numbers.
    pub task: Option<Task>,
    /// Rows that choose the best epoch.
    pub validation: Option<Part>,
    /// Rows for the final test.
    pub test: Option<Part>,
    /// Columns that are not learned from.
    pub ignore: Vec<String>,
    /// A column of sample weights.
    pub weight: Option<String>,
    /// A column whose groups stay together.
    pub group: Option<String>,
    /// A column to split by, the latest rows for the test.
    pub time: Option<String>,
    /// The class that F1 is for, where there are two.
    pub positive: Option<String>,
    /// Which cells were read as missing.
    pub missing: MissingWords,

    /// Widths of the hidden layers; or of all layers, inputs and outputs included.
    pub layers: Option<Vec<usize>>,
    /// Activation of the hidden layers.
    pub activation: Option<Activation>,
    /// Activation of the output layer.
    pub output_activation: Option<Activation>,
    /// The share of each hidden layer's outputs that is dropped in training, in 0..1.
    pub dropout: Option<f64>,
    /// How weights start.
    pub initialization: Option<Initialization>,

    /// What is made small.
    pub loss: Option<Loss>,
    /// For cross-entropy, in 0..1.
    pub label_smoothing: Option<f64>,
    /// Whether each class is weighted by the inverse of its frequency (cross-entropy).
    pub balance_classes: bool,
    /// For the Huber loss: where the square turns into a line, in standard deviations of the target.
    pub huber_delta: Option<f64>,
    /// For the quantile loss, in 0..1.
    pub quantile: Option<f64>,
    /// The update rule.
    pub optimizer: Option<Rule>,
    /// The base learning rate.
    pub learning_rate: Option<f64>,
    /// For SGD and RMSprop, in 0..1.
    pub momentum: Option<f64>,
    /// Decoupled for AdamW, else L2.
    pub weight_decay: Option<f64>,
    /// How the learning rate changes.
    pub schedule: Option<Schedule>,
    /// Epochs of linear warm-up before the schedule; fractions of an epoch count.
    pub warmup: f64,
    /// Passes over the training rows, at most.
    pub epochs: Option<usize>,
    /// Rows in a step.
    pub batch_size: Option<usize>,
    /// Epochs without a lower validation loss before training stops.
    pub patience: Option<usize>,
    /// Bounds on the gradients.
    pub clipping: Option<Clipping>,
    /// Of the split, the initial weights, the order of the rows and dropout.
    pub seed: u64,

    /// What training may hold.
    pub memory: MemoryOptions,
    /// Threads; as many as the machine runs at once if none.
    pub threads: Option<usize>,
    /// A checkpoint to go on with.
    pub resume: Option<PathBuf>,
    /// Where the run is written to after every epoch.
    pub checkpoint: Option<PathBuf>,
}

/// What training may hold, and how it may keep to that. It changes no bit of a result.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `bytes` | no limit | most bytes that training may hold |
/// | `microbatches` | automatic | parts of a batch that go through the network one after the other |
/// | `measured_costs` | no | whether recomputing a layer costs its time, measured on this machine, in place of its FLOPs |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemoryOptions {
    /// Most bytes that training may hold; no limit if none.
    pub bytes: Option<u64>,
    /// Parts of a batch; an exact number is kept without a limit, too.
    pub microbatches: MicroBatches,
    /// Whether a layer's cost is its time on this machine.
    pub measured_costs: bool,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        MemoryOptions { bytes: None, microbatches: MicroBatches::Automatic, measured_costs: false }
    }
}

impl MemoryOptions {
    /// The limit as the engine takes it, if there is any. Measured costs are measured here.
    pub fn limit<T: Scalar>(&self, network: &Network) -> Option<MemoryLimit> {
        let bytes = match (self.bytes, self.microbatches) {
            (Some(bytes), _) => bytes,
            (None, MicroBatches::Exactly(_)) => u64::MAX,
            (None, MicroBatches::Automatic) => return None,
        };
        let forward_costs = self.measured_costs.then(|| measure_forward_costs::<T>(network));
        Some(MemoryLimit { bytes, microbatches: self.microbatches, forward_costs })
    }
}
