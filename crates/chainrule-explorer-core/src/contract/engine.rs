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

/// A type of the contract whose alternatives the engine lists: its description, its name and the alternatives.
macro_rules! listed_by_the_engine {
    ($description:literal, $name:ident, $alternatives:expr) => {
        #[doc = $description]
        pub(crate) struct $name;

        impl TS for $name {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn docs() -> Option<String> {
                Some(format!("/** {} */", $description))
            }

            fn name(_: &Config) -> String {
                stringify!($name).to_owned()
            }

            fn inline(_: &Config) -> String {
                let alternatives: Vec<String> = $alternatives;
                alternatives.join(" | ")
            }

            fn decl(config: &Config) -> String {
                format!("type {} = {};", stringify!($name), Self::inline(config))
            }

            fn output_path() -> Option<PathBuf> {
                Some(concat!(stringify!($name), ".ts").into())
            }
        }
    };
}

listed_by_the_engine!(
    "What a value is: the page has a colour for each. A layer's tensors beyond weight and bias go by their numbers.",
    Kind,
    kinds()
);
listed_by_the_engine!(
    "What an event computes: one of these, or the name of another kind of layer.",
    Operation,
    OPERATIONS
        .iter()
        .map(|operation| format!("{:?}", operation.name()))
        .chain(["(string & {})".to_owned()])
        .collect()
);
listed_by_the_engine!(
    "A loss with its parameters.",
    Loss,
    chainrule::Loss::all().iter().map(|loss| shape(&serde_json::to_value(loss).unwrap())).collect()
);
listed_by_the_engine!(
    "An activation with its parameters.",
    Activation,
    chainrule::Activation::ALL
        .iter()
        .map(|activation| shape(&serde_json::to_value(activation).unwrap()))
        .collect()
);

fn kinds() -> Vec<String> {
    use trace::Quantity;
    let of_number = |n| [Quantity::Parameter(n), Quantity::Gradient(n), Quantity::Updated(n)];
    let tensors = (0..3).flat_map(of_number);
    let word = |quantity| serde_json::to_value(quantity).unwrap().to_string();
    let of_any_number = |word: String| match word.contains('2') {
        true => word.replace('"', "`").replace('2', "${number}"),
        false => word,
    };
    Quantity::OTHERS.iter().copied().chain(tensors).map(word).map(of_any_number).collect()
}

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
    use chainrule::trace::Stage as S;
    use serde_json::value::Serializer;

    for stage in [S::Forward, S::OutputError, S::Backward, S::Gradients, S::Update] {
        assert_eq!(Phase::serialize(&stage, Serializer).unwrap(), serde_json::to_value(stage).unwrap());
    }
    for operation in OPERATIONS {
        assert_eq!(serde_json::to_value(operation).unwrap(), operation.name());
    }
}
