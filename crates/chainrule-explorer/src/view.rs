//! What the page is told of a revision: the document, every value of its trace, and the two orders of the
//! events.

use std::sync::Arc;

use chainrule::trace::{Computation, Quantity, Stage, TraceEvent, Value, ValueId};
use chainrule::{Activation, Loss, Network};
use serde::Serialize;

use crate::analysis::{OutputRule, output_rule, readable};
use crate::document::{Document, Image};
use crate::memory::Kept;
use crate::num::Num;
use crate::refusal::Refusal;
use crate::step::Step;

/// Values with more numbers are asked for by name.
pub(crate) const MOST_NUMBERS: usize = 4096;

/// One revision of the document and its trace.
#[derive(Debug, Serialize)]
pub struct View<'a> {
    revision: usize,
    parent: Option<usize>,
    label: &'a str,
    iteration: u64,
    loss: Num,
    title: &'a str,
    source: &'a str,
    layers: Vec<LayerView>,
    widths: Vec<usize>,
    samples: usize,
    first_row: usize,
    available_rows: usize,
    loss_function: &'a Loss,
    loss_name: String,
    learning_rate: f64,
    initialization: &'a str,
    seed: u64,
    input_names: Option<&'a [String]>,
    output_names: Option<&'a [String]>,
    image: Option<Image>,
    output_rule: OutputRule,
    values: Vec<ValueView<'a>>,
    given: Vec<ValueId>,
    events: Vec<EventView<'a>>,
    orders: Orders,
}

#[derive(Debug, Serialize)]
struct LayerView {
    number: usize,
    kind: &'static str,
    inputs: usize,
    width: usize,
    activation: Activation,
    activation_name: String,
    bias: bool,
    parameters: usize,
}

#[derive(Debug, Serialize)]
struct ValueView<'a> {
    name: ValueId,
    kind: Quantity,
    layer: usize,
    shape: &'a [usize],
    bytes: usize,
    scale: f64,
    root_mean_square: Num,
    zeros: usize,
    non_finite: usize,
    values: Option<Vec<Num>>,
}

#[derive(Debug, Serialize)]
struct EventView<'a> {
    id: usize,
    phase: Stage,
    layer: usize,
    operation: Computation,
    operands: &'a [ValueId],
    outputs: Vec<ValueId>,
    shape: &'a [usize],
    sentence: String,
}

#[derive(Debug, Serialize)]
struct Orders {
    lesson: Order,
    framework: Order,
}

#[derive(Debug, Serialize)]
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
