//! What a person edits: a network with its weights, a batch, and all that a training step needs.

use std::sync::Arc;

use chainrule::layer::{Dense, Layer};
use chainrule::{Initialization, Loss, Matrix, Network, Parameters, Targets};
use serde::{Deserialize, Serialize};

use crate::ledger::{Ledger, Part, part};
use crate::limits::{self, at_most};
use crate::refusal::Refusal;
use crate::step::Step;

/// The initialization that takes for each layer the rule that suits its activation.
pub const SUITED: &str = "suited";

/// The size of the images that inputs are pixels of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
}

/// The rows that a batch is chosen from.
#[derive(Clone, Debug)]
pub struct Pool {
    /// [rows, n_0]
    pub inputs: Arc<Matrix<f64>>,
    /// [rows, n_L]
    pub targets: Arc<Matrix<f64>>,
    /// The worked example whose rows these are, as long as nothing of them was changed.
    pub example: Option<&'static str>,
}

/// All that one training step is made from; edits make new ones and share what stays.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is called.
    pub title: String,
    /// Where the data come from, in words.
    pub source: String,
    /// The layers.
    pub network: Network,
    /// W and b.
    pub parameters: Arc<Parameters<f64>>,
    /// W and b as they were drawn, for going back to.
    pub initial: Arc<Parameters<f64>>,
    /// What is made small.
    pub loss: Loss,
    /// a(0), [B, n_0].
    pub inputs: Arc<Matrix<f64>>,
    /// [B, n_L]; classes are one-hot rows, and 0 or 1 where there is one output.
    pub targets: Arc<Matrix<f64>>,
    /// eta in W - eta dW.
    pub learning_rate: f64,
    /// Updates since the weights were drawn or reset.
    pub iteration: u64,
    /// The name of the rule that draws weights, or [`SUITED`].
    pub initialization: String,
    /// What weights are drawn from.
    pub seed: u64,
    /// The rows to choose a batch from.
    pub pool: Pool,
    /// The pool's row that is the batch's first.
    pub first_row: usize,
    /// One for each input.
    pub input_names: Option<Arc<[String]>>,
    /// One for each output.
    pub output_names: Option<Arc<[String]>>,
    /// Set where inputs are pixels.
    pub image: Option<Image>,
}

impl Document {
    /// Traces the document's step.
    ///
    /// # Errors
    /// When the learning rate, the targets or a shape is refused by the engine.
    pub fn step(&self) -> Result<Step, Refusal> {
        Ok(Step::new(
            self.network.clone(),
            Arc::clone(&self.parameters),
            self.loss.clone(),
            Arc::clone(&self.inputs),
            Arc::clone(&self.targets),
            self.learning_rate,
        )?)
    }

    /// The document after the update that its step computes.
    ///
    /// # Errors
    /// When the step belongs to another network.
    pub(crate) fn advanced(&self, step: &Step) -> Result<Document, Refusal> {
        let parameters = Arc::new(step.updated_parameters()?);
        Ok(Document { parameters, iteration: self.iteration + 1, ..self.clone() })
    }

    /// Checks everything: limits, shapes, finite numbers, and that loss, network and targets fit each other.
    ///
    /// # Errors
    /// Says what does not fit, and the limit where there is one.
    pub fn check(&self) -> Result<(), Refusal> {
        limits::check_network(&self.network)?;
        limits::check_batch(&self.network, self.inputs.rows())?;
        at_most("numbers of the data", self.pool_numbers(), limits::POOL_NUMBERS)?;
        let (n_in, n_out) = (self.network.input_width(), self.network.output_width());
        let may_be_missing = self.network.inputs_that_may_be_missing();
        for (what, inputs, targets) in
            [("the batch", &self.inputs, &self.targets), ("the data", &self.pool.inputs, &self.pool.targets)]
        {
            let invalid = |reason: String| Err(Refusal::Invalid(format!("{what}: {reason}")));
            if inputs.rows() == 0 {
                return invalid("there are no rows; at least 1 is needed".to_owned());
            }
            if inputs.columns() != n_in || targets.columns() != n_out || targets.rows() != inputs.rows() {
                return invalid(format!(
                    "inputs are {} x {} and targets {} x {}, but the network takes {n_in} inputs and gives \
                     {n_out} outputs",
                    inputs.rows(),
                    inputs.columns(),
                    targets.rows(),
                    targets.columns(),
                ));
            }
            let is_refused =
                |(index, x): (usize, &f64)| !(x.is_finite() || x.is_nan() && may_be_missing[index % n_in]);
            if let Some(index) = inputs.as_slice().iter().enumerate().position(is_refused) {
                let (row, column) = (index / n_in + 1, index % n_in + 1);
                return invalid(format!("input {column} of row {row} is not a finite number"));
            }
            self.loss.check(n_out)?;
            self.loss.check_targets(inputs.rows(), n_out, Targets::Values(targets.view()), None)?;
        }
        let fits = |parameters: &Parameters<f64>| parameters.tensors() == self.network.tensors();
        if !fits(&self.parameters) || !fits(&self.initial) {
            return Err(Refusal::Invalid("the parameters do not have the network's shapes".to_owned()));
        }
        check_learning_rate(self.learning_rate)?;
        drawing_rule(&self.initialization)?;
        if self.seed > LARGEST_SEED {
            return Err(Refusal::Invalid(format!(
                "seed: {} is more than the limit of {LARGEST_SEED}",
                self.seed
            )));
        }
        if self.first_row >= self.pool.inputs.rows() {
            let rows = self.pool.inputs.rows();
            return Err(Refusal::Invalid(format!(
                "first row: {}, and there are {rows} rows",
                self.first_row.saturating_add(1)
            )));
        }
        for (what, names, count) in
            [("inputs", &self.input_names, n_in), ("outputs", &self.output_names, n_out)]
        {
            if names.as_ref().is_some_and(|names| names.len() != count) {
                return Err(Refusal::Invalid(format!("there are {count} {what}, but not as many names")));
            }
        }
        match self.image {
            Some(Image { height, width }) if height.checked_mul(width) != Some(n_in) => {
                Err(Refusal::Invalid(format!("an image of {height} x {width} is not {n_in} inputs")))
            }
            _ => Ok(()),
        }
    }

    /// Numbers of all rows to choose from.
    pub(crate) fn pool_numbers(&self) -> usize {
        self.pool.inputs.as_slice().len() + self.pool.targets.as_slice().len()
    }

    /// What it holds, part by part; its edits share most of them.
    pub(crate) fn parts(self: &Arc<Self>) -> impl Iterator<Item = Part> + use<> {
        let numbers = |matrix: &Arc<Matrix<f64>>| part(matrix, size_of_val(matrix.as_slice()));
        let parameters = |parameters: &Arc<Parameters<f64>>| part(parameters, parameters.bytes());
        [
            part(self, self.words()),
            parameters(&self.parameters),
            parameters(&self.initial),
            numbers(&self.inputs),
            numbers(&self.targets),
            numbers(&self.pool.inputs),
            numbers(&self.pool.targets),
        ]
        .into_iter()
    }

    /// Bytes of what it holds and another one does not.
    pub(crate) fn bytes_beside(self: &Arc<Self>, other: &Arc<Document>) -> usize {
        let mut ledger = Ledger::default();
        ledger.add(other.parts());
        let before = ledger.bytes();
        ledger.add(self.parts());
        ledger.bytes() - before
    }

    /// Bytes of all but its numbers, about.
    fn words(&self) -> usize {
        let of_loss = match &self.loss {
            Loss::CrossEntropy { class_weights: Some(weights), .. } => size_of_val(&weights[..]),
            _ => 0,
        };
        1024 + self.title.len() + self.source.len() + 256 * self.network.depth() + of_loss
    }

    /// The batch of rows `first..first + count` of the pool; beyond its end the last row is repeated.
    ///
    /// # Errors
    /// When the pool has no such row, and for no rows or too many.
    pub fn batch(&self, first: usize, count: usize) -> Result<Document, Refusal> {
        let rows = self.pool.inputs.rows();
        if first >= rows {
            return Err(Refusal::Invalid(format!("row {}: there are {rows} rows", first.saturating_add(1))));
        }
        if count == 0 {
            return Err(Refusal::Invalid("a batch has at least 1 row".to_owned()));
        }
        limits::check_batch(&self.network, count)?;
        let choose = |matrix: &Matrix<f64>| {
            let mut chosen = Matrix::zeros(count, matrix.columns());
            (0..count).for_each(|i| {
                chosen.row_mut(i).copy_from_slice(matrix.row((first + i).min(rows - 1)));
            });
            Arc::new(chosen)
        };
        let (inputs, targets) = (choose(&self.pool.inputs), choose(&self.pool.targets));
        Ok(Document { inputs, targets, first_row: first, ..self.clone() })
    }
}

/// Seeds above cannot be written exactly by a page.
pub(crate) const LARGEST_SEED: u64 = (1 << 53) - 1;

pub(crate) fn check_learning_rate(rate: f64) -> Result<(), Refusal> {
    if (0.0..f64::INFINITY).contains(&rate) {
        return Ok(());
    }
    Err(Refusal::Invalid(format!("learning rate {rate}: must be at least 0 and finite")))
}

/// The dense layers of a network, each with its number.
pub(crate) fn dense_layers(network: &Network) -> impl Iterator<Item = (usize, &Dense)> {
    network.layers().iter().enumerate().filter_map(|(index, layer)| match layer {
        Layer::Dense(dense) => Some((index + 1, dense)),
        _ => None,
    })
}

/// The same network without the layers that do nothing outside of training, as dropout: a document's step is none of training,
/// and its layers are numbered as its network's.
///
/// # Errors
/// When no layer is left.
pub fn without_training_layers(network: &Network) -> Result<Network, Refusal> {
    let kept = network.layers().iter().filter(|layer| !layer.is_for_training_only());
    let builder = Network::builder(network.input_width());
    Ok(kept.fold(builder, |builder, layer| builder.layer(layer.clone())).build()?)
}

/// Parameters of a network of the same tensors, as those of `network`.
///
/// # Panics
/// For other tensors.
pub fn parameters_in(network: &Network, parameters: &Parameters<f64>) -> Parameters<f64> {
    let mut same = network.zeros();
    for (to, from) in network.tensors().iter().zip(parameters.tensors()) {
        same.set_tensor(to, &parameters.tensor(from).to_vec()).expect("the tensors are the same");
    }
    same
}

/// The rule of that name; none for [`SUITED`].
pub(crate) fn drawing_rule(name: &str) -> Result<Option<Initialization>, Refusal> {
    if name == SUITED {
        return Ok(None);
    }
    match Initialization::from_name(name) {
        Ok(rule) => Ok(Some(rule)),
        Err(error) => Err(Refusal::Invalid(format!("{error}, {SUITED}"))),
    }
}

/// Fresh parameters of a network by the rule of that name.
pub(crate) fn draw(network: &Network, rule: &str, seed: u64) -> Result<Parameters<f64>, Refusal> {
    let Some(rule) = drawing_rule(rule)? else { return Ok(network.initialize(seed)) };
    limits::check_drawing(network, rule)?;
    Ok(network.initialize_with(rule, seed))
}
