//! The parameters before the first step.
//!
//! fan_in = n_(l-1), fan_out = n_l. Every rule but [`Initialization::PytorchLinear`] sets the biases to zero.

use crate::activation::{Activation, Family};
use crate::error::Result;
use crate::kernel::Scalar;
use crate::names::{find_by_name, written_by_name};
use crate::random::Random;

/// How weights are drawn.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(300).dense(200, Activation::Relu).build()?;
/// // By default the rule that suits the activation: for ReLU normal with variance 2 / 300.
/// let weights = network.initialize::<f64>(1).weight(1).to_vec();
/// let variance = weights.iter().map(|w| w * w).sum::<f64>() / weights.len() as f64;
/// assert!((variance * 300.0 / 2.0 - 1.0).abs() < 0.05);
/// let uniform = network.initialize_with::<f64>("lecun-uniform".parse()?, 1);
/// assert!(uniform.weight(1).iter().all(|w| w.abs() <= 0.1));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Initialization {
    /// Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
    GlorotUniform,
    /// Normal with variance 2 / (fan_in + fan_out).
    GlorotNormal,
    /// Uniform in ±sqrt(6 / fan_in) (He et al. 2015).
    HeUniform,
    /// Normal with variance 2 / fan_in.
    HeNormal,
    /// Uniform in ±sqrt(3 / fan_in) (LeCun et al. 1998).
    LecunUniform,
    /// Normal with variance 1 / fan_in.
    LecunNormal,
    /// PyTorch's default for `Linear`: weights and biases uniform in ±1 / sqrt(fan_in).
    PytorchLinear,
    /// Orthonormal rows or columns, whichever are fewer (Saxe et al. 2014).
    Orthogonal,
    /// All zero.
    Zeros,
    /// All the same number.
    Constant(f64),
}

written_by_name!(Initialization);

impl Initialization {
    /// The rules by name; [`Initialization::Constant`] has none.
    pub const NAMED: [(&'static str, Initialization); 9] = [
        ("glorot-uniform", Initialization::GlorotUniform),
        ("glorot-normal", Initialization::GlorotNormal),
        ("he-uniform", Initialization::HeUniform),
        ("he-normal", Initialization::HeNormal),
        ("lecun-uniform", Initialization::LecunUniform),
        ("lecun-normal", Initialization::LecunNormal),
        ("pytorch-linear", Initialization::PytorchLinear),
        ("orthogonal", Initialization::Orthogonal),
        ("zeros", Initialization::Zeros),
    ];

    /// The rule that keeps the signal's variance through this activation: He for ReLU and its relatives,
    /// LeCun for SELU, Glorot for the others.
    pub fn for_activation(activation: Activation) -> Self {
        match activation.family() {
            Family::Rectifier => Initialization::HeNormal,
            Family::SelfNormalizing => Initialization::LecunNormal,
            Family::LinearAtZero => Initialization::GlorotUniform,
        }
    }

    /// The rule's name; that of [`Initialization::Constant`] is no name to be read.
    pub fn name(&self) -> &'static str {
        let named = Self::NAMED.iter().find(|(_, rule)| rule == self);
        named.map_or("constant", |(name, _)| name)
    }

    /// The rule of that name; `-` and `_` are the same, and case does not matter.
    ///
    /// # Errors
    /// For an unknown name, with the list of all.
    pub fn from_name(name: &str) -> Result<Self> {
        let (_, rule) = find_by_name("initialization", name, Self::NAMED.into_iter(), |(known, _)| known)?;
        Ok(rule)
    }

    /// Fills a tensor of a layer with `fan_in` inputs and `fan_out` outputs with what it starts from.
    pub(crate) fn fill<T: Scalar>(
        self,
        start: Start,
        (fan_in, fan_out): (usize, usize),
        random: &mut Random,
        values: &mut [T],
    ) {
        match start {
            Start::Weight => self.fill_weight(fan_out, fan_in, random, values),
            Start::Bias if self == Initialization::PytorchLinear => {
                uniform(1.0 / (fan_in as f64).sqrt(), random, values);
            }
            Start::Bias => values.fill(T::zero()),
            Start::Constant(value) => values.fill(T::from_f64(value)),
            Start::Uniform(bound) => uniform(bound, random, values),
            Start::Normal(deviation) => normal(deviation, random, values),
        }
    }

    /// Fills a weight of shape [fan_out, fan_in].
    fn fill_weight<T: Scalar>(self, fan_out: usize, fan_in: usize, random: &mut Random, weight: &mut [T]) {
        let (n_in, n_out) = (fan_in as f64, fan_out as f64);
        match self {
            Initialization::GlorotUniform => uniform((6.0 / (n_in + n_out)).sqrt(), random, weight),
            Initialization::GlorotNormal => normal((2.0 / (n_in + n_out)).sqrt(), random, weight),
            Initialization::HeUniform => uniform((6.0 / n_in).sqrt(), random, weight),
            Initialization::HeNormal => normal((2.0 / n_in).sqrt(), random, weight),
            Initialization::LecunUniform => uniform((3.0 / n_in).sqrt(), random, weight),
            Initialization::LecunNormal => normal((1.0 / n_in).sqrt(), random, weight),
            Initialization::PytorchLinear => uniform(1.0 / n_in.sqrt(), random, weight),
            Initialization::Orthogonal => orthogonal(fan_out, fan_in, random, weight),
            Initialization::Zeros => weight.fill(T::zero()),
            Initialization::Constant(value) => weight.fill(T::from_f64(value)),
        }
    }
}

/// What a tensor of a layer starts from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    /// Drawn by the rule.
    Weight,
    /// What the rule has for biases.
    Bias,
    /// The same number everywhere, whatever the rule.
    Constant(f64),
    /// Uniform in ± this bound, whatever the rule.
    Uniform(f64),
    /// Normal with mean 0 and this standard deviation, whatever the rule.
    Normal(f64),
}

fn uniform<T: Scalar>(bound: f64, random: &mut Random, values: &mut [T]) {
    values.fill_with(|| T::from_f64(bound * (2.0 * random.uniform() - 1.0)));
}

fn normal<T: Scalar>(deviation: f64, random: &mut Random, values: &mut [T]) {
    values.fill_with(|| T::from_f64(deviation * random.normal()));
}

/// Normal vectors made orthonormal one after the other (Gram and Schmidt, each projection done twice,
/// which is enough for working precision: Giraud, Langou, Rozložník 2005).
fn orthogonal<T: Scalar>(rows: usize, columns: usize, random: &mut Random, weight: &mut [T]) {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    while vectors.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| random.normal()).collect();
        for _ in 0..2 {
            for other in &vectors {
                let along = dot(&vector, other);
                vector.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
            }
        }
        let norm = dot(&vector, &vector).sqrt();
        vector.iter_mut().for_each(|value| *value /= norm);
        vectors.push(vector);
    }
    for i in 0..rows {
        for j in 0..columns {
            let value = if rows <= columns { vectors[i][j] } else { vectors[j][i] };
            weight[i * columns + j] = T::from_f64(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::parameters::Parameters;

    fn drawn(rule: Initialization) -> Parameters<f64> {
        let network = Network::builder(300).dense(200, Activation::Tanh).build().unwrap();
        network.initialize_with(rule, 11)
    }

    #[test]
    fn variances_and_bounds_are_those_of_the_rules() {
        use Initialization::*;
        let (n_in, n_out) = (300.0, 200.0);
        let cases = [
            (GlorotUniform, 2.0 / (n_in + n_out), true),
            (GlorotNormal, 2.0 / (n_in + n_out), false),
            (HeUniform, 2.0 / n_in, true),
            (HeNormal, 2.0 / n_in, false),
            (LecunUniform, 1.0 / n_in, true),
            (LecunNormal, 1.0 / n_in, false),
            (PytorchLinear, 1.0 / (3.0 * n_in), true),
        ];
        for (rule, variance, bounded) in cases {
            let parameters = drawn(rule);
            let weight = parameters.weight(1);
            let n = weight.count() as f64;
            let measured = weight.iter().map(|w| w * w).sum::<f64>() / n;
            assert!((measured / variance - 1.0).abs() < 0.04, "{rule:?}: {measured} for {variance}");
            let mean = weight.iter().sum::<f64>() / n;
            assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{rule:?}");
            let largest = weight.iter().fold(0.0f64, |m, w| m.max(w.abs()));
            let bound = (3.0 * variance).sqrt();
            assert!(if bounded { largest <= bound && largest > 0.99 * bound } else { largest > bound });
            let bias_is_zero = parameters.bias(1).unwrap().iter().all(|b| b == 0.0);
            assert_eq!(bias_is_zero, rule != PytorchLinear);
        }
    }

    #[test]
    fn orthogonal_rows_or_columns_are_orthonormal() {
        for (n_in, n_out) in [(7, 5), (5, 7), (64, 64)] {
            let network = Network::builder(n_in).dense(n_out, Activation::Tanh).build().unwrap();
            let parameters = network.initialize_with::<f64>(Initialization::Orthogonal, 1);
            let w = parameters.weight(1);
            let (few, many) = (n_in.min(n_out), n_in.max(n_out));
            let at = |i: usize, k: usize| if n_out <= n_in { w.element(i, k) } else { w.element(k, i) };
            for i in 0..few {
                for j in 0..few {
                    let dot: f64 = (0..many).map(|k| at(i, k) * at(j, k)).sum();
                    assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn seeds_repeat_and_layers_differ() {
        let network =
            Network::builder(4).dense(4, Activation::Relu).dense(4, Activation::Relu).build().unwrap();
        let first = network.initialize::<f32>(1);
        assert_eq!(first, network.initialize::<f32>(1));
        assert_ne!(first, network.initialize::<f32>(2));
        assert_ne!(first.weight(1), first.weight(2));
        assert!(drawn(Initialization::Zeros).norm() == 0.0);
        assert!(drawn(Initialization::Constant(0.5)).weight(1).iter().all(|w| w == 0.5));
    }
}
