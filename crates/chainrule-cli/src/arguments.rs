//! The command line: commands, flags, their values and their help.

use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

use chainrule::{Activation, Initialization, Loss, Rule, Schedule};
use chainrule_data::Task;
use chainrule_estimator::{Ingredient, Preset};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::memory::MemoryArguments;
use crate::reading::ReadArguments;
use crate::terminal::printable;
use crate::widths::Widths;
use crate::workload::Workload;

/// Trains dense neural networks by explicit, layer-by-layer backpropagation.
#[derive(Parser)]
#[command(name = "chainrule", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// The command line, or an exit with help, the version or an error.
    pub(crate) fn read() -> Self {
        let matches = command().try_get_matches().unwrap_or_else(|error| end(&error));
        Arguments::from_arg_matches(&matches).unwrap_or_else(|error| end(&error))
    }
}

/// Ends the program with help, the version or an error, which repeats what was given: without control characters.
fn end(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    let plain = printable(&text);
    if plain != text {
        // Where standard error is closed, nobody wants to know.
        let _ = std::io::stderr().write_all(plain.as_bytes());
        std::process::exit(error.exit_code());
    }
    error.exit()
}

/// A number below 0 is a value, which its own check refuses, and never the name of a flag.
fn command() -> clap::Command {
    let takes_values = |arg: &clap::Arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    Arguments::command().mut_subcommands(|subcommand| {
        subcommand.mut_args(|arg| if takes_values(&arg) { arg.allow_negative_numbers(true) } else { arg })
    })
}

const DATA: &str = "digits (built in: 1,797 handwritten digits), a CSV file (plain, gz or zst), or a directory of IDX \
                    files (plain, gz or zst) or one of its files of images";

const TRAIN_SIGNALS: &str = "\
    Ctrl-C, SIGTERM and SIGHUP end training after its step and save the best model so far, without measuring it any more \
    (exit codes 130, 143, 129); a second one ends at once and saves nothing. With --checkpoint the run can be gone on with.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Train a network and save it as a model file
    #[command(after_help = TRAIN_SIGNALS)]
    Train(Box<TrainArguments>),
    /// Show what is in data: the type of each column, gaps, values, and what would be learned
    Describe(DescribeArguments),
    /// Measure a model on data that has the target
    Evaluate(EvaluateArguments),
    /// Write a model's predictions as CSV
    Predict(PredictArguments),
    /// Check a model's gradients against finite differences
    Check(CheckArguments),
    /// Show what is in a model file, and what training it holds in memory
    Inspect(InspectArguments),
    /// Write every value of one training step: z, a, delta, gradients, updated parameters
    Trace(TraceArguments),
    /// Open a local page that walks through a training step, number by number
    Explore(ExploreArguments),
    /// Time training steps, or inference, and compare them with the machine's peak of fused multiply-adds
    #[command(after_help = BENCH_JSON)]
    Bench(BenchArguments),
    /// Show how much memory a training step takes, and what less memory costs
    #[command(after_help = PLAN_JSON)]
    Plan(PlanArguments),
}

#[derive(Args)]
pub(crate) struct TrainArguments {
    #[arg(help = DATA)]
    pub(crate) data: String,

    /// What the other options are where they are not given: fast takes one or two seconds; default takes some more for better
    /// networks of tables
    #[arg(long, value_parser = presets(), help_heading = "Preset")]
    pub(crate) preset: Option<Preset>,
    /// Parts of the default preset to leave out, separated by commas, to see what each brings
    #[arg(long, value_name = "PARTS", value_delimiter = ',', value_parser = ingredients(), help_heading = "Preset")]
    pub(crate) without: Vec<Ingredient>,

    /// Column to predict; the last one if not given. Given more than once, several numbers are predicted
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub(crate) target: Vec<String>,
    /// Chosen by the target column if not given
    #[arg(long, value_parser = tasks(), help_heading = "Data")]
    pub(crate) task: Option<Task>,
    /// Share of the rows, or data of its own, for validation; 0.1 if not given
    #[arg(long, value_name = "SHARE|DATA", help_heading = "Data")]
    pub(crate) validation: Option<ShareOrData>,
    /// Share of the rows, or data of its own, for the final test; 0.2, or the test images of a directory, if not given
    #[arg(long, value_name = "SHARE|DATA", help_heading = "Data")]
    pub(crate) test: Option<ShareOrData>,
    /// Columns that are not learned from, separated by commas
    #[arg(long, value_name = "COLUMNS", help_heading = "Data")]
    pub(crate) ignore: Vec<String>,
    /// Column of sample weights, for loss and metrics; it is no input
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub(crate) weight: Option<String>,
    /// Column whose groups stay together when rows are set aside; it is no input
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub(crate) group: Option<String>,
    /// Column of dates or numbers: the latest rows test, those before them validate; it is no input
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub(crate) time: Option<String>,
    /// Of two classes the one that F1 is for; the rarer one if not given
    #[arg(long, value_name = "CLASS", help_heading = "Data")]
    pub(crate) positive: Option<String>,
    #[command(flatten)]
    pub(crate) reading: ReadArguments,

    /// Widths of the hidden layers, such as 128,64 or 512x3 or none; or of all layers, inputs and outputs included
    #[arg(long, value_name = "WIDTHS", help_heading = "Network")]
    pub(crate) layers: Option<Widths>,
    /// Activation of the hidden layers; relu for images if not given, and for tables a learned selu for classes and mish for numbers, or silu with the fast preset
    #[arg(long, value_parser = activations(), help_heading = "Network")]
    pub(crate) activation: Option<Activation>,
    /// Activation of the output layer; the one that suits the loss if not given
    #[arg(long, value_name = "ACTIVATION", value_parser = activations(), help_heading = "Network")]
    pub(crate) output_activation: Option<Activation>,
    /// Share of each hidden layer's outputs that is dropped in training; 0 if not given, and with the default preset for tables 0.15, or 0.3 for classes of fewer than 2,000 training rows
    #[arg(long, value_name = "RATE", value_parser = parse_number, help_heading = "Network")]
    pub(crate) dropout: Option<f64>,
    /// How weights start; the rule that suits the activation if not given
    #[arg(long, value_parser = initializations(), help_heading = "Network")]
    pub(crate) initialization: Option<Initialization>,

    /// Loss; cross-entropy for classes and half squared error for numbers if not given
    #[arg(long, value_parser = losses(), help_heading = "Training")]
    pub(crate) loss: Option<Loss>,
    /// For cross-entropy; 0.02 for images and 0 for tables if not given
    #[arg(long, value_parser = parse_number, help_heading = "Training")]
    pub(crate) label_smoothing: Option<f64>,
    /// Weight each class by the inverse of its frequency (cross-entropy)
    #[arg(long, help_heading = "Training")]
    pub(crate) balance_classes: bool,
    /// For the Huber loss: where the square turns into a line; 1 if not given
    #[arg(long, value_name = "DELTA", value_parser = parse_number, help_heading = "Training")]
    pub(crate) huber_delta: Option<f64>,
    /// For the quantile loss, between 0 and 1; 0.5 if not given
    #[arg(long, value_parser = parse_number, help_heading = "Training")]
    pub(crate) quantile: Option<f64>,
    /// Update rule; adamw if not given
    #[arg(long, value_parser = rules(), help_heading = "Training")]
    pub(crate) optimizer: Option<Rule>,
    /// Base learning rate; for the rule chosen by itself 0.003, or with the default preset for tables 0.04 for classes (0.005 for fewer than 2,000 training rows) and 0.2 for numbers, else the rule's default, if not given
    #[arg(long, value_name = "RATE", value_parser = parse_number, help_heading = "Training")]
    pub(crate) learning_rate: Option<f64>,
    /// For sgd and rmsprop; 0 if not given
    #[arg(long, value_parser = parse_number, help_heading = "Training")]
    pub(crate) momentum: Option<f64>,
    /// Decoupled for adamw and lion, part of the step for lamb, else L2; the rule's default, or for the rule chosen by itself 0.1 for images and 0.02 with the default preset for tables, if not given
    #[arg(long, value_name = "DECAY", value_parser = parse_number, help_heading = "Training")]
    pub(crate) weight_decay: Option<f64>,
    /// Learning-rate schedule; one-cycle if not given, or with the default preset for tables log-cosine (constant for classes of fewer than 2,000 training rows)
    #[arg(long, value_parser = schedules(), help_heading = "Training")]
    pub(crate) schedule: Option<Schedule>,
    /// Linear warm-up before the schedule
    #[arg(long, value_name = "EPOCHS", value_parser = parse_number, help_heading = "Training")]
    pub(crate) warmup: Option<f64>,
    /// Passes over the training rows, at most; by the number of rows if not given: 20 to 500, or 8 to 256 with the default preset for tables
    #[arg(long, help_heading = "Training")]
    pub(crate) epochs: Option<usize>,
    /// Rows in a step; by the number of rows if not given: 32 to 128, or about 64 to 1,024 with the default preset for tables
    #[arg(long, value_name = "ROWS", help_heading = "Training")]
    pub(crate) batch_size: Option<usize>,
    /// Epochs without a lower validation loss before training stops; it goes on to the end if not given
    #[arg(long, value_name = "EPOCHS", help_heading = "Training")]
    pub(crate) patience: Option<usize>,
    /// Cut each gradient off at this
    #[arg(long, value_name = "BOUND", value_parser = parse_number, conflicts_with = "clip_norm", help_heading = "Training")]
    pub(crate) clip_value: Option<f64>,
    /// Scale the gradients so that their global norm is at most this
    #[arg(long, value_name = "BOUND", value_parser = parse_number, help_heading = "Training")]
    pub(crate) clip_norm: Option<f64>,
    /// Of the split, the initial weights, the order of the rows and dropout
    #[arg(long, default_value_t = 0, help_heading = "Training")]
    pub(crate) seed: u64,

    /// Where to save the model; NAME.safetensors if not given
    #[arg(short, long, value_name = "MODEL", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
    /// Write the run down after every epoch, so that --resume can go on with it
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Go on with a run that --checkpoint wrote down, with its network and options (--epochs may be given anew)
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) resume: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) memory: MemoryArguments,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Args)]
pub(crate) struct DescribeArguments {
    #[arg(help = DATA)]
    pub(crate) data: String,
    /// Column to predict; the last one if not given. Given more than once, several numbers are predicted
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Vec<String>,
    /// Chosen by the target column if not given
    #[arg(long, value_parser = tasks())]
    pub(crate) task: Option<Task>,
    #[command(flatten)]
    pub(crate) reading: ReadArguments,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Args)]
pub(crate) struct EvaluateArguments {
    /// Model file
    pub(crate) model: PathBuf,
    #[arg(help = DATA)]
    pub(crate) data: String,
    /// Which rows: all, or those that were training, validation or test rows of this data when the model was trained
    #[arg(long, default_value = "all", value_parser = parts())]
    pub(crate) part: Which,
    /// Column of sample weights; for a part the one that the model was trained with, if not given
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weight: Option<String>,
    /// Of two classes the one that F1 is for; the one of the training if not given
    #[arg(long, value_name = "CLASS")]
    pub(crate) positive: Option<String>,
    #[command(flatten)]
    pub(crate) reading: ReadArguments,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Args)]
pub(crate) struct PredictArguments {
    /// Model file
    pub(crate) model: PathBuf,
    #[arg(help = DATA)]
    pub(crate) data: String,
    /// CSV file to write; standard output if not given
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Copy the columns of the data in front of the predictions
    #[arg(long)]
    pub(crate) with_inputs: bool,
    #[command(flatten)]
    pub(crate) reading: ReadArguments,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Args)]
pub(crate) struct CheckArguments {
    /// Model file
    pub(crate) model: PathBuf,
    #[arg(help = DATA)]
    pub(crate) data: String,
    /// Rows to take, such as 0..8, counted from 0; the first 16, or all, if not given
    #[arg(long)]
    pub(crate) rows: Option<Rows>,
    #[command(flatten)]
    pub(crate) reading: ReadArguments,
    /// Parameters to check in each weight and bias, drawn at random; 0 checks all
    #[arg(long, default_value_t = 200)]
    pub(crate) samples: usize,
    /// Check every weight and bias, however long that takes; without it, of a network with more than 32 of them as many as take
    /// a few seconds, spread over the layers
    #[arg(long)]
    pub(crate) all_tensors: bool,
    /// Largest relative error that passes
    #[arg(long, default_value_t = 1e-6, value_parser = parse_number)]
    pub(crate) tolerance: f64,
    /// For drawing parameters
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct InspectArguments {
    /// Model file
    pub(crate) model: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct TraceArguments {
    /// Model file
    pub(crate) model: PathBuf,
    #[arg(help = DATA)]
    pub(crate) data: String,
    /// Rows to take, such as 0..8, counted from 0; the first 4, or all, if not given
    #[arg(long)]
    pub(crate) rows: Option<Rows>,
    #[command(flatten)]
    pub(crate) reading: ReadArguments,
    /// Number type of every value: f64 or f32
    #[arg(long, default_value = "f64", value_parser = ["f64", "f32"])]
    pub(crate) dtype: String,
    /// Update rule, from a fresh state
    #[arg(long, default_value = "sgd", value_parser = rules())]
    pub(crate) optimizer: Rule,
    /// The rule's learning rate; 0.1 for sgd, else the rule's default, if not given
    #[arg(long, value_name = "RATE", value_parser = parse_number)]
    pub(crate) learning_rate: Option<f64>,
    /// File to write: .json, or .safetensors with a tensor for each value; a summary on the terminal if not given
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print one JSON object: the trace itself, or, with -o, where it is
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ExploreArguments {
    /// Model file; a small worked example if not given
    pub(crate) model: Option<PathBuf>,
    #[arg(help = DATA)]
    pub(crate) data: Option<String>,
    /// Rows to start with, such as 0..8, counted from 0; the first eight if not given
    #[arg(long, requires = "model")]
    pub(crate) rows: Option<Rows>,
    /// Write the page to this file instead, with all that it needs: it opens in any browser, without a server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["port", "no_open"])]
    pub(crate) export: Option<PathBuf>,
    /// Write the step as a film to this file instead: an SVG that plays by itself, for the first of the rows
    #[arg(long, value_name = "FILE", conflicts_with_all = ["port", "no_open", "export"])]
    pub(crate) film: Option<PathBuf>,
    /// How much the film tells: pass takes half a minute, lesson tells each operation with its numbers
    #[arg(long, requires = "film", default_value = "pass", value_parser = ["pass", "lesson"])]
    pub(crate) film_kind: String,
    #[command(flatten)]
    pub(crate) reading: ReadArguments,
    /// Where the page listens on this machine, 0 for any free port; 7878, or any other if that is taken, if not given
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Print the address, but leave opening it to you
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Print one JSON object with the address, or with the file that was written, and open nothing
    #[arg(long)]
    pub(crate) json: bool,
}

const BENCH_JSON: &str = "\
    The peak is that of fused multiply-adds on numbers in registers, with the same threads and instructions. It is sustained where \
    it lasts 2 milliseconds, and in bursts where it lasts 40 microseconds; both are measured before, between and after the \
    rounds, and the best of the sustained one is what speeds are compared with. Where the least of it is below 90 % of the best, something else was \
    at work, and bench says so.\n\n\
    --json prints peak_gflops and sustained_peak_gflops (the same), burst_peak_gflops, disturbed, lowest_peak_fraction (the least \
    sustained peak over the best), processor, instructions, threads, dtype, optimizer and workloads, a list of objects with name, layers, batch, \
    microseconds_per_step (of the best round), median_microseconds_per_step, gflops, peak_gflops, fraction_of_peak, \
    rows_per_second, bytes, recomputed (the share of a forward pass that is computed again) and microbatches. Where one workload is timed, its fields take the place of the list.\n\n\
    With --inference the network's outputs are computed in place of training steps, of the workloads that are named, of mnist (784-512-256-10) if none is: for \
    a batch of --batch rows, and for one row. Each has --rounds of --seconds. Counted are 2 FLOPs for each weight and row. --json then has, in place of what steps \
    have, rows_per_second, microseconds_per_batch, median_microseconds_per_batch, one_row_microseconds, one_row_median_microseconds, gflops and fraction_of_peak (of the batch).";

#[derive(Args)]
pub(crate) struct BenchArguments {
    /// Workloads to time; all if not given, mnist with --inference
    #[arg(value_name = "WORKLOAD", value_parser = workloads())]
    pub(crate) workloads: Vec<&'static str>,
    /// Time the network's outputs for rows, many at once and one alone, in place of training steps
    #[arg(long, conflicts_with_all = ["optimizer", "memory", "microbatches", "cost", "periodic"])]
    pub(crate) inference: bool,

    /// Time a network of these widths instead, inputs and outputs included, such as 784,512,256,10 or 32,256x3,1
    #[arg(long, value_name = "WIDTHS", conflicts_with = "workloads", help_heading = "Network")]
    pub(crate) layers: Option<Widths>,
    /// Activation of the hidden layers; relu if not given
    #[arg(long, value_parser = activations(), requires = "layers", conflicts_with = "workloads", help_heading = "Network")]
    pub(crate) activation: Option<Activation>,
    /// Loss, with the output activation that suits it; mean-squared-error if not given
    #[arg(long, value_parser = losses(), requires = "layers", conflicts_with = "workloads", help_heading = "Network")]
    pub(crate) loss: Option<Loss>,
    /// Rows in a step, with --layers; 128 if not given. With --inference rows in a batch, of any workload; 4,096 if not given
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Network")]
    pub(crate) batch: Option<u32>,

    /// Update rule
    #[arg(long, default_value = "sgd", value_parser = rules())]
    pub(crate) optimizer: Rule,
    /// Number type: f32 or f64
    #[arg(long, default_value = "f32", value_parser = ["f32", "f64"])]
    pub(crate) dtype: String,
    /// Rounds, of which the best and the median are shown
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,
    /// Shortest time of a round, in seconds; it has at least 3 steps
    #[arg(long, default_value_t = 0.4, value_parser = parse_number)]
    pub(crate) seconds: f64,
    #[command(flatten)]
    pub(crate) memory: MemoryArguments,
    /// Keep the state of every so many layers only, and recompute the others: periodic checkpointing, for comparison
    #[arg(long, value_name = "LAYERS", value_parser = clap::value_parser!(u32).range(1..), conflicts_with_all = ["memory", "microbatches", "cost"], help_heading = "Memory")]
    pub(crate) periodic: Option<u32>,
    #[command(flatten)]
    pub(crate) common: Common,
}

const PLAN_JSON: &str = "\
    --json prints the model's own numbers, so that anyone can compute the optimum again: state_bytes (w_1 to w_L), \
    forward_flops (f_1 to f_L, of the whole batch), backward_extra_bytes (e_1 to e_L), fixed_bytes (held all the time), \
    curve (a list of [bytes, total forward FLOPs]; bytes are those of everything, fixed_bytes included), schedule (F_l, \
    drop l, B_l), peak_bytes (of everything), certificate, ledger, and more. L counts from first_layer, the first layer \
    with parameters. States are those of a micro-batch of so many rows. \
    With --cost measured, costs (forward_costs, the curve's, total_forward_cost) are nanoseconds for 128 rows in place of FLOPs.";

#[derive(Args)]
pub(crate) struct PlanArguments {
    /// Model file, whose network, optimizer and batch size are planned for
    pub(crate) model: Option<PathBuf>,

    /// Or a network of these widths, inputs and outputs included, such as 784,512x64,10
    #[arg(long, value_name = "WIDTHS", conflicts_with = "model", help_heading = "Network")]
    pub(crate) layers: Option<Widths>,
    /// Activation of the hidden layers; relu if not given
    #[arg(long, value_parser = activations(), conflicts_with = "model", help_heading = "Network")]
    pub(crate) activation: Option<Activation>,
    /// Loss, with the output activation that suits it; mean-squared-error if not given
    #[arg(long, value_parser = losses(), conflicts_with = "model", help_heading = "Network")]
    pub(crate) loss: Option<Loss>,
    /// Share of each hidden layer's outputs that is dropped in training; 0 if not given
    #[arg(long, value_name = "RATE", value_parser = parse_number, conflicts_with = "model", help_heading = "Network")]
    pub(crate) dropout: Option<f64>,

    /// Rows in a step; the model's, or 128, if not given
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Step")]
    pub(crate) batch: Option<u32>,
    /// Update rule; the model's, or sgd, if not given
    #[arg(long, value_parser = rules(), help_heading = "Step")]
    pub(crate) optimizer: Option<Rule>,
    /// Plan for a step that keeps all gradients to its end, as clipping needs
    #[arg(long, help_heading = "Step")]
    pub(crate) keep_gradients: bool,
    /// Number type: f32 or f64
    #[arg(long, default_value = "f32", value_parser = ["f32", "f64"], help_heading = "Step")]
    pub(crate) dtype: String,

    #[command(flatten)]
    pub(crate) memory: MemoryArguments,
    /// File to write: the curve as a picture (.svg)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Args)]
pub(crate) struct Common {
    /// Threads; as many as the machine runs at once if not given. They do not change results
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

impl Common {
    /// How many threads there will be.
    pub(crate) fn thread_count(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, |count| count.get());
        self.threads.map_or_else(available, usize::from)
    }

    pub(crate) fn threads(&self) -> chainrule::Threads {
        match self.threads {
            Some(count) => chainrule::Threads::new(usize::from(count)),
            None => chainrule::Threads::available(),
        }
    }
}

/// A share of the rows, or data of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ShareOrData {
    Share(f64),
    Data(String),
}

impl FromStr for ShareOrData {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(share) if (0.0..1.0).contains(&share) => Ok(ShareOrData::Share(share)),
            Ok(_) => Err("a share must be at least 0 and less than 1".to_owned()),
            Err(_) => Ok(ShareOrData::Data(text.to_owned())),
        }
    }
}

/// The rows of a data set that a command takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Which {
    All,
    Training,
    Validation,
    Test,
}

/// Rows `start..end` of the data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows(pub(crate) std::ops::Range<usize>);

impl FromStr for Rows {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{text}' is not a range of rows; give one such as 0..8, or a single row such as 5");
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong());
        let range = match text.split_once("..") {
            Some((start, end)) => match end.strip_prefix('=') {
                Some(last) => number(start)?..number(last)?.checked_add(1).ok_or_else(wrong)?,
                None => number(start)?..number(end)?,
            },
            None => number(text)?..number(text)?.checked_add(1).ok_or_else(wrong)?,
        };
        if range.is_empty() {
            return Err(format!("{text} has no rows"));
        }
        Ok(Rows(range))
    }
}

/// A flag whose value is one of these names; help and errors list them.
fn one_of<T, E>(
    names: impl IntoIterator<Item = &'static str>,
    from_name: impl Fn(&str) -> Result<T, E> + Clone + Send + Sync + 'static,
) -> impl TypedValueParser<Value = T>
where
    T: Clone + Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let value = |name: &'static str| PossibleValue::new(name.replace('_', "-")).alias(name);
    PossibleValuesParser::new(names.into_iter().map(value)).try_map(move |name| from_name(&name))
}

fn activations() -> impl TypedValueParser<Value = Activation> {
    one_of(Activation::ALL.iter().map(Activation::name), Activation::from_name)
}

fn initializations() -> impl TypedValueParser<Value = Initialization> {
    one_of(Initialization::NAMED.map(|(name, _)| name), Initialization::from_name)
}

fn losses() -> impl TypedValueParser<Value = Loss> {
    one_of(Loss::all().iter().map(Loss::name).collect::<Vec<_>>(), Loss::from_name)
}

fn rules() -> impl TypedValueParser<Value = Rule> {
    one_of(Rule::all().iter().map(Rule::name).collect::<Vec<_>>(), Rule::from_name)
}

fn schedules() -> impl TypedValueParser<Value = Schedule> {
    one_of(Schedule::ALL.iter().map(Schedule::name), Schedule::from_name)
}

/// A flag whose value is one of these, by name.
fn named<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(move |&one| name(one))).map(move |given| {
        *all.iter().find(|&&one| name(one) == given).expect("the parser knows no other names")
    })
}

fn presets() -> impl TypedValueParser<Value = Preset> {
    named(&Preset::ALL, Preset::name)
}

fn ingredients() -> impl TypedValueParser<Value = Ingredient> {
    named(&Ingredient::ALL, Ingredient::name)
}

fn tasks() -> impl TypedValueParser<Value = Task> {
    PossibleValuesParser::new(["classification", "regression"])
        .map(|name| if name == "regression" { Task::Regression } else { Task::Classification })
}

fn workloads() -> impl TypedValueParser<Value = &'static str> {
    let names: Vec<&'static str> = Workload::standard().iter().map(|workload| workload.name).collect();
    PossibleValuesParser::new(names.clone())
        .map(move |chosen| names.iter().copied().find(|name| *name == chosen).unwrap_or_default())
}

fn parts() -> impl TypedValueParser<Value = Which> {
    PossibleValuesParser::new(["all", "training", "validation", "test"]).map(|name| match name.as_str() {
        "training" => Which::Training,
        "validation" => Which::Validation,
        "test" => Which::Test,
        _ => Which::All,
    })
}

fn parse_number(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_nan() || number < 0.0 || number.is_infinite() {
        return Err("must be at least 0 and finite".to_owned());
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_parts_are_read() {
        let rows = |text: &str| text.parse::<Rows>().map(|rows| rows.0);
        assert_eq!(rows("0..8"), Ok(0..8));
        assert_eq!(rows("2..=3"), Ok(2..4));
        assert_eq!(rows("5"), Ok(5..6));
        for wrong in ["", "..", "3..3", "5..2", "a..b", "-1..2", "18446744073709551615"] {
            assert!(rows(wrong).is_err(), "{wrong}");
        }
        assert_eq!("0.25".parse(), Ok(ShareOrData::Share(0.25)));
        assert_eq!("test.csv".parse(), Ok(ShareOrData::Data("test.csv".to_owned())));
        assert!("1.5".parse::<ShareOrData>().is_err() && "nan".parse::<ShareOrData>().is_err());
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
