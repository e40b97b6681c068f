//! The model file: safetensors with the parameters, and the description as JSON in its metadata.
//!
//! Tensors are `layers.{i}.weight` [out, in] and `layers.{i}.bias` [out], i counting the layers with
//! parameters from 0. The metadata entry `chainrule` is one JSON object: `format` (1), `network`, `loss` and,
//! if there are any, `preprocessing` (what is done to inputs before they enter the network) and `training` (a
//! record), which belong to the program that wrote them. Unknown fields are refused.
//! `docs/model-file.md` tells it all.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::forward::infer;
use crate::kernel::{Scalar, Threads};
use crate::loss::Loss;
use crate::matrix::{Matrix, MatrixView};
use crate::network::Network;
use crate::parameters::Parameters;
use crate::samples::Samples;
use crate::tensor_file::{TensorFile, named, write};
use crate::trainer::{Evaluation, Trainer, evaluate};

/// A trained network with all that is needed to use it.
///
/// ```
/// use chainrule::{Activation, Loss, Model, Network};
/// let network = Network::builder(3).dense(2, Activation::Softmax).build()?;
/// let parameters = network.initialize::<f32>(7);
/// let model = Model { network, loss: Loss::cross_entropy(), parameters, preprocessing: None, training: None };
/// let path = std::env::temp_dir().join(format!("chainrule-{}.safetensors", std::process::id()));
/// model.save(&path)?;
/// assert_eq!(Model::<f32>::load(&path)?, model);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model<T> {
    /// The layers.
    pub network: Network,
    /// What the network was trained to make small.
    pub loss: Loss,
    /// W and b.
    pub parameters: Parameters<T>,
    /// How inputs are prepared and outputs read; the engine stores it and does not look into it.
    pub preprocessing: Option<serde_json::Value>,
    /// A record of the training, for people and programs; the engine does not look into it.
    pub training: Option<serde_json::Value>,
}

const KEY: &str = "chainrule";
const WHAT: &str = "a Chainrule model";
const FORMAT: u32 = 1;

/// The JSON in the metadata.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u32,
    network: Network,
    loss: Loss,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preprocessing: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    training: Option<serde_json::Value>,
}

impl<T: Scalar> Model<T> {
    /// Writes the file aside, syncs it, and renames it into place.
    ///
    /// # Errors
    /// When the system refuses; what was there before is then still there.
    #[inline(never)]
    pub fn save(&self, path: &Path) -> Result<()> {
        self.network.check_parameters(&self.parameters)?;
        let description = Description {
            format: FORMAT,
            network: self.network.clone(),
            loss: self.loss.clone(),
            preprocessing: self.preprocessing.clone(),
            training: self.training.clone(),
        };
        let text = serde_json::to_string(&description).expect("a description is plain data");
        write(path, named("", &self.parameters), Some((KEY, text)))
    }

    /// Reads a file, in either number type.
    ///
    /// # Errors
    /// When the file is not complete, its description is not valid or does not fit its tensors, or a
    /// number is not finite; each with the file and the place.
    #[inline(never)]
    pub fn load(path: &Path) -> Result<Self> {
        let file = TensorFile::open(path, KEY, WHAT)?;
        // The version first: another format has other fields.
        let version: serde_json::Value = file.metadata(KEY, WHAT)?;
        match version.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(other) => {
                return file.fail(format!("format {other}; this program reads format {FORMAT}"));
            }
            None => return file.fail(format!("the description has no \"format\": {FORMAT}")),
        }
        let Description { network, loss, preprocessing, training, .. } = file.metadata(KEY, WHAT)?;
        if let Err(error) = loss.check(network.output_width()) {
            return file.fail(format!("the loss does not fit the network: {error}"));
        }
        // Names and shapes before memory is taken for them: a description may ask for anything, and a file be large.
        file.check_shapes(network.tensors().iter().map(|tensor| (tensor.name.clone(), tensor)))?;
        let mut parameters = network.zeros();
        file.read()?.fill("", &mut parameters)?;
        Ok(Model { network, loss, parameters, preprocessing, training })
    }

    /// The predictions for any number of inputs, [samples, n_L]: the output as the loss reads it, so probabilities where the
    /// network ends with logits, and rates for Poisson. Inputs are the network's: preprocessing is the program's that wrote it.
    ///
    /// # Errors
    /// When the inputs do not have the network's width.
    #[inline(never)]
    pub fn predict(&self, threads: &Threads, inputs: MatrixView<'_, T>) -> Result<Matrix<T>> {
        let mut outputs = infer(threads, &self.network, &self.parameters, inputs)?;
        let (activation, width) = (self.network.output_activation(), self.network.output_width());
        self.loss.outputs_to_predictions(activation, width, outputs.as_mut_slice());
        Ok(outputs)
    }

    /// The loss on samples, and the metrics that suit it.
    ///
    /// # Errors
    /// When samples do not fit network and loss.
    pub fn evaluate(&self, threads: &Threads, samples: Samples<'_, T>) -> Result<Evaluation> {
        evaluate(threads, &self.network, &self.parameters, &self.loss, samples)
    }

    /// The same model in another number type, rounded to nearest.
    pub fn cast<U: Scalar>(&self) -> Model<U> {
        Model {
            network: self.network.clone(),
            loss: self.loss.clone(),
            parameters: self.parameters.cast(),
            preprocessing: self.preprocessing.clone(),
            training: self.training.clone(),
        }
    }
}

impl<T: Scalar> Trainer<T> {
    /// The network with the parameters to use, as [`Trainer::parameters`] gives them, without preprocessing and record.
    ///
    /// ```
    /// use chainrule::*;
    /// let network = Network::builder(2).dense(8, Activation::Tanh).dense(2, Activation::Softmax).build()?;
    /// let inputs = Matrix::from_rows(&[[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0f32]]);
    /// let samples =
    ///     Samples { inputs: inputs.view().into(), targets: Targets::Classes(&[0, 1, 1, 0]), sample_weights: None };
    /// let options = TrainingOptions { epochs: 500, ..TrainingOptions::default() };
    /// let (threads, loss) = (Threads::single(), Loss::cross_entropy());
    /// let mut trainer = Trainer::new(&network, &loss, network.initialize(1), options)?;
    /// trainer.fit(&threads, samples, None, &mut |_| std::ops::ControlFlow::Continue(()))?;
    ///
    /// let model = trainer.into_model();
    /// let probabilities = model.predict(&threads, inputs.view())?;
    /// assert!(probabilities[(1, 1)] > 0.5 && probabilities[(3, 1)] < 0.5);
    /// assert!(model.evaluate(&threads, samples)?.loss < 0.5);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn into_model(self) -> Model<T> {
        let (network, loss) = (self.network().clone(), self.loss().clone());
        Model { network, loss, parameters: self.into_parameters(), preprocessing: None, training: None }
    }
}
