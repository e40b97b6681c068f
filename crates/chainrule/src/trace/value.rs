//! The values of a trace, and how they are called.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::quantity::{Quantity, unknown};
use crate::error::{Error, Result};
use crate::kernel::Scalar;

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

impl Quantity {
    /// That of layer `layer`.
    pub fn of(self, layer: usize) -> ValueId {
        ValueId { quantity: self, layer }
    }
}

impl ValueId {
    /// The batch's loss.
    pub const LOSS: ValueId = ValueId { quantity: Quantity::Loss, layer: 0 };
    /// What the output should be.
    pub const TARGET: ValueId = ValueId { quantity: Quantity::Target, layer: 0 };
}

impl fmt::Display for ValueId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.quantity.fmt(out)?;
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
        match (name.parse::<Quantity>(), layer) {
            (Ok(quantity), Some(layer)) if quantity.is_of_step() != text.contains('.') => {
                Ok(ValueId { quantity, layer })
            }
            _ => Err(unknown(text)),
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
        let of_number = |n| [Quantity::Parameter(n), Quantity::Gradient(n), Quantity::Updated(n)];
        let tensors = [0, 1, 2, 10].into_iter().flat_map(of_number);
        let mut names = std::collections::BTreeSet::new();
        for quantity in Quantity::OTHERS.iter().copied().chain(tensors) {
            let id = quantity.of(if quantity.is_of_step() { 0 } else { 12 });
            assert_eq!(id.to_string().parse::<ValueId>().unwrap(), id);
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<ValueId>(&json).unwrap(), id);
            assert!(names.insert(id.to_string()) && names.insert(serde_json::to_string(&quantity).unwrap()));
        }
        let unknown = ". z z. z.x z.-1 loss.1 target.0 Z.1 zz.1 z.1.2 parameter_0.1 parameter_1.1 parameter_02.1 parameter_+2.1 \
                       parameter_.1 updated_parameter_2_gradient.1 updated_z.1 a_gradient.1";
        for bad in unknown.split(' ').chain([""]) {
            assert!(bad.parse::<ValueId>().is_err(), "{bad}");
        }
    }
}
