//! One step as a list of events with every value in it, for people who want to look.
//!
//! A network of L dense layers gives 6L events: z and a of each layer (2L), the loss, delta(L), the error
//! carried back and delta of each hidden layer (2(L-1)), the gradients (L) and the updates (L). All
//! deltas come first and then all gradients; updates are computed from the parameters before the update.
//! Where delta(l) is dLoss/da(l) times sigma'(z(l)), the slopes sigma'(z(l)) are an output of the same event;
//! at the output, where no other event computes dLoss/da(L), it is one too.
//!
//! A layer without sigma gives one event forward and one backward: its a is its z, its delta is dLoss/da. A layer that is for
//! training only, as dropout, gives none in a pass that is not; its a is that of the layer before.

mod quantity;
mod record;
mod value;

use std::borrow::Cow;
use std::path::Path;

use serde::{Serialize, Serializer};

pub use quantity::Quantity;
pub use record::trace;
pub use value::{Value, ValueId};

use crate::error::Result;
use crate::kernel::Scalar;
use crate::tensor_file::{NamedTensor, write};

/// Which of the five steps an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Step 1.
    Forward,
    /// Step 2.
    OutputError,
    /// Step 3.
    Backward,
    /// Step 4.
    Gradients,
    /// Step 5.
    Update,
}

/// What an event computes. In JSON its name, that of [`Computation::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Computation {
    /// A layer's forward pass up to z, or to a where it has no sigma: `affine` for z(l) = a(l-1) W(l)^T + b(l), for the other
    /// kinds the kind's name.
    Forward(&'static str),
    /// a(l) = sigma(z(l))
    Activation,
    /// The batch's loss.
    Loss,
    /// delta(L)
    OutputDelta,
    /// dLoss/da(l) from layer l+1: `carry_back` for delta(l+1) W(l+1), for the other kinds the kind's name.
    Backward(&'static str),
    /// delta(l) = dLoss/da(l) * sigma'(z(l))
    Delta,
    /// dW(l) = delta(l)^T a(l-1), db(l) = the column sums of delta(l), and what other kinds have for them.
    Gradients,
    /// The parameters after the optimizer's step.
    Update,
}

impl Computation {
    /// z(l) = a(l-1) W(l)^T + b(l)
    pub const AFFINE: Computation = Computation::Forward("affine");
    /// delta(l+1) W(l+1)
    pub const CARRY_BACK: Computation = Computation::Backward("carry_back");

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Computation::Forward(name) | Computation::Backward(name) => name,
            Computation::Activation => "activation",
            Computation::Loss => "loss",
            Computation::OutputDelta => "output_delta",
            Computation::Delta => "delta",
            Computation::Gradients => "gradients",
            Computation::Update => "update",
        }
    }
}

impl Serialize for Computation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One operation of the step.
#[derive(Clone, Debug, Serialize)]
#[serde(bound = "")]
pub struct TraceEvent<T: Scalar> {
    /// The event's place in the trace, from 0.
    pub id: usize,
    /// Which of the five steps.
    #[serde(rename = "phase")]
    pub stage: Stage,
    /// The layer, from 1.
    pub layer: usize,
    /// What is computed.
    pub operation: Computation,
    /// The values it reads.
    pub operands: Vec<ValueId>,
    /// The shape of the first output.
    pub shape: Vec<usize>,
    /// What is computed. With a delta come the slopes that it took, and with delta(L) what they were
    /// multiplied by; with what is computed for a weight comes the same for the layer's bias, if it has one.
    pub outputs: Vec<Value<T>>,
    /// Bytes of all values that exist after the event, when nothing is dropped: parameters, inputs,
    /// and what the events so far have computed.
    pub live_bytes: usize,
}

/// One step: what it starts from, and its events.
#[derive(Clone, Debug, Serialize)]
#[serde(bound = "")]
pub struct Trace<T: Scalar> {
    /// `a.0`, `target`, and `weight.l` and `bias.l` for each layer that has them.
    pub given: Vec<Value<T>>,
    /// The events, in order.
    pub events: Vec<TraceEvent<T>>,
}

impl<T: Scalar> Trace<T> {
    /// That value, if the step has it.
    ///
    /// ```
    /// # use chainrule::*;
    /// # let network = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Identity).build()?;
    /// # let parameters = network.initialize::<f64>(1);
    /// # let (inputs, wanted) = (Matrix::from_rows(&[[0.5, -1.0]]), Matrix::from_rows(&[[0.3]]));
    /// # let samples = Samples { inputs: inputs.view().into(), targets: Targets::from(&wanted), sample_weights: None };
    /// # let rule = Rule::from_name("sgd")?;
    /// # let trace = trace(&network, &parameters, &Loss::HalfSquaredError, samples, &rule, Mode::Inference)?;
    /// use chainrule::trace::Quantity;
    /// let delta = trace.value(Quantity::Delta.of(1)).unwrap();
    /// let slope = trace.value(Quantity::Slope.of(1)).unwrap();
    /// let error = trace.value(Quantity::Error.of(1)).unwrap();
    /// assert_eq!(delta.values[0], error.values[0] * slope.values[0]);
    /// assert_eq!(delta.id.to_string(), "delta.1");
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn value(&self, id: ValueId) -> Option<&Value<T>> {
        self.values().find(|value| value.id == id)
    }

    /// Every value: those given, then those computed.
    pub fn values(&self) -> impl Iterator<Item = &Value<T>> {
        self.given.iter().chain(self.events.iter().flat_map(|event| &event.outputs))
    }

    /// Writes every value as a tensor of its name into a safetensors file.
    ///
    /// # Errors
    /// When the system refuses.
    #[inline(never)]
    pub fn save_tensors(&self, path: &Path) -> Result<()> {
        let tensors = self.values().map(|value| NamedTensor {
            name: value.id.to_string(),
            shape: value.shape.clone(),
            values: Cow::Borrowed(&value.values),
        });
        write(path, tensors, None)
    }

    /// The loss before the update.
    pub fn loss(&self) -> f64 {
        self.value(ValueId::LOSS).map_or(f64::NAN, |value| value.values[0].as_f64())
    }
}
