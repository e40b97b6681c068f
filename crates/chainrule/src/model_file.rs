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
use crate::kernel::Scalar;
use crate::loss::Loss;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::tensor_file::{TensorFile, named, write};

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
