//! What a value of a trace is, and how it is called.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

/// What a value of a trace is. Written as in [`ValueId`](super::ValueId): `a`, `z`, `weight_gradient`.
///
/// A layer's tensors of parameters go by the order in which its kind has them: the first two are called weight and bias, the
/// others `parameter_2`, `parameter_3` and so on.
///
/// ```
/// use chainrule::trace::Quantity;
/// assert_eq!(Quantity::Gradient(1), Quantity::BIAS_GRADIENT);
/// assert_eq!(Quantity::Gradient(1).to_string(), "bias_gradient");
/// assert_eq!("updated_parameter_2".parse::<Quantity>()?, Quantity::Updated(2));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// a(l), [B, n_l]; a(0) is the input.
    Activation,
    /// What the output should be, [B, n_L] or \[B\].
    Target,
    /// A layer's tensor of parameters, by its number in the layer.
    Parameter(usize),
    /// z(l), [B, n_l].
    PreActivation,
    /// The batch's loss, a number.
    Loss,
    /// dLoss/da(l), [B, n_l].
    Error,
    /// sigma'(z(l)), [B, n_l].
    Slope,
    /// delta(l) = dLoss/dz(l), [B, n_l].
    Delta,
    /// dLoss by that tensor of parameters, in its shape.
    Gradient(usize),
    /// That tensor of parameters after the update.
    Updated(usize),
}

impl Quantity {
    /// W(l), or a layer's first tensor of parameters.
    pub const WEIGHT: Quantity = Quantity::Parameter(0);
    /// b(l), or a layer's second tensor of parameters.
    pub const BIAS: Quantity = Quantity::Parameter(1);
    /// dLoss/dW(l).
    pub const WEIGHT_GRADIENT: Quantity = Quantity::Gradient(0);
    /// dLoss/db(l).
    pub const BIAS_GRADIENT: Quantity = Quantity::Gradient(1);
    /// W(l) after the update.
    pub const UPDATED_WEIGHT: Quantity = Quantity::Updated(0);
    /// b(l) after the update.
    pub const UPDATED_BIAS: Quantity = Quantity::Updated(1);

    /// Whether there is one for the whole step, and not one for each layer.
    pub fn is_of_step(self) -> bool {
        matches!(self, Quantity::Target | Quantity::Loss)
    }
}

macro_rules! others {
    ($($quantity:ident $name:literal $in_full:literal,)*) => {
        impl Quantity {
            /// Those that are no tensors of parameters.
            pub const OTHERS: &[Quantity] = &[$(Quantity::$quantity,)*];

            /// The name in a value's, and the name in full; none for tensors of parameters.
            fn words(self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Quantity::$quantity => Some(($name, $in_full)),)*
                    Quantity::Parameter(_) | Quantity::Gradient(_) | Quantity::Updated(_) => None,
                }
            }
        }
    };
}

others! {
    Activation "a" "activation",
    Target "target" "target",
    PreActivation "z" "pre_activation",
    Loss "loss" "loss",
    Error "error" "error",
    Slope "slope" "slope",
    Delta "delta" "delta",
}

/// The name of a layer's tensor of parameters.
struct TensorName(usize);

impl fmt::Display for TensorName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => out.write_str("weight"),
            1 => out.write_str("bias"),
            number => write!(out, "parameter_{number}"),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Quantity::Parameter(number) => write!(out, "{}", TensorName(number)),
            Quantity::Gradient(number) => write!(out, "{}_gradient", TensorName(number)),
            Quantity::Updated(number) => write!(out, "updated_{}", TensorName(number)),
            other => out.write_str(other.words().map_or("", |(name, _)| name)),
        }
    }
}

/// The number of the tensor of that name.
fn tensor_number(name: &str) -> Option<usize> {
    match name {
        "weight" => Some(0),
        "bias" => Some(1),
        _ => {
            let number = name.strip_prefix("parameter_")?.parse().ok().filter(|number| *number > 1)?;
            // Not "+2" or "02".
            (TensorName(number).to_string() == name).then_some(number)
        }
    }
}

impl FromStr for Quantity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_called = |other: &Quantity| other.words().is_some_and(|(name, _)| name == text);
        let other = Self::OTHERS.iter().copied().find(is_called);
        let gradient = || text.strip_suffix("_gradient").and_then(tensor_number).map(Quantity::Gradient);
        let updated = || text.strip_prefix("updated_").and_then(tensor_number).map(Quantity::Updated);
        let parameter = || tensor_number(text).map(Quantity::Parameter);
        other.or_else(parameter).or_else(gradient).or_else(updated).ok_or_else(|| unknown(text))
    }
}

/// The error for a name that no value has.
pub(super) fn unknown(text: &str) -> Error {
    let others = Quantity::OTHERS.iter().filter(|other| !other.is_of_step()).copied();
    let tensors = (0..2).flat_map(|n| [Quantity::Parameter(n), Quantity::Gradient(n), Quantity::Updated(n)]);
    let names: Vec<_> = others.chain(tensors).map(|quantity| quantity.to_string()).collect();
    let known = format!(
        "target, loss, and with a layer's number, as in z.1: {}; parameter_2 and so on in place of weight where a layer has \
         more tensors than a weight and a bias",
        names.join(", ")
    );
    Error::UnknownName { kind: "value of a step", name: text.chars().take(40).collect(), known }
}

/// In full: `activation` and `pre_activation` in place of `a` and `z`.
impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.words() {
            Some((_, in_full)) => serializer.serialize_str(in_full),
            None => serializer.collect_str(self),
        }
    }
}
