//! Activations: a = sigma(z), and sigma'(z) for the backward pass. One file each.
//!
//! All but softmax are functions of one number, and any layer can have them: [`Elementwise`]. Softmax is a function
//! of a row, and only the last layer can have it. A new activation is a new file that implements `Function`, and
//! one line in the list below.

mod elu;
mod function;
mod gelu;
mod gelu_tanh;
mod hard_sigmoid;
mod identity;
mod leaky_relu;
mod mish;
mod output;
mod relu;
mod selu;
mod sigmoid;
mod silu;
mod softmax;
mod softplus;
mod tanh;
#[cfg(test)]
mod tests;

use function::{Facts, Function};
use serde::{Deserialize, Serialize};

pub use elu::Elu;
pub(crate) use function::Family;
pub use gelu::Gelu;
pub use gelu_tanh::GeluTanh;
pub use hard_sigmoid::HardSigmoid;
pub use identity::Identity;
pub use leaky_relu::LeakyRelu;
pub use mish::Mish;
pub(crate) use output::OutputActivation;
pub use relu::Relu;
pub use selu::Selu;
pub use sigmoid::Sigmoid;
pub use silu::Silu;
pub use softmax::softmax_parts;
pub(crate) use softmax::{largest, log_sum_exp, softmax_rows, sum};
pub use softplus::Softplus;
pub use tanh::Tanh;

use crate::error::Result;
use crate::kernel::Scalar;
use crate::names::{find_by_name, written_by_name};

macro_rules! activations {
    ($($name:ident $({ $($field:ident),+ })? = $formula:literal,)*) => {
        /// What a layer does to each z, as model files say it and as a network is built with.
        ///
        /// In model files an activation is its name, or an object with its name and its parameters:
        /// `"relu"`, `{"leaky_relu": {"negative_slope": 0.01}}`. As text ([`Display`](std::fmt::Display), [`FromStr`](std::str::FromStr)) it is
        /// its name, which leaves parameters at their defaults when it is read.
        ///
        /// ```
        /// use chainrule::Activation;
        ///
        /// assert_eq!("leaky-ReLU".parse::<Activation>()?, Activation::LeakyRelu { negative_slope: 0.01 });
        /// assert_eq!(Activation::GeluTanh.to_string(), "gelu_tanh");
        /// # Ok::<(), chainrule::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        #[non_exhaustive]
        pub enum Activation {
            $(
                #[doc = concat!($formula, ": [`", stringify!($name), "`](struct@", stringify!($name), ").")]
                $name $({
                    $(
                        #[doc = concat!("As in [`", stringify!($name), "`](struct@", stringify!($name), ").")]
                        $field: f64
                    ),+
                })?,
            )*
            /// exp(z_i) / sum_j exp(z_j), over each row: the probabilities of classes that exclude each other. Its
            /// derivative is a matrix, a_i ([i = j] - a_j). For the output layer only.
            ///
            /// ```
            /// use chainrule::{Activation, Matrix, Mode, Network, forward};
            ///
            /// let network = Network::builder(2).dense(3, Activation::Softmax).build()?;
            /// let input = Matrix::from_rows(&[[0.5, -1.0]]);
            /// let cache = forward(&network, &network.initialize::<f64>(1), input.view(), Mode::Inference)?;
            /// assert!((cache.output().row(0).iter().sum::<f64>() - 1.0).abs() < 1e-15);
            /// # Ok::<(), chainrule::Error>(())
            /// ```
            Softmax,
        }

        /// An activation that is a function of one number: every one but softmax.
        ///
        /// ```
        /// use chainrule::Activation;
        ///
        /// let sigma = Activation::LeakyRelu { negative_slope: 0.5 }.elementwise().expect("it is not softmax");
        /// assert_eq!((sigma.value(-3.0), sigma.derivative(-3.0, -1.5)), (-1.5, 0.5));
        /// assert_eq!(Activation::Softmax.elementwise(), None);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Elementwise {
            $(#[doc = concat!($formula, ".")] $name($name),)*
        }

        impl Activation {
            /// Every activation, with default parameters.
            pub const ALL: &[Activation] = &[
                $(Activation::$name $({ $($field: <$name as Function>::DEFAULT.$field),+ })?,)*
                Activation::Softmax,
            ];

            /// sigma, where it is a function of one number; none for softmax.
            pub fn elementwise(&self) -> Option<Elementwise> {
                match *self {
                    $(Activation::$name $({ $($field),+ })? => {
                        Some(Elementwise::$name($name $({ $($field),+ })?))
                    })*
                    Activation::Softmax => None,
                }
            }

            /// a in symbols.
            pub fn formula(&self) -> &'static str {
                match self {
                    $(Activation::$name $({ $($field: _),+ })? => $formula,)*
                    Activation::Softmax => "exp(z_i) / sum_j exp(z_j)",
                }
            }

            fn facts(&self) -> &'static Facts {
                match self {
                    $(Activation::$name $({ $($field: _),+ })? => &<$name as Function>::FACTS,)*
                    Activation::Softmax => &softmax::FACTS,
                }
            }
        }

        impl Elementwise {
            /// sigma(z).
            #[inline(never)]
            pub fn value<T: Scalar>(&self, z: T) -> T {
                match *self { $(Elementwise::$name(sigma) => sigma.value(z),)* }
            }

            /// sigma'(z), where a = sigma(z). At a kink it is that of the flatter side.
            #[inline(never)]
            pub fn derivative<T: Scalar>(&self, z: T, a: T) -> T {
                match *self { $(Elementwise::$name(sigma) => sigma.derivative(z, a),)* }
            }

            fn facts(&self) -> &'static Facts {
                match self { $(Elementwise::$name(_) => &<$name as Function>::FACTS,)* }
            }

            fn check(&self) -> Result<()> {
                match *self { $(Elementwise::$name(sigma) => sigma.check(),)* }
            }

            /// Replaces each z by sigma(z).
            pub(crate) fn apply_in_place<T: Scalar>(&self, values: &mut [T]) {
                match *self {
                    Elementwise::Identity(_) => {}
                    #[allow(unreachable_patterns)]
                    $(Elementwise::$name(sigma) => function::apply_in_place(sigma, values),)*
                }
            }

            /// Turns dLoss/da into delta = dLoss/da * sigma'(z), and what was kept of the layer into a: it is a where
            /// sigma' comes from a, and z elsewhere. Both in place.
            pub(crate) fn turn_error_into_delta<T: Scalar>(&self, kept: &mut [T], error: &mut [T]) {
                if self.facts().derivative_from_activation {
                    return self.multiply_by_derivative(&[], kept, error);
                }
                match *self {
                    $(Elementwise::$name(sigma) => function::turn_error_into_delta(sigma, kept, error),)*
                }
            }

            /// Multiplies dLoss/da by sigma'(z), in place: the result is delta. `z` may be empty where
            /// the derivative comes from a.
            pub(crate) fn multiply_by_derivative<T: Scalar>(&self, z: &[T], a: &[T], error: &mut [T]) {
                match *self {
                    Elementwise::Identity(_) => {}
                    #[allow(unreachable_patterns)]
                    $(Elementwise::$name(sigma) => function::multiply_by_derivative(sigma, z, a, error),)*
                }
            }
        }
    };
}

activations! {
    Identity = "z",
    Relu = "max(z, 0)",
    LeakyRelu { negative_slope } = "z where z > 0, else negative_slope z",
    Elu { alpha } = "z where z > 0, else alpha (exp(z) - 1)",
    Selu = "scale z where z > 0, else scale alpha (exp(z) - 1)",
    Sigmoid = "1 / (1 + exp(-z))",
    Tanh = "(exp(z) - exp(-z)) / (exp(z) + exp(-z))",
    Softplus = "log(1 + exp(z))",
    Gelu = "z Phi(z)",
    GeluTanh = "z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3)))",
    Silu = "z / (1 + exp(-z))",
    Mish = "z tanh(log(1 + exp(z)))",
    HardSigmoid = "z/6 + 1/2, cut off at 0 and 1",
}

impl Activation {
    /// The name in model files.
    pub fn name(&self) -> &'static str {
        self.facts().name
    }

    /// The activation of that name with default parameters; `-` and `_` are the same, and case does not matter.
    ///
    /// # Errors
    /// For an unknown name, with the list of all.
    pub fn from_name(name: &str) -> Result<Self> {
        find_by_name("activation", name, Activation::ALL.iter().copied(), Activation::name)
    }

    /// Whether sigma'(z) can be computed from a = sigma(z) alone, so that z need not be kept.
    pub fn derivative_from_activation(&self) -> bool {
        self.facts().derivative_from_activation
    }

    /// The points z where sigma' jumps.
    pub fn kinks(&self) -> &'static [f64] {
        self.facts().kinks
    }

    /// Whether the values can be read as probabilities, as the losses for classes do.
    pub fn yields_probabilities(&self) -> bool {
        self.facts().yields_probabilities
    }

    /// What it does to the variance of its input.
    pub(crate) fn family(&self) -> Family {
        self.facts().family
    }

    /// Checks the parameters' ranges.
    pub(crate) fn check(&self) -> Result<()> {
        self.elementwise().map_or(Ok(()), |sigma| sigma.check())
    }
}

written_by_name!(Activation);
