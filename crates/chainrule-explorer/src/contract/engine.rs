//! The engine's types in the contract: here described as their JSON is, since the engine knows nothing of the page.

use std::path::PathBuf;

use chainrule::trace;
use serde::Serialize;
use serde_json::Value;
use ts_rs::{Config, TS, TypeVisitor};

/// Which of the five steps an event belongs to.
#[derive(Serialize, TS)]
#[serde(remote = "trace::Stage", rename_all = "snake_case")]
pub(crate) enum Phase {
    Forward,
    OutputError,
    Backward,
    Gradients,
    Update,
}

/// What a value is: the page has a colour for each.
#[derive(Serialize, TS)]
#[serde(remote = "trace::Quantity", rename_all = "snake_case")]
pub(crate) enum Kind {
    Activation,
    Target,
    Weight,
    Bias,
    PreActivation,
    Loss,
    Error,
    Slope,
    Delta,
    WeightGradient,
    BiasGradient,
    UpdatedWeight,
    UpdatedBias,
}

/// What an event computes: one of these, or the name of another kind of layer.
pub(crate) struct Operation;

const OPERATIONS: [trace::Computation; 8] = [
    trace::Computation::AFFINE,
    trace::Computation::Activation,
    trace::Computation::Loss,
    trace::Computation::OutputDelta,
    trace::Computation::CARRY_BACK,
    trace::Computation::Delta,
    trace::Computation::Gradients,
    trace::Computation::Update,
];

impl TS for Operation {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn docs() -> Option<String> {
        Some("/** What an event computes: one of these, or the name of another kind of layer. */".to_owned())
    }

    fn name(_: &Config) -> String {
        "Operation".to_owned()
    }

    fn inline(_: &Config) -> String {
        let names = OPERATIONS.map(|operation| format!("{:?}", operation.name()));
        format!("{} | (string & {{}})", names.join(" | "))
    }

    fn decl(config: &Config) -> String {
        format!("type Operation = {};", Self::inline(config))
    }

    fn output_path() -> Option<PathBuf> {
        Some("Operation.ts".into())
    }
}

/// A loss with its parameters: the engine's own list of them.
pub(crate) struct Loss;

impl TS for Loss {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn docs() -> Option<String> {
        Some("/** A loss with its parameters. */".to_owned())
    }

    fn name(_: &Config) -> String {
        "Loss".to_owned()
    }

    fn inline(_: &Config) -> String {
        let shapes =
            chainrule::Loss::all().into_iter().map(|loss| shape(&serde_json::to_value(loss).unwrap()));
        shapes.collect::<Vec<_>>().join(" | ")
    }

    fn decl(config: &Config) -> String {
        format!("type Loss = {};", Self::inline(config))
    }

    fn output_path() -> Option<PathBuf> {
        Some("Loss.ts".into())
    }
}

/// An activation with its parameters: the engine's own list of them.
pub(crate) struct Activation;

impl TS for Activation {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn docs() -> Option<String> {
        Some("/** An activation with its parameters. */".to_owned())
    }

    fn name(_: &Config) -> String {
        "Activation".to_owned()
    }

    fn inline(_: &Config) -> String {
        let shapes = chainrule::Activation::ALL.iter().map(|activation| {
            let json = serde_json::to_value(activation).unwrap();
            shape(&json)
        });
        shapes.collect::<Vec<_>>().join(" | ")
    }

    fn decl(config: &Config) -> String {
        format!("type Activation = {};", Self::inline(config))
    }

    fn output_path() -> Option<PathBuf> {
        Some("Activation.ts".into())
    }
}

/// What a word, or an object of numbers and such objects, is one of.
fn shape(json: &Value) -> String {
    match json {
        Value::Number(_) => "number".to_owned(),
        // A list that is left out: the weights of classes.
        Value::Null => "number[] | null".to_owned(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}: {}", shape(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        word => word.to_string(),
    }
}

/// An operation, or "given" for none.
pub(crate) struct OperationOrGiven;

impl TS for OperationOrGiven {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name(config: &Config) -> String {
        format!("{} | \"given\"", Operation::name(config))
    }

    fn inline(config: &Config) -> String {
        Self::name(config)
    }

    fn visit_dependencies(visitor: &mut impl TypeVisitor) {
        visitor.visit::<Operation>();
    }
}

#[test]
fn what_is_described_is_what_the_engine_writes() {
    use chainrule::trace::{Quantity, Stage as S};
    use serde_json::value::Serializer;

    for stage in [S::Forward, S::OutputError, S::Backward, S::Gradients, S::Update] {
        assert_eq!(Phase::serialize(&stage, Serializer).unwrap(), serde_json::to_value(stage).unwrap());
    }
    for &quantity in Quantity::ALL {
        assert_eq!(Kind::serialize(&quantity, Serializer).unwrap(), serde_json::to_value(quantity).unwrap());
    }
    for operation in OPERATIONS {
        assert_eq!(serde_json::to_value(operation).unwrap(), operation.name());
    }
}
