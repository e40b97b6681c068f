//! What the page is told of a revision: the document, every value of its trace, and the two orders of the
//! events.

use std::sync::Arc;

use chainrule::trace::{Computation, Quantity, Stage, TraceEvent, Value, ValueId};
use chainrule::{Activation, Loss, Network};
use serde::Serialize;

use crate::analysis::{OutputRule, output_rule};
use crate::document::{Document, Image};
use crate::memory::Kept;
use crate::num::Num;
use crate::refusal::Refusal;
use crate::step::Step;
use crate::words::readable;

/// Values with more numbers are asked for by name.
pub(crate) const MOST_NUMBERS: usize = 4096;

/// One revision of the document and its trace.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct View<'a> {
    revision: usize,
    parent: Option<usize>,
    /// What was done, in words: "weight W(2)[1, 3] 0.5 -> 0.6", "iteration 4", "example 3-4-2".
    label: &'a str,
    /// Updates since the weights were drawn or reset.
    iteration: u64,
    /// The loss of the trace.
    loss: Num,
    title: &'a str,
    /// Where the data come from, in words.
    source: &'a str,
    layers: Vec<LayerView>,
    /// n_0 .. n_L
    widths: Vec<usize>,
    samples: usize,
    /// The row of the data that the batch begins with.
    first_row: usize,
    /// How many rows there are to choose from.
    available_rows: usize,
    #[cfg_attr(test, ts(as = "crate::contract::Loss"))]
    loss_function: &'a Loss,
    loss_name: String,
    learning_rate: f64,
    initialization: &'a str,
    seed: u64,
    input_names: Option<&'a [String]>,
    output_names: Option<&'a [String]>,
    /// Set where inputs are pixels of such an image.
    image: Option<Image>,
    /// Why delta(L) is computed as it is.
    output_rule: OutputRule,
    values: Vec<ValueView<'a>>,
    /// What is given before step 1.
    #[cfg_attr(test, ts(type = "string[]"))]
    given: Vec<ValueId>,
    /// In the order of the lesson.
    events: Vec<EventView<'a>>,
    orders: Orders,
}

/// A layer. One without sigma has identity for it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Layer"))]
struct LayerView {
    /// From 1.
    number: usize,
    /// "dense", or another kind of layer.
    kind: &'static str,
    inputs: usize,
    width: usize,
    #[cfg_attr(test, ts(as = "crate::contract::Activation"))]
    activation: Activation,
    activation_name: String,
    bias: bool,
    parameters: usize,
    /// Whether an output depends on other inputs than the one in its own place.
    mixes_inputs: bool,
}

/// A value of the trace. Names: "a.0" (inputs), "target", "weight.l", "bias.l", "z.l", "a.l", "loss", "error.l"
/// (dLoss/da(l)), "slope.l" (sigma'(z(l))), "delta.l", "weight_gradient.l", "bias_gradient.l", "updated_weight.l",
/// "updated_bias.l"; where a layer has more tensors of parameters, "parameter_2.l" and so on.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Value"))]
struct ValueView<'a> {
    #[cfg_attr(test, ts(type = "string"))]
    name: ValueId,
    #[cfg_attr(test, ts(as = "crate::contract::Kind"))]
    kind: Quantity,
    /// 0 for inputs, target and loss.
    layer: usize,
    /// [rows, columns], [length] or [].
    shape: &'a [usize],
    bytes: usize,
    /// The largest finite |value|.
    scale: f64,
    root_mean_square: Num,
    zeros: usize,
    non_finite: usize,
    /// Row by row; null where there are more than 4,096: then they are asked for by name.
    values: Option<Vec<Num>>,
}

/// One operation of the step.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "TraceEvent"))]
struct EventView<'a> {
    id: usize,
    #[cfg_attr(test, ts(as = "crate::contract::Phase"))]
    phase: Stage,
    layer: usize,
    #[cfg_attr(test, ts(as = "crate::contract::Operation"))]
    operation: Computation,
    /// The values that it reads.
    #[cfg_attr(test, ts(type = "string[]"))]
    operands: &'a [ValueId],
    /// The values that it computes.
    #[cfg_attr(test, ts(type = "string[]"))]
    outputs: Vec<ValueId>,
    shape: &'a [usize],
    sentence: String,
}

/// The orders in which the events can be seen.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Orders {
    lesson: Order,
    framework: Order,
}

/// The ids of the events in an order, and the bytes of all values that exist after each of them.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Order {
    events: Vec<usize>,
    live_bytes: Vec<usize>,
}

/// A document with its trace, and what it is called.
#[derive(Clone, Debug)]
pub struct Held {
    /// From 1.
    pub revision: usize,
    /// The revision that it was made from.
    pub parent: Option<usize>,
    /// What was done, in words.
    pub label: String,
    /// What was done it to.
    pub document: Arc<Document>,
    /// Its trace.
    pub step: Arc<Step>,
}

impl Held {
    /// Keeps both as long as there is room.
    pub(crate) fn keep(&self, kept: &mut Kept) {
        kept.add_document(self.revision, &self.document);
        kept.add_step(self.revision, &self.step);
    }

    /// What the page is told.
    ///
    /// # Errors
    /// Never for a document that was checked.
    pub fn view(&self) -> Result<View<'_>, Refusal> {
        let (document, step) = (&*self.document, &*self.step);
        let network = &document.network;
        let depth = network.depth();
        Ok(View {
            revision: self.revision,
            parent: self.parent,
            label: &self.label,
            iteration: document.iteration,
            loss: Num(step.trace.loss()),
            title: &document.title,
            source: &document.source,
            widths: (0..=depth).map(|l| network.width(l)).collect(),
            layers: (1..=depth).map(|l| layer_view(network, l)).collect(),
            samples: document.inputs.rows(),
            first_row: document.first_row,
            available_rows: document.pool.inputs.rows(),
            loss_function: &document.loss,
            loss_name: readable(document.loss.name()),
            learning_rate: document.learning_rate,
            initialization: &document.initialization,
            seed: document.seed,
            input_names: document.input_names.as_deref(),
            output_names: document.output_names.as_deref(),
            image: document.image,
            output_rule: output_rule(step),
            values: step.trace.values().map(value_view).collect(),
            given: step.trace.given.iter().map(|value| value.id).collect(),
            events: step.trace.events.iter().map(|event| event_view(step, event)).collect(),
            orders: orders(step),
        })
    }
}

fn layer_view(network: &Network, l: usize) -> LayerView {
    let layer = &network.layers()[l - 1];
    let sigma = layer.activation();
    let tensors = network.layer_tensors(l);
    LayerView {
        number: l,
        kind: layer.name(),
        inputs: network.width(l - 1),
        width: network.width(l),
        activation: sigma.unwrap_or(Activation::Identity),
        activation_name: readable(sigma.map_or(layer.name(), |sigma| sigma.name())),
        bias: tensors.len() > 1,
        parameters: tensors.iter().map(|tensor| tensor.count()).sum(),
        mixes_inputs: layer.mixes_inputs(),
    }
}

fn value_view(value: &Value<f64>) -> ValueView<'_> {
    let numbers = &value.values;
    let finite = || numbers.iter().filter(|number| number.is_finite());
    let scale = finite().fold(0.0, |largest: f64, number| largest.max(number.abs()));
    let non_finite = numbers.len() - finite().count();
    // Divided by the scale, squares neither overflow nor vanish.
    let unit = if scale > 0.0 { scale } else { 1.0 };
    let mean = numbers.iter().map(|x| (x / unit) * (x / unit)).sum::<f64>() / numbers.len() as f64;
    ValueView {
        name: value.id,
        kind: value.id.quantity,
        layer: value.id.layer,
        shape: &value.shape,
        bytes: size_of_val(&numbers[..]),
        scale,
        root_mean_square: Num(unit * mean.sqrt()),
        zeros: numbers.iter().filter(|number| **number == 0.0).count(),
        non_finite,
        values: (numbers.len() <= MOST_NUMBERS).then(|| numbers.iter().map(|&number| Num(number)).collect()),
    }
}

fn event_view<'a>(step: &Step, event: &'a TraceEvent<f64>) -> EventView<'a> {
    EventView {
        id: event.id,
        phase: event.stage,
        layer: event.layer,
        operation: event.operation,
        operands: &event.operands,
        outputs: event.outputs.iter().map(|value| value.id).collect(),
        shape: &event.shape,
        sentence: step.sentence(event),
    }
}

/// The lesson's order, which is the trace's, and that of frameworks: each layer's gradients as soon as its
/// delta is there.
fn orders(step: &Step) -> Orders {
    let events = &step.trace.events;
    let is_error = |event: &TraceEvent<f64>| {
        matches!(event.operation, Computation::OutputDelta | Computation::Backward(_) | Computation::Delta)
    };
    let ids = |wanted: &dyn Fn(&TraceEvent<f64>) -> bool| -> Vec<usize> {
        events.iter().filter(|event| wanted(event)).map(|event| event.id).collect()
    };
    let mut framework = ids(&|event| event.stage == Stage::Forward || event.operation == Computation::Loss);
    for layer in (1..=step.network.depth()).rev() {
        framework.extend(ids(&|event| event.layer == layer && is_error(event)));
        framework.extend(ids(&|event| event.layer == layer && event.stage == Stage::Gradients));
    }
    framework.extend(ids(&|event| event.stage == Stage::Update));
    Orders { lesson: order(step, ids(&|_| true)), framework: order(step, framework) }
}

/// The order with the bytes that exist after each event: the given values, and the outputs so far.
fn order(step: &Step, ids: Vec<usize>) -> Order {
    let bytes =
        |values: &[Value<f64>]| values.iter().map(|value| size_of_val(&value.values[..])).sum::<usize>();
    let mut live = bytes(&step.trace.given);
    let live_bytes = ids.iter().map(|&id| {
        live += bytes(&step.trace.events[id].outputs);
        live
    });
    Order { live_bytes: live_bytes.collect(), events: ids }
}
