//! What a network is: its layers and their shapes, checked once, when it is built.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::initialization::Initialization;
use crate::kernel::Scalar;
use crate::layer::{Dense, Dropout, Layer};
use crate::parameters::{ParameterLayout, Parameters, TensorLayout};
use crate::random::{Purpose, Random, Stream};

/// A feed-forward network: layers 1..L, widths n_0 (inputs) to n_L (outputs).
///
/// It holds no numbers; its [`Parameters`] do.
///
/// ```
/// use chainrule::{Activation, Network};
/// let network = Network::builder(3).dense(4, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// assert_eq!((network.input_width(), network.output_width()), (3, 2));
/// assert_eq!(network.parameter_count(), 3 * 4 + 4 + 4 * 2 + 2);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Description", into = "Description")]
pub struct Network {
    layers: Vec<Layer>,
    /// n_0..n_L
    widths: Vec<usize>,
    layout: Arc<ParameterLayout>,
}

/// A network as model files describe it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    input_width: usize,
    layers: Vec<Layer>,
}

impl PartialEq for Network {
    fn eq(&self, other: &Self) -> bool {
        self.layers == other.layers && self.widths == other.widths
    }
}

/// Collects layers; see [`Network::builder`].
///
/// ```
/// use chainrule::layer::LayerNorm;
/// use chainrule::*;
/// let network = Network::builder(8)
///     .dense(16, Activation::Gelu)
///     .layer(LayerNorm::default().into())
///     .dropout(0.1)
///     .dense_without_bias(3, Activation::Softmax)
///     .build()?;
/// assert_eq!((network.depth(), network.parameter_count()), (4, 8 * 16 + 16 + 2 * 16 + 16 * 3));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NetworkBuilder {
    input_width: usize,
    layers: Vec<Layer>,
}

impl NetworkBuilder {
    /// Adds a dense layer of `width` neurons with a bias.
    pub fn dense(self, width: usize, activation: Activation) -> Self {
        self.layer(Layer::Dense(Dense { width, activation, bias: true }))
    }

    /// Adds a dense layer without a bias.
    pub fn dense_without_bias(self, width: usize, activation: Activation) -> Self {
        self.layer(Layer::Dense(Dense { width, activation, bias: false }))
    }

    /// Adds dropout behind the last layer added.
    pub fn dropout(self, rate: f64) -> Self {
        self.layer(Layer::Dropout(Dropout { rate }))
    }

    /// Adds any layer.
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Checks the shapes and makes the network.
    ///
    /// # Errors
    /// For no layers, a width of zero, softmax anywhere but at the end, a last layer that is not dense,
    /// hyperparameters out of range, and sizes that overflow; each with the layer's number and kind.
    pub fn build(self) -> Result<Network> {
        let NetworkBuilder { input_width, layers } = self;
        let fail = |layer: usize, name, reason: String| Err(Error::Layer { layer, name, reason });
        if input_width == 0 {
            return fail(0, "inputs", "there are no inputs; their number is at least 1".to_owned());
        }
        let mut widths = vec![input_width];
        let mut elements = 0usize;
        for (index, layer) in layers.iter().enumerate() {
            let (number, name) = (index + 1, layer.name());
            if layer.kind().must_be_first() && number > 1 {
                return fail(
                    number,
                    name,
                    "it must be the first layer, whose inputs are columns of data".to_owned(),
                );
            }
            if let Err(error) = layer.kind().check(widths[index]) {
                return fail(number, name, error.to_string());
            }
            let softmax = layer.activation() == Some(Activation::Softmax);
            if softmax && number < layers.len() {
                return fail(number, name, "softmax is for the last layer only".to_owned());
            }
            let n_in = widths[index];
            for tensor in layer.kind().tensors(n_in) {
                let count = tensor.rows.checked_mul(tensor.columns);
                // Padding and eight bytes a number included, a buffer must be addressable.
                let total = count.and_then(|count| elements.checked_add(count)?.checked_add(64));
                match total.filter(|&total| total < isize::MAX as usize / 16) {
                    Some(total) => elements = total,
                    None => {
                        let shape = format!("{} x {}", tensor.rows, tensor.columns);
                        return fail(number, name, format!("a weight of {shape} is too large"));
                    }
                }
            }
            widths.push(layer.output_width(n_in));
        }
        match layers.last() {
            None => return fail(1, "none", "a network has at least one layer".to_owned()),
            Some(last) if last.kind().can_be_last() => {}
            Some(last) => {
                return fail(layers.len(), last.name(), "the last layer must be dense".to_owned());
            }
        }
        let requests = layers.iter().zip(&widths).map(|(layer, &n_in)| layer.kind().tensors(n_in));
        let layout = Arc::new(ParameterLayout::new(requests));
        Ok(Network { layers, widths, layout })
    }
}

impl TryFrom<Description> for Network {
    type Error = Error;
    fn try_from(description: Description) -> Result<Self> {
        let Description { input_width, layers } = description;
        NetworkBuilder { input_width, layers }.build()
    }
}

impl From<Network> for Description {
    fn from(network: Network) -> Self {
        Description { input_width: network.input_width(), layers: network.layers }
    }
}

impl Network {
    /// Starts a network with `input_width` inputs.
    pub fn builder(input_width: usize) -> NetworkBuilder {
        NetworkBuilder { input_width, layers: Vec::new() }
    }

    /// The layers; layer l is `layers()[l - 1]`.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// L, the number of layers (dropout included).
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// n_l; n_0 is the number of inputs.
    pub fn width(&self, l: usize) -> usize {
        self.widths[l]
    }

    /// n_0.
    pub fn input_width(&self) -> usize {
        self.widths[0]
    }

    /// n_L.
    pub fn output_width(&self) -> usize {
        self.widths[self.depth()]
    }

    /// The last layer's activation.
    pub fn output_activation(&self) -> Activation {
        self.layers[self.depth() - 1].activation().unwrap_or(Activation::Identity)
    }

    /// The tensors of parameters, in the order of the layers.
    pub fn tensors(&self) -> &[TensorLayout] {
        self.layout.tensors()
    }

    /// How many weights and biases there are.
    pub fn parameter_count(&self) -> usize {
        self.tensors().iter().map(TensorLayout::count).sum()
    }

    /// The tensors of layer l, from 1: the weight first, then a bias; none where it has no parameters.
    ///
    /// # Panics
    /// Where there is no such layer.
    pub fn layer_tensors(&self, l: usize) -> &[TensorLayout] {
        self.layout.layer_tensors(l)
    }

    /// Where the parameters of layer l lie in the buffer of all; empty where it has none.
    pub(crate) fn parameter_range(&self, l: usize) -> Range<usize> {
        let tensors = self.layer_tensors(l);
        let (Some(first), Some(last)) = (tensors.first(), tensors.last()) else { return 0..0 };
        first.offset()..last.offset() + last.count()
    }

    /// The first layer that has parameters, from 1; the first of all if none has.
    pub(crate) fn first_with_parameters(&self) -> usize {
        self.tensors().first().map_or(1, |tensor| tensor.layer)
    }

    /// The largest of n_0..n_L.
    pub(crate) fn widest(&self) -> usize {
        self.widths.iter().copied().max().unwrap_or(0)
    }

    /// FLOPs of a training step for one sample: forward, gradients, and the error carried back from
    /// every dense layer but the first, two for each multiplication with its addition.
    pub fn step_flops(&self) -> u64 {
        let mut first_dense = true;
        let mut total = 0;
        for (layer, &n_in) in self.layers.iter().zip(&self.widths) {
            let forward = layer.forward_flops(n_in);
            total += forward * if first_dense { 2 } else { 3 };
            first_dense &= forward == 0;
        }
        total
    }

    /// Parameters before the first step, each layer by the rule that suits its activation
    /// ([`Initialization::for_activation`]). The same seed gives the same bits.
    #[inline(never)]
    pub fn initialize<T: Scalar>(&self, seed: u64) -> Parameters<T> {
        self.initialize_each(seed, Initialization::for_activation)
    }

    /// Parameters before the first step, every layer by the same rule.
    #[inline(never)]
    pub fn initialize_with<T: Scalar>(&self, rule: Initialization, seed: u64) -> Parameters<T> {
        self.initialize_each(seed, |_| rule)
    }

    fn initialize_each<T: Scalar>(
        &self,
        seed: u64,
        rule: impl Fn(Activation) -> Initialization,
    ) -> Parameters<T> {
        let mut parameters = self.zeros::<T>();
        for (index, layer) in self.layers.iter().enumerate() {
            let (l, n_in, n_out) = (index + 1, self.widths[index], self.widths[index + 1]);
            let rule = rule(layer.activation().unwrap_or(Activation::Identity));
            let mut random = Random::new(Stream::new(seed, Purpose::Initialization, l, 0, 0));
            for (tensor, request) in self.layer_tensors(l).iter().zip(layer.kind().tensors(n_in)) {
                let mut by_rows = vec![T::zero(); tensor.count()];
                rule.fill(request.start, (n_in, n_out), &mut random, &mut by_rows);
                parameters.set_tensor(tensor, &by_rows).expect("as many numbers as the tensor has");
            }
        }
        parameters
    }

    /// Sets the rate of each layer of dropout to `factor` times that of the same network `of`.
    pub(crate) fn set_dropout(&mut self, of: &Network, factor: f64) {
        for (layer, of) in self.layers.iter_mut().zip(&of.layers) {
            if let (Layer::Dropout(dropout), Layer::Dropout(of)) = (layer, of) {
                dropout.rate = factor * of.rate;
            }
        }
    }

    /// Parameters of this network, all zero.
    pub fn zeros<T: Scalar>(&self) -> Parameters<T> {
        Parameters::zeros(Arc::clone(&self.layout))
    }

    /// Fails unless `parameters` have this network's shapes.
    pub(crate) fn check_parameters<T: Scalar>(&self, parameters: &Parameters<T>) -> Result<()> {
        if parameters.has_layout(&self.layout) {
            return Ok(());
        }
        let list = |tensors: &[TensorLayout]| {
            let shapes: Vec<_> = tensors.iter().map(|t| format!("{} {:?}", t.name, t.shape())).collect();
            shapes.join(", ")
        };
        Err(Error::shape("parameters", list(self.tensors()), list(parameters.tensors())))
    }

    /// Which inputs may be missing (NaN): those for which a layer of [`Columns`](crate::layer::Columns) has learned something.
    ///
    /// ```
    /// use chainrule::layer::{AsIs, ColumnPiece, Columns};
    /// use chainrule::*;
    /// let piece = |missing| ColumnPiece::AsIs(AsIs { width: 1, missing });
    /// let columns = Columns { pieces: vec![piece(false), piece(true)] };
    /// let network = Network::builder(2).layer(columns.into()).dense(1, Activation::Identity).build()?;
    /// assert_eq!(network.inputs_that_may_be_missing(), [false, true]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn inputs_that_may_be_missing(&self) -> Vec<bool> {
        let first = self.layers[0].kind();
        (0..self.input_width()).map(|input| first.accepts_missing(input)).collect()
    }

    /// Fails unless each sample has n_0 numbers.
    pub(crate) fn check_inputs(&self, columns: usize) -> Result<()> {
        if columns == self.input_width() {
            return Ok(());
        }
        let expected = format!("{} columns", self.input_width());
        Err(Error::shape("inputs of the network", expected, format!("{columns} columns")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_networks_are_refused_with_the_layer_named() {
        let relu = Activation::Relu;
        let message = |builder: NetworkBuilder| builder.build().unwrap_err().to_string();
        assert!(message(Network::builder(0).dense(1, relu)).contains("inputs"));
        assert!(message(Network::builder(2)).contains("at least one layer"));
        assert!(
            message(Network::builder(2).dense(3, relu).dense(0, relu))
                .contains("layer 2 (dense): its width is 0")
        );
        assert!(
            message(Network::builder(2).dense(3, Activation::Softmax).dense(1, relu)).contains("layer 1")
        );
        assert!(message(Network::builder(2).dense(3, relu).dropout(0.5)).contains("must be dense"));
        assert!(message(Network::builder(2).dropout(1.0).dense(3, relu)).contains("rate = 1"));
        assert!(message(Network::builder(usize::MAX).dense(usize::MAX, relu)).contains("too large"));
        let slope = Activation::LeakyRelu { negative_slope: f64::NAN };
        assert!(message(Network::builder(2).dense(3, slope)).contains("negative_slope"));
    }

    #[test]
    fn a_description_is_read_back_and_checked() {
        let network = Network::builder(3)
            .dense(4, Activation::Elu { alpha: 0.5 })
            .dropout(0.25)
            .dense_without_bias(2, Activation::Softmax)
            .build()
            .unwrap();
        let json = serde_json::to_string(&network).unwrap();
        assert_eq!(serde_json::from_str::<Network>(&json).unwrap(), network);
        for (from, to) in [
            ("\"width\":4", "\"width\":0"),
            ("\"rate\"", "\"rat\""),
            ("dropout", "droput"),
            ("\"input_width\":3", "\"input_width\":3,\"extra\":1"),
        ] {
            assert!(json.contains(from));
            assert!(serde_json::from_str::<Network>(&json.replace(from, to)).is_err(), "{to}");
        }
        let names: Vec<_> =
            network.zeros::<f32>().tensors().iter().map(|t| (t.layer, t.name.clone())).collect();
        let expected = [(1, "layers.0.weight"), (1, "layers.0.bias"), (3, "layers.1.weight")];
        assert_eq!(names, expected.map(|(layer, name)| (layer, name.to_owned())));
    }

    #[test]
    fn flops_count_the_first_layer_twice_and_the_others_three_times() {
        let network = Network::builder(5)
            .dense(7, Activation::Relu)
            .dropout(0.1)
            .dense(2, Activation::Identity)
            .build()
            .unwrap();
        assert_eq!(network.step_flops(), 2 * (5 * 7 * 2 + 7 * 2 * 3));
    }
}
