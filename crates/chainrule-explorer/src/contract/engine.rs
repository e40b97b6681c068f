//! The engine's types in the contract: here described as their JSON is, since the engine knows nothing of the page.

use std::path::PathBuf;

use chainrule::trace;
use serde::Serialize;
use serde_json::Value;
use ts_rs::{Config, TS, TypeVisitor};

/// Which of the five steps an event belongs to.
#[derive(Serialize, TS)]
#[serde(remote = "trace::Phase", rename_all = "snake_case")]
pub(crate) enum Phase {
    Forward,
    OutputError,
    Backward,
    Gradients,
    Update,
}

/// What an event computes.
#[derive(Serialize, TS)]
#[serde(remote = "trace::Operation", rename_all = "snake_case")]
pub(crate) enum Operation {
    Affine,
    Activation,
    /// In no trace of the explorer, which traces without dropout.
    #[ts(skip)]
    Dropout,
    Loss,
    OutputDelta,
    CarryBack,
    Delta,
    Gradients,
    Update,
}

/// A loss with its parameters.
#[derive(Serialize, TS)]
#[serde(remote = "chainrule::Loss", rename_all = "snake_case")]
pub(crate) enum Loss {
    HalfSquaredError,
    MeanSquaredError,
    MeanAbsoluteError,
    Huber { delta: f64 },
    BinaryCrossEntropy,
    CrossEntropy { label_smoothing: f64, class_weights: Option<Vec<f64>> },
    Poisson,
    Quantile { quantile: f64 },
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
    use chainrule::trace::{Operation as O, Phase as P};
    use serde_json::value::Serializer;

    for phase in [P::Forward, P::OutputError, P::Backward, P::Gradients, P::Update] {
        assert_eq!(Phase::serialize(&phase, Serializer).unwrap(), serde_json::to_value(phase).unwrap());
    }
    let operations = [
        O::Affine,
        O::Activation,
        O::Dropout,
        O::Loss,
        O::OutputDelta,
        O::CarryBack,
        O::Delta,
        O::Gradients,
        O::Update,
    ];
    for operation in operations {
        let described = Operation::serialize(&operation, Serializer).unwrap();
        assert_eq!(described, serde_json::to_value(operation).unwrap());
    }
    let weighted = chainrule::Loss::CrossEntropy { label_smoothing: 0.1, class_weights: Some(vec![1.0]) };
    for loss in chainrule::Loss::all().into_iter().chain([weighted]) {
        assert_eq!(Loss::serialize(&loss, Serializer).unwrap(), serde_json::to_value(loss).unwrap());
    }
}
