//! The five steps as plain f64 loops, straight from the formulas: the oracle for everything else.
//!
//! Nothing here is fast, shares code with the kernels or with [`crate::loss`], or avoids cancellation; use it
//! on moderate numbers. It can also make the classic mistakes on purpose, so that one can see which
//! checks notice.

use crate::activation::{Activation, Elementwise};
use crate::error::Result;
use crate::layer::LoopsContext;
use crate::loss::{Loss, Targets};
use crate::matrix::Matrix;
use crate::mode::Mode;
use crate::network::Network;
use crate::parameters::{Gradients, Parameters};
use crate::samples::Samples;

/// A classic mistake in backpropagation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mistake {
    /// W delta in the place of W^T delta: W's numbers are read as if they had the transposed shape.
    WeightNotTransposed,
    /// delta(l) without the factor sigma'(z(l)).
    NoActivationDerivative,
    /// dW(l) from a(l) in the place of a(l-1) (wrapped around where the widths differ).
    OwnActivation,
    /// W(l) is updated (with learning rate 0.1) before the error is carried back through it.
    UpdateBeforePropagating,
    /// The loss is a mean over the batch, but the gradients are sums.
    SumForMean,
}

impl Mistake {
    /// Every mistake.
    pub const ALL: [Mistake; 5] = [
        Mistake::WeightNotTransposed,
        Mistake::NoActivationDerivative,
        Mistake::OwnActivation,
        Mistake::UpdateBeforePropagating,
        Mistake::SumForMean,
    ];
}

/// Every value of one step. Index l is layer l; `z[0]` and `delta[0]` are empty.
#[derive(Clone, Debug)]
pub struct Values {
    /// The batch's loss.
    pub loss: f64,
    /// z(l), [B, n_l].
    pub z: Vec<Matrix<f64>>,
    /// a(l), [B, n_l]; a(0) is the input.
    pub a: Vec<Matrix<f64>>,
    /// delta(l), [B, n_l].
    pub delta: Vec<Matrix<f64>>,
    /// dW(l) and db(l).
    pub gradients: Gradients<f64>,
}

/// Steps 1 to 4, with a mistake if one is asked for.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Identity).build()?;
/// let parameters = network.initialize::<f64>(1);
/// let (inputs, wanted) = (Matrix::from_rows(&[[0.5, -1.0]]), Matrix::from_rows(&[[0.3]]));
/// let samples = Samples { inputs: inputs.view().into(), targets: Targets::from(&wanted), sample_weights: None };
/// let right = reference::compute(&network, &parameters, &Loss::HalfSquaredError, samples, Mode::Inference, None)?;
/// let mistake = Some(reference::Mistake::NoActivationDerivative);
/// let wrong = reference::compute(&network, &parameters, &Loss::HalfSquaredError, samples, Mode::Inference, mistake)?;
/// assert_eq!(right.loss, wrong.loss);
/// assert_ne!(right.delta[1], wrong.delta[1]);
/// # Ok::<(), chainrule::Error>(())
/// ```
///
/// # Errors
/// When shapes do not fit.
pub fn compute(
    network: &Network,
    parameters: &Parameters<f64>,
    loss: &Loss,
    samples: Samples<'_, f64>,
    mode: Mode,
    mistake: Option<Mistake>,
) -> Result<Values> {
    let Samples { inputs, targets, sample_weights } = samples;
    network.check_parameters(parameters)?;
    network.check_inputs(inputs.columns())?;
    let (batch, depth) = (inputs.rows(), network.depth());
    loss.check_targets(batch, network.output_width(), targets, sample_weights)?;
    let width = |l: usize| network.width(l);

    let tensors_of = |parameters: &Parameters<f64>, l: usize| -> Vec<Matrix<f64>> {
        let tensors = network.layer_tensors(l).iter();
        tensors.map(|tensor| parameters.tensor(tensor).to_matrix()).collect()
    };

    // 1. z(l) = a(l-1) W(l)^T + b(l), a(l) = sigma(z(l))
    let (mut z, mut a) = (vec![Matrix::default()], vec![inputs.to_matrix()]);
    for l in 1..=depth {
        let context = LoopsContext { tensors: &tensors_of(parameters, l), layer: l, mode };
        let z_l = network.layers()[l - 1].loops().pre_activation(&context, &a[l - 1]);
        let mut a_l = Matrix::zeros(batch, width(l));
        for i in 0..batch {
            for j in 0..width(l) {
                a_l[(i, j)] = match activation(network, l).elementwise() {
                    None => {
                        let sum: f64 = z_l.row(i).iter().map(|z| z.exp()).sum();
                        z_l[(i, j)].exp() / sum
                    }
                    Some(sigma) => sigma.value(z_l[(i, j)]),
                };
            }
        }
        z.push(z_l);
        a.push(a_l);
    }

    // 2. delta(L)
    let n = width(depth);
    let weight_of = |i: usize| {
        let class_weight = match (loss, targets) {
            (Loss::CrossEntropy { class_weights: Some(weights), .. }, Targets::Classes(classes)) => {
                weights[classes[i] as usize]
            }
            _ => 1.0,
        };
        (sample_weights.map_or(1.0, |s| s[i]), class_weight)
    };
    let total: f64 = (0..batch).map(|i| weight_of(i).0 * weight_of(i).1).sum();
    let mut value = 0.0;
    let mut delta = vec![Matrix::default(); depth + 1];
    delta[depth] = Matrix::zeros(batch, n);
    for i in 0..batch {
        let y: Vec<f64> = (0..n).map(|j| targets.row(i).at(j, n)).collect();
        let output = activation(network, depth);
        let (row_loss, error) = loss_and_derivative(loss, output, a[depth].row(i), &y);
        let s = weight_of(i).0;
        value += s * row_loss / total;
        for j in 0..n {
            let mean = if mistake == Some(Mistake::SumForMean) { 1.0 } else { total };
            let through: f64 = match output.elementwise() {
                None => (0..n)
                    .map(|k| {
                        let (a_j, a_k) = (a[depth][(i, j)], a[depth][(i, k)]);
                        error[k] * a_k * (f64::from(u8::from(j == k)) - a_j)
                    })
                    .sum(),
                Some(sigma) => error[j] * sigma.derivative(z[depth][(i, j)], a[depth][(i, j)]),
            };
            delta[depth][(i, j)] = s * through / mean;
        }
    }

    // 3. delta(l) = (delta(l+1) W(l+1)) * sigma'(z(l)), and 4. dW(l) = delta(l)^T a(l-1)
    let mut gradients = network.zeros::<f64>();
    for l in (1..=depth).rev() {
        let loops = network.layers()[l - 1].loops();
        let mut tensors = tensors_of(parameters, l);
        let input = match mistake {
            Some(Mistake::OwnActivation) => wrapped(&a[l], width(l - 1)),
            _ => a[l - 1].clone(),
        };
        let context = LoopsContext { tensors: &tensors, layer: l, mode };
        let found = loops.gradients(&context, &input, &delta[l]);
        for (tensor, gradient) in network.layer_tensors(l).iter().zip(&found) {
            gradients.set_tensor(tensor, gradient.as_slice()).expect("the gradient has the tensor's shape");
        }
        if l == 1 {
            break;
        }
        match mistake {
            Some(Mistake::UpdateBeforePropagating) => {
                for (tensor, gradient) in tensors.iter_mut().zip(&found) {
                    let numbers = tensor.as_mut_slice().iter_mut().zip(gradient.as_slice());
                    numbers.for_each(|(w, g)| *w -= 0.1 * g);
                }
            }
            Some(Mistake::WeightNotTransposed) => tensors = tensors.iter().map(read_as_transposed).collect(),
            _ => {}
        }
        let context = LoopsContext { tensors: &tensors, layer: l, mode };
        let mut before = loops.input_error(&context, &a[l - 1], &delta[l]);
        for i in 0..batch {
            for k in 0..width(l - 1) {
                let slope = match (mistake, function(network, l - 1)) {
                    (Some(Mistake::NoActivationDerivative), _) => 1.0,
                    (_, sigma) => sigma.derivative(z[l - 1][(i, k)], a[l - 1][(i, k)]),
                };
                before[(i, k)] *= slope;
            }
        }
        delta[l - 1] = before;
    }
    Ok(Values { loss: value, z, a, delta, gradients })
}

/// `columns` columns of a matrix, which start again from the first where there are no more.
fn wrapped(matrix: &Matrix<f64>, columns: usize) -> Matrix<f64> {
    let mut wrapped = Matrix::zeros(matrix.rows(), columns);
    for i in 0..matrix.rows() {
        for k in 0..columns {
            wrapped[(i, k)] = matrix[(i, k % matrix.columns())];
        }
    }
    wrapped
}

/// A matrix's numbers in their order, read as if it had the transposed shape.
fn read_as_transposed(matrix: &Matrix<f64>) -> Matrix<f64> {
    let mut read = matrix.clone();
    for j in 0..matrix.rows() {
        for k in 0..matrix.columns() {
            read[(j, k)] = matrix.as_slice()[k * matrix.rows() + j];
        }
    }
    read
}

fn activation(network: &Network, l: usize) -> Activation {
    network.layers()[l - 1].activation().unwrap_or(Activation::Identity)
}

/// A hidden layer's sigma.
fn function(network: &Network, l: usize) -> Elementwise {
    activation(network, l).elementwise().expect("no hidden layer has softmax")
}

/// l_i and dl_i/da, in the textbook's form.
fn loss_and_derivative(loss: &Loss, output: Activation, a: &[f64], y: &[f64]) -> (f64, Vec<f64>) {
    let n = a.len() as f64;
    let is_probability =
        matches!(output, Activation::Sigmoid | Activation::HardSigmoid | Activation::Softmax);
    let each = |f: &dyn Fn(f64, f64) -> (f64, f64)| {
        let pairs: Vec<(f64, f64)> = a.iter().zip(y).map(|(a, y)| f(*a, *y)).collect();
        (pairs.iter().map(|p| p.0).sum(), pairs.iter().map(|p| p.1).collect())
    };
    let step = |d: f64| {
        if d > 0.0 {
            1.0
        } else if d < 0.0 {
            -1.0
        } else {
            0.0
        }
    };
    match loss {
        Loss::HalfSquaredError => each(&|a, y| ((a - y).powi(2) / 2.0, a - y)),
        Loss::MeanSquaredError => each(&|a, y| ((a - y).powi(2) / n, 2.0 * (a - y) / n)),
        Loss::MeanAbsoluteError => each(&|a, y| ((a - y).abs() / n, step(a - y) / n)),
        Loss::Huber { delta } => each(&|a, y| {
            let d = a - y;
            let value = if d.abs() <= *delta { d * d / 2.0 } else { delta * (d.abs() - delta / 2.0) };
            (value / n, d.clamp(-delta, *delta) / n)
        }),
        Loss::Quantile { quantile: q } => each(&|a, y| {
            let value = (q * (y - a)).max((q - 1.0) * (y - a));
            let slope = match step(a - y) {
                0.0 => 0.0,
                side if side > 0.0 => 1.0 - q,
                _ => -q,
            };
            (value / n, slope / n)
        }),
        Loss::Poisson => each(&|a, y| ((a.exp() - y * a) / n, (a.exp() - y) / n)),
        Loss::BinaryCrossEntropy => each(&|a, y| {
            let log = |p: f64| p.ln().max(-100.0);
            if is_probability {
                (-(y * log(a) + (1.0 - y) * log(1.0 - a)), (a - y) / (a * (1.0 - a)).max(1e-12))
            } else {
                let p = 1.0 / (1.0 + (-a).exp());
                (-(y * p.ln() + (1.0 - y) * (1.0 - p).ln()), p - y)
            }
        }),
        Loss::CrossEntropy { label_smoothing, class_weights } => {
            let q: Vec<f64> = (0..a.len())
                .map(|k| {
                    let weight = class_weights.as_ref().map_or(1.0, |w| w[k]);
                    weight * ((1.0 - label_smoothing) * y[k] + label_smoothing / n)
                })
                .collect();
            if is_probability {
                let pairs = a.iter().zip(&q);
                let loss = pairs.clone().map(|(a, q)| -q * a.ln().max(-100.0)).sum();
                (loss, pairs.map(|(a, q)| -q / a.max(1e-12)).collect())
            } else {
                let sum: f64 = a.iter().map(|a| a.exp()).sum();
                let total: f64 = q.iter().sum();
                let loss = a.iter().zip(&q).map(|(a, q)| -q * (a.exp() / sum).ln()).sum();
                (loss, a.iter().zip(&q).map(|(a, q)| a.exp() / sum * total - q).collect())
            }
        }
    }
}
