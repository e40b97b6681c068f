//! The values of a trace, and how they are called.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::kernel::Scalar;

macro_rules! quantities {
    ($($(#[$doc:meta])* $quantity:ident $name:literal,)*) => {
        /// What a value of a trace is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Quantity {
            $($(#[$doc])* $quantity,)*
        }

        impl Quantity {
            /// Every quantity.
            pub const ALL: &[Quantity] = &[$(Quantity::$quantity,)*];

            /// How it is written in front of a layer's number.
            pub fn name(self) -> &'static str {
                match self { $(Quantity::$quantity => $name,)* }
            }
        }
    };
}

quantities! {
    /// a(l), [B, n_l]; a(0) is the input.
    Activation "a",
    /// What the output should be, [B, n_L] or \[B\].
    Target "target",
    /// W(l), or a layer's first tensor of parameters.
    Weight "weight",
    /// b(l), or a layer's second tensor of parameters.
    Bias "bias",
    /// z(l), [B, n_l].
    PreActivation "z",
    /// The batch's loss, a number.
    Loss "loss",
    /// dLoss/da(l), [B, n_l].
    Error "error",
    /// sigma'(z(l)), [B, n_l].
    Slope "slope",
    /// delta(l) = dLoss/dz(l), [B, n_l].
    Delta "delta",
    /// dLoss/dW(l).
    WeightGradient "weight_gradient",
    /// dLoss/db(l).
    BiasGradient "bias_gradient",
    /// W(l) after the update.
    UpdatedWeight "updated_weight",
    /// b(l) after the update.
    UpdatedBias "updated_bias",
}

impl Quantity {
    /// Whether there is one for the whole step, and not one for each layer.
    pub fn is_of_step(self) -> bool {
        matches!(self, Quantity::Target | Quantity::Loss)
    }

    /// That of layer `layer`.
    pub fn of(self, layer: usize) -> ValueId {
        ValueId { quantity: self, layer }
    }
}

/// Which value of a step: a quantity and a layer. Written as `z.3`, `weight_gradient.1`, `loss`.
///
/// ```
/// use chainrule::trace::{Quantity, ValueId};
/// let id = Quantity::PreActivation.of(3);
/// assert_eq!(id.to_string(), "z.3");
/// assert_eq!("z.3".parse::<ValueId>()?, id);
/// assert!("z".parse::<ValueId>().unwrap_err().to_string().contains("weight_gradient"));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId {
    /// What it is.
    pub quantity: Quantity,
    /// The layer, from 1; 0 for the inputs, and for what is of the whole step.
    pub layer: usize,
}

impl ValueId {
    /// The batch's loss.
    pub const LOSS: ValueId = ValueId { quantity: Quantity::Loss, layer: 0 };
    /// What the output should be.
    pub const TARGET: ValueId = ValueId { quantity: Quantity::Target, layer: 0 };
}

impl fmt::Display for ValueId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.quantity.name())?;
        if self.quantity.is_of_step() { Ok(()) } else { write!(out, ".{}", self.layer) }
    }
}

impl FromStr for ValueId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, layer) = match text.split_once('.') {
            Some((name, layer)) => (name, layer.parse().ok()),
            None => (text, Some(0)),
        };
        let quantity = Quantity::ALL.iter().copied().find(|quantity| quantity.name() == name);
        match (quantity, layer) {
            (Some(quantity), Some(layer)) if quantity.is_of_step() != text.contains('.') => {
                Ok(ValueId { quantity, layer })
            }
            _ => {
                let per_layer = Quantity::ALL.iter().filter(|quantity| !quantity.is_of_step());
                let names: Vec<_> = per_layer.map(|quantity| quantity.name()).collect();
                let known =
                    format!("target, loss, and with a layer's number, as in z.1: {}", names.join(", "));
                Err(Error::UnknownName {
                    kind: "value of a step",
                    name: text.chars().take(40).collect(),
                    known,
                })
            }
        }
    }
}

impl Serialize for ValueId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ValueId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A matrix, vector or number of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(bound = "")]
pub struct Value<T: Scalar> {
    /// Which.
    #[serde(rename = "name")]
    pub id: ValueId,
    /// `[rows, columns]`, `[length]`, or `[]` for one number.
    pub shape: Vec<usize>,
    /// The numbers, row by row. In JSON, NaN and infinities are strings.
    #[serde(serialize_with = "numbers")]
    pub values: Vec<T>,
}

fn numbers<T: Scalar, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        match value.as_f64() {
            finite if finite.is_finite() && T::NAME == "F64" => sequence.serialize_element(&finite)?,
            finite if finite.is_finite() => sequence.serialize_element(&(finite as f32))?,
            nan if nan.is_nan() => sequence.serialize_element("NaN")?,
            infinite if infinite > 0.0 => sequence.serialize_element("Infinity")?,
            _ => sequence.serialize_element("-Infinity")?,
        }
    }
    sequence.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_nothing_else_is_one() {
        for &quantity in Quantity::ALL {
            let id = quantity.of(if quantity.is_of_step() { 0 } else { 12 });
            assert_eq!(id.to_string().parse::<ValueId>().unwrap(), id);
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<ValueId>(&json).unwrap(), id);
        }
        for bad in ["", ".", "z", "z.", "z.x", "z.-1", "loss.1", "target.0", "Z.1", "zz.1", "z.1.2"] {
            assert!(bad.parse::<ValueId>().is_err(), "{bad}");
        }
    }
}
