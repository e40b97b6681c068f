//! A document as a link or a file holds it: in JSON, and small enough for it.

use std::sync::Arc;

use chainrule::{Loss, Matrix, Network, Parameters};
use serde::{Deserialize, Deserializer, Serialize};

use crate::document::{Document, Image, Pool, without_training_layers};
use crate::examples;
use crate::limits::{self, at_most};
use crate::refusal::Refusal;

/// A document as a link holds it, in JSON: opaque to the page, and of at most 20,000 numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "{ format: 1, [field: string]: unknown }"))]
#[serde(deny_unknown_fields)]
pub struct SharedDocument {
    format: u32,
    title: String,
    source: String,
    network: Network,
    /// Tensor by tensor: weight, then bias, of each layer.
    parameters: Vec<Vec<f64>>,
    /// Left out where no parameter was changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initial: Option<Vec<Vec<f64>>>,
    loss: Loss,
    samples: usize,
    #[serde(deserialize_with = "numbers_and_gaps")]
    inputs: Vec<f64>,
    targets: Vec<f64>,
    learning_rate: f64,
    iteration: u64,
    initialization: String,
    seed: u64,
    pool: SharedPool,
    first_row: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_names: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_names: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<Image>,
}

/// The rows that a batch is chosen from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum SharedPool {
    /// Those of a worked example.
    Example(String),
    /// These.
    Rows {
        count: usize,
        #[serde(deserialize_with = "numbers_and_gaps")]
        inputs: Vec<f64>,
        targets: Vec<f64>,
    },
    /// The batch alone: the data are too many to share, or nobody else's.
    Batch,
}

/// Numbers, of which those that are missing (NaN) stand in JSON as null.
fn numbers_and_gaps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let numbers = Vec::<Option<f64>>::deserialize(deserializer)?;
    Ok(numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect())
}

const FORMAT: u32 = 1;
/// Characters of a title, a source or a name.
const TEXT: usize = 1000;

impl SharedDocument {
    /// What a link must hold to give this document again.
    ///
    /// # Errors
    /// For more than 20,000 numbers, and for weights that are not finite, which JSON has no numbers for.
    pub fn of(document: &Document) -> Result<SharedDocument, Refusal> {
        SharedDocument::within(document, "a link", limits::SHARED_NUMBERS, true)
    }

    /// What a file must hold to give the document again. Of rows that are no example's it holds those of the batch alone.
    ///
    /// # Errors
    /// As [`SharedDocument::of`], for more than a million numbers, and for names of more than 1,000 letters.
    pub fn for_file(document: &Document) -> Result<SharedDocument, Refusal> {
        let shared = SharedDocument::within(document, "the file", limits::FILE_NUMBERS, false)?;
        shared.check_texts()?;
        Ok(shared)
    }

    fn within(
        document: &Document,
        what: &str,
        most: usize,
        with_rows: bool,
    ) -> Result<SharedDocument, Refusal> {
        let lists = |parameters: &Parameters<f64>| -> Vec<Vec<f64>> {
            parameters.tensors().iter().map(|tensor| parameters.tensor(tensor).to_vec()).collect()
        };
        if document.parameters.first_not_finite().is_some() {
            let reason = "the weights are not finite numbers any more; share a revision before that";
            return Err(Refusal::Invalid(reason.to_owned()));
        }
        let same = Arc::ptr_eq(&document.parameters, &document.initial);
        let (inputs, targets) = (document.inputs.as_slice(), document.targets.as_slice());
        let sets = if same { 1 } else { 2 };
        let count = sets * document.parameters.count() + inputs.len() + targets.len();
        if count > most {
            return Err(Refusal::TooMuch(format!("{what} would hold {count} numbers; the limit is {most}")));
        }
        let rows = document.pool.inputs.rows();
        let (pool, first_row) = match document.pool.example {
            Some(id) => (SharedPool::Example(id.to_owned()), document.first_row),
            None if with_rows && count + document.pool_numbers() <= most => {
                let inputs = document.pool.inputs.as_slice().to_vec();
                let targets = document.pool.targets.as_slice().to_vec();
                (SharedPool::Rows { count: rows, inputs, targets }, document.first_row)
            }
            None => (SharedPool::Batch, 0),
        };
        Ok(SharedDocument {
            format: FORMAT,
            title: document.title.clone(),
            source: document.source.clone(),
            network: document.network.clone(),
            parameters: lists(&document.parameters),
            initial: (!same).then(|| lists(&document.initial)),
            loss: document.loss.clone(),
            samples: document.inputs.rows(),
            inputs: inputs.to_vec(),
            targets: targets.to_vec(),
            learning_rate: document.learning_rate,
            iteration: document.iteration,
            initialization: document.initialization.clone(),
            seed: document.seed,
            pool,
            first_row,
            input_names: document.input_names.as_ref().map(|names| names.to_vec()),
            output_names: document.output_names.as_ref().map(|names| names.to_vec()),
            image: document.image,
        })
    }

    fn check_texts(&self) -> Result<(), Refusal> {
        let names = || self.input_names.iter().chain(&self.output_names).flatten();
        for text in [&self.title, &self.source, &self.initialization].into_iter().chain(names()) {
            at_most("characters of a title, source or name", text.chars().count(), TEXT)?;
        }
        Ok(())
    }

    /// The document, checked.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn open(self) -> Result<Document, Refusal> {
        self.open_within(limits::SHARED_NUMBERS)
    }

    /// The same, of at most so many numbers.
    pub(crate) fn open_within(self, most: usize) -> Result<Document, Refusal> {
        let invalid = |reason: String| Err(Refusal::Invalid(reason));
        if self.format != FORMAT {
            return invalid(format!("format {}; this program reads format {FORMAT}", self.format));
        }
        limits::check_network(&self.network)?;
        limits::check_batch(&self.network, self.samples)?;
        self.check_texts()?;
        let lists = || self.parameters.iter().chain(self.initial.iter().flatten());
        let pool = match &self.pool {
            SharedPool::Rows { inputs, targets, .. } => inputs.len() + targets.len(),
            _ => 0,
        };
        let count = lists().map(Vec::len).sum::<usize>() + self.inputs.len() + self.targets.len() + pool;
        at_most("numbers of a shared document", count, most)?;

        // Documents of earlier versions may have dropout in them.
        let network = without_training_layers(&self.network)?;
        let fill = |what: &str, lists: &[Vec<f64>]| -> Result<Arc<Parameters<f64>>, Refusal> {
            let tensors = network.tensors();
            let fits = |(tensor, list): (&chainrule::TensorLayout, &Vec<f64>)| tensor.count() == list.len();
            if lists.len() != tensors.len() || !tensors.iter().zip(lists).all(fits) {
                return Err(Refusal::Invalid(format!("{what} do not have the network's shapes")));
            }
            let mut parameters = network.zeros::<f64>();
            for (tensor, list) in tensors.iter().zip(lists) {
                parameters.set_tensor(tensor, list)?;
            }
            Ok(Arc::new(parameters))
        };
        let parameters = fill("the parameters", &self.parameters)?;
        let initial = match &self.initial {
            Some(lists) => fill("the initial parameters", lists)?,
            None => Arc::clone(&parameters),
        };
        let (n_in, n_out) = (network.input_width(), network.output_width());
        let matrix = |rows: usize, columns: usize, numbers: Vec<f64>| -> Result<Arc<Matrix<f64>>, Refusal> {
            Ok(Arc::new(Matrix::from_vec(rows, columns, numbers)?))
        };
        let inputs = matrix(self.samples, n_in, self.inputs)?;
        let targets = matrix(self.samples, n_out, self.targets)?;
        let pool = match self.pool {
            SharedPool::Example(id) => examples::document(&id)?.pool.clone(),
            SharedPool::Rows { count, inputs, targets } => Pool {
                inputs: matrix(count, n_in, inputs)?,
                targets: matrix(count, n_out, targets)?,
                example: None,
            },
            SharedPool::Batch => {
                Pool { inputs: Arc::clone(&inputs), targets: Arc::clone(&targets), example: None }
            }
        };
        let document = Document {
            title: self.title,
            source: self.source,
            network,
            parameters,
            initial,
            loss: self.loss,
            inputs,
            targets,
            learning_rate: self.learning_rate,
            iteration: self.iteration,
            initialization: self.initialization,
            seed: self.seed,
            pool,
            first_row: self.first_row,
            input_names: self.input_names.map(Into::into),
            output_names: self.output_names.map(Into::into),
            image: self.image,
        };
        document.check()?;
        Ok(document)
    }
}
