//! Dense neural networks trained by explicit, layer-by-layer backpropagation.
//!
//! A training step is five steps, and each is one call:
//!
//! ```
//! use chainrule::*;
//!
//! // 3 inputs, 4 hidden neurons, 2 classes; one row is one sample.
//! let network = Network::builder(3).dense(4, Activation::Tanh).dense(2, Activation::Softmax).build()?;
//! let mut parameters = network.initialize::<f64>(1);
//! let mut optimizer = Optimizer::new(Rule::from_name("sgd")?, &parameters)?;
//! optimizer.set_learning_rate(0.5);
//! let inputs = Matrix::from_rows(&[[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]]);
//! let targets = Targets::Classes(&[0, 1]);
//! let loss = Loss::cross_entropy();
//!
//! let mut losses = Vec::new();
//! for _ in 0..20 {
//!     // 1. Forward, caching:  z(l) = a(l-1) W(l)^T + b(l),  a(l) = sigma(z(l))
//!     let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
//!     // 2. Output error:      delta(L) = dLoss/dz(L)
//!     let error = output_error(&network, &cache, &loss, targets, None)?;
//!     losses.push(error.loss);
//!     // 3. Backward:          delta(l) = (delta(l+1) W(l+1)) * sigma'(z(l))
//!     let deltas = backward(&network, &parameters, &cache, error.delta)?;
//!     // 4. Gradients:         dW(l) = delta(l)^T a(l-1),  db(l) = the column sums of delta(l)
//!     let gradients = gradients(&network, &parameters, &cache, &deltas)?;
//!     // 5. Update:            the optimizer changes W and b
//!     update(&mut optimizer, &mut parameters, &gradients)?;
//! }
//! assert!(losses[19] < 0.1 * losses[0]);
//! # Ok::<(), chainrule::Error>(())
//! ```
//!
//! | symbol | in code | shape |
//! |---|---|---|
//! | W(l), b(l) | [`Parameters::weight`], [`Parameters::bias`] | \[n_l, n_(l-1)\], \[n_l\] |
//! | z(l) | [`Cache::pre_activation`] | \[B, n_l\] |
//! | a(l) | [`Cache::activation`]; a(0) is the input | \[B, n_l\] |
//! | delta(l) | [`Deltas::delta`] | \[B, n_l\] |
//! | dW(l), db(l) | [`Gradients`], the type of the parameters | as W, b |
//!
//! B is the number of samples, n_l the width of layer l, l = 1..L.
//!
//! Those who want to train take [`TrainingStep`], which does the same in one call, on several threads, in buffers made
//! beforehand, with the same bits; or [`Trainer`], which runs epochs. Those who want to look take [`trace()`],
//! which lists every value of a step; those who doubt take [`gradient_check()`]. A trained network is a
//! [`Model`], one file.
//!
//! With the feature `ndarray` matrices come from, and become, the arrays of that crate.
//!
//! The numbered examples (`cargo run -p chainrule --example 01_one_neuron`) read as a course.

pub mod activation;
mod backward;
pub mod checkpoint;
mod error;
mod first_batch;
mod forward;
pub mod gradient_check;
mod initialization;
mod inputs;
// A module of WebAssembly is small first: it has what it calls.
#[cfg(not(target_family = "wasm"))]
mod instances;
mod instructions;
mod kernel;
pub mod layer;
pub mod loss;
mod matrix;
mod mode;
mod model_file;
mod names;
#[cfg(feature = "ndarray")]
mod ndarray;
mod network;
pub mod optimizer;
mod output_file;
mod parameters;
pub mod plan;
mod portable;
mod random;
pub mod reference;
mod samples;
mod step;
mod tensor_file;
mod tensor_view;
pub mod trace;
mod trainer;
mod walk;
mod watch;

pub use activation::Activation;
pub use backward::{Deltas, OutputError, backward, gradients, output_error};
pub use error::{Error, Result};
pub use forward::{Cache, forward, infer};
pub use gradient_check::gradient_check;
pub use initialization::Initialization;
pub use inputs::Inputs;
pub use instructions::{Instructions, instructions};
pub use kernel::{InstructionSet, Scalar, Threads, fma_peak, return_freed_memory, sustained_fma_peak};
pub use layer::Layer;
pub use loss::{Loss, TargetRange, Targets, WeightedSum};
pub use matrix::{Matrix, MatrixView};
pub use mode::Mode;
pub use model_file::Model;
pub use network::{Network, NetworkBuilder};
pub use optimizer::{Clipping, Optimizer, Rule, clip, update};
pub use output_file::{FileLock, OutputFile, abandon_output_files, is_same_file, write_file};
pub use parameters::{Gradients, Parameters, TensorLayout};
pub use random::shuffled;
pub use samples::Samples;
pub use step::{StepGradients, TrainingStep};
pub use tensor_view::TensorView;
pub use trace::trace;
pub use trainer::{
    Batch, Ending, Epoch, Evaluation, Metrics, SampleSource, Schedule, Trainer, TrainingEvent,
    TrainingOptions, TrainingPlan, evaluate, evaluate_for, predicted_class,
};
pub use watch::watched;
