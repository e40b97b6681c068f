//! The quiz and the sabotage beside the textbook's formulas as plain loops, which share nothing with the engine.

use std::collections::HashSet;
use std::sync::Arc;

use chainrule::trace::{Quantity, ValueId};
use chainrule::{Activation, Loss, Matrix, Network};
use chainrule_explorer_core::analysis::{Cell, Verdict};
use chainrule_explorer_core::quiz::*;
use chainrule_explorer_core::{EXAMPLES, Num, Step, example};

/// Numbers in +-1, by a linear congruential generator.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn below(&mut self, count: usize) -> usize {
        (((self.next() + 1.0) / 2.0 * count as f64) as usize).min(count - 1)
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

/// A network of drawn numbers, biases and targets included.
fn step(
    widths: &[usize],
    hidden: Activation,
    output: Activation,
    loss: Loss,
    rows: usize,
    seed: u64,
) -> Step {
    let mut numbers = Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut builder = Network::builder(widths[0]);
    for (l, &width) in widths.iter().enumerate().skip(1) {
        let sigma = if l + 1 == widths.len() { output } else { hidden };
        // Some layers have no bias.
        builder = match numbers.below(6) {
            0 => builder.dense_without_bias(width, sigma),
            _ => builder.dense(width, sigma),
        };
    }
    let network = builder.build().unwrap();
    let mut parameters = network.zeros::<f64>();
    for tensor in network.tensors() {
        let drawn: Vec<f64> = (0..tensor.count()).map(|_| numbers.next()).collect();
        parameters.set_tensor(tensor, &drawn).unwrap();
    }
    let mut matrix = |columns: usize, f: &dyn Fn(f64) -> f64| {
        Matrix::from_vec(rows, columns, (0..rows * columns).map(|_| f(numbers.next())).collect()).unwrap()
    };
    let (inputs, n) = (matrix(widths[0], &|x| 1.5 * x), *widths.last().unwrap());
    let mut targets = matrix(n, &|y| y.abs());
    if let Loss::CrossEntropy { .. } = loss {
        for i in 0..rows {
            (0..n).for_each(|j| targets[(i, j)] = f64::from(u8::from(j == (i + seed as usize) % n)));
        }
    }
    Step::new(network, Arc::new(parameters), loss, Arc::new(inputs), Arc::new(targets), 0.3).unwrap()
}

/// Two hundred of them: deep and shallow, square and not, all outputs and losses, batches of 1 to 6.
fn networks() -> Vec<Step> {
    use Activation::{Gelu, Identity, LeakyRelu, Relu, Sigmoid, Softmax, Softplus, Tanh};
    let hidden = [Tanh, Sigmoid, Relu, LeakyRelu { negative_slope: 0.1 }, Softplus, Identity, Gelu];
    let ends = [
        (Identity, Loss::HalfSquaredError),
        (Identity, Loss::MeanSquaredError),
        (Sigmoid, Loss::HalfSquaredError),
        (Tanh, Loss::HalfSquaredError),
        (Sigmoid, Loss::BinaryCrossEntropy),
        (Softmax, Loss::cross_entropy()),
        (Softmax, Loss::HalfSquaredError),
    ];
    let mut numbers = Numbers(2026);
    let mut steps = Vec::new();
    for seed in 0..200 {
        let depth = 1 + numbers.below(4);
        let square = numbers.below(3) == 0;
        let side = 2 + numbers.below(4);
        let widths: Vec<usize> =
            (0..=depth).map(|_| if square { side } else { 1 + numbers.below(6) }).collect();
        let (output, loss) = numbers.one_of(&ends);
        let output = if output == Softmax && widths[depth] == 1 { Identity } else { output };
        let loss =
            if output == Identity && loss == Loss::cross_entropy() { Loss::HalfSquaredError } else { loss };
        let (hidden, rows) = (numbers.one_of(&hidden), [1, 1, 2, 3, 6][numbers.below(5)]);
        steps.push(step(&widths, hidden, output, loss, rows, seed));
    }
    steps
}

/// The step by plain loops: every matrix has a row for each sample, W(l) is w[l][j][k].
struct Naive {
    widths: Vec<usize>,
    w: Vec<Vec<Vec<f64>>>,
    b: Vec<Vec<f64>>,
    z: Vec<Vec<Vec<f64>>>,
    a: Vec<Vec<Vec<f64>>>,
    y: Vec<Vec<f64>>,
    slope: Vec<Vec<Vec<f64>>>,
    /// dLoss/da
    error: Vec<Vec<Vec<f64>>>,
    delta: Vec<Vec<Vec<f64>>>,
    sigma: Vec<Activation>,
    loss: Loss,
    rate: f64,
    batch: usize,
}

fn value(sigma: Activation, z: f64) -> f64 {
    match sigma {
        Activation::Identity | Activation::Softmax => z,
        Activation::Tanh => z.tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
        Activation::Relu => z.max(0.0),
        Activation::LeakyRelu { negative_slope } => {
            if z > 0.0 {
                z
            } else {
                negative_slope * z
            }
        }
        Activation::Softplus => (1.0 + z.exp()).ln(),
        other => other.elementwise().unwrap().value(z),
    }
}

fn slope(sigma: Activation, z: f64) -> f64 {
    match sigma {
        Activation::Identity => 1.0,
        Activation::Tanh => 1.0 / z.cosh() / z.cosh(),
        Activation::Sigmoid => (-z).exp() / (1.0 + (-z).exp()) / (1.0 + (-z).exp()),
        Activation::Relu => f64::from(u8::from(z > 0.0)),
        Activation::LeakyRelu { negative_slope } => {
            if z > 0.0 {
                1.0
            } else {
                negative_slope
            }
        }
        Activation::Softplus => 1.0 / (1.0 + (-z).exp()),
        other => {
            let function = other.elementwise().unwrap();
            (function.value(z + 1e-6) - function.value(z - 1e-6)) / 2e-6
        }
    }
}

impl Naive {
    fn of(step: &Step) -> Naive {
        Naive::with(step, None)
    }

    /// With one mistake on the whole way back; `w` carries, `carried` where it was updated before.
    fn with(step: &Step, mistake: Option<Mistake>) -> Naive {
        let depth = step.network.depth();
        let widths: Vec<usize> = (0..=depth).map(|l| step.network.width(l)).collect();
        let (batch, rate) = (step.inputs.rows(), step.learning_rate);
        let mut w: Vec<Vec<Vec<f64>>> = vec![vec![]];
        let (mut b, mut sigma) = (vec![vec![]], vec![Activation::Identity]);
        for l in 1..=depth {
            let weight = step.parameters.weight(l);
            w.push(
                (0..widths[l]).map(|j| (0..widths[l - 1]).map(|k| weight.element(j, k)).collect()).collect(),
            );
            let bias = step.parameters.bias(l);
            b.push(
                (0..widths[l])
                    .map(|j| bias.as_ref().map_or(0.0, |bias| bias.element(0, j)))
                    .collect::<Vec<f64>>(),
            );
            sigma.push(step.network.layers()[l - 1].activation().unwrap());
        }
        let rows = |matrix: &Matrix<f64>| (0..batch).map(|i| matrix.row(i).to_vec()).collect::<Vec<_>>();
        let (mut z, mut a, y) = (vec![vec![]], vec![rows(&step.inputs)], rows(&step.targets));
        for l in 1..=depth {
            let mut sums = vec![vec![0.0; widths[l]]; batch];
            for i in 0..batch {
                for j in 0..widths[l] {
                    sums[i][j] = b[l][j];
                    for k in 0..widths[l - 1] {
                        sums[i][j] += w[l][j][k] * a[l - 1][i][k];
                    }
                }
            }
            a.push(
                sums.iter()
                    .map(|row| {
                        if sigma[l] == Activation::Softmax {
                            let total: f64 = row.iter().map(|z| z.exp()).sum();
                            return row.iter().map(|z| z.exp() / total).collect();
                        }
                        row.iter().map(|&z| value(sigma[l], z)).collect::<Vec<f64>>()
                    })
                    .collect(),
            );
            z.push(sums);
        }
        let slopes = (0..=depth).map(|l| match sigma[l] {
            Activation::Softmax => vec![],
            _ => z[l].iter().map(|row| row.iter().map(|&z| slope(sigma[l], z)).collect()).collect(),
        });
        let slope: Vec<Vec<Vec<f64>>> = slopes.collect();
        let n = widths[depth];
        let mut error = vec![vec![vec![]; batch]; depth + 1];
        let mut delta = vec![vec![vec![]; batch]; depth + 1];
        for i in 0..batch {
            let derivative = |j: usize| {
                let (a, y) = (a[depth][i][j], y[i][j]);
                let one = match step.loss {
                    Loss::HalfSquaredError => a - y,
                    Loss::MeanSquaredError => 2.0 * (a - y) / n as f64,
                    Loss::BinaryCrossEntropy => (a - y) / (a * (1.0 - a)),
                    _ => -y / a,
                };
                one / batch as f64
            };
            error[depth][i] = (0..n).map(derivative).collect();
            for j in 0..n {
                let mut own = 0.0;
                if sigma[depth] == Activation::Softmax {
                    for k in 0..n {
                        let equal = f64::from(u8::from(j == k));
                        own += error[depth][i][k] * a[depth][i][k] * (equal - a[depth][i][j]);
                    }
                } else {
                    own = error[depth][i][j] * slope[depth][i][j];
                }
                delta[depth][i].push(match mistake {
                    Some(Mistake::WrongSign) => -own,
                    Some(Mistake::SumForMean) => own * batch as f64,
                    Some(Mistake::Shortcut) => (a[depth][i][j] - y[i][j]) / batch as f64,
                    _ => own,
                });
            }
        }
        let mut naive =
            Naive { widths, w, b, z, a, y, slope, error, delta, sigma, loss: step.loss.clone(), rate, batch };
        let mut carrying = naive.w.clone();
        for l in (1..depth).rev() {
            if mistake == Some(Mistake::UpdatedFirst) {
                for j in 0..naive.widths[l + 1] {
                    for k in 0..naive.widths[l] {
                        carrying[l + 1][j][k] -= rate * naive.dw(l + 1, j, k, None);
                    }
                }
            }
            for i in 0..batch {
                for k in 0..naive.widths[l] {
                    let mut sum = 0.0;
                    for j in 0..naive.widths[l + 1] {
                        let weight = match mistake {
                            Some(Mistake::NotTransposed) => carrying[l + 1][k][j],
                            _ => carrying[l + 1][j][k],
                        };
                        sum += weight * naive.delta[l + 1][i][j];
                    }
                    naive.error[l][i].push(sum);
                    let own = if mistake == Some(Mistake::NoSlope) { 1.0 } else { naive.slope[l][i][k] };
                    naive.delta[l][i].push(sum * own);
                }
            }
        }
        naive
    }

    fn depth(&self) -> usize {
        self.widths.len() - 1
    }

    fn dw(&self, l: usize, j: usize, k: usize, mistake: Option<Mistake>) -> f64 {
        let mut sum = 0.0;
        for i in 0..self.batch {
            sum += match mistake {
                Some(Mistake::OwnActivation) => self.delta[l][i][j] * self.a[l][i][k],
                Some(Mistake::OtherDelta) if l < self.depth() => {
                    self.delta[l + 1][i][j] * self.a[l - 1][i][k]
                }
                Some(Mistake::TurnedOver) => self.a[l - 1][i][j] * self.delta[l][i][k],
                _ => self.delta[l][i][j] * self.a[l - 1][i][k],
            };
        }
        sum
    }

    fn db(&self, l: usize, j: usize, mistake: Option<Mistake>) -> f64 {
        let l = if mistake == Some(Mistake::OtherDelta) && l < self.depth() { l + 1 } else { l };
        (0..self.batch).map(|i| self.delta[l][i][j]).sum()
    }

    /// What a mistake takes for sigma'.
    fn wrong_slope(&self, l: usize, i: usize, j: usize, mistake: Mistake) -> Option<f64> {
        let (z, a) = (self.z[l][i][j], self.a[l][i][j]);
        match (mistake, self.sigma[l]) {
            (Mistake::ActivationForSlope, _) => Some(a),
            (Mistake::SigmoidSlope, _) => Some(a * (1.0 - a)),
            (Mistake::SlopeOfActivation, sigma) => Some(slope(sigma, a)),
            (Mistake::SlopeWithZ, Activation::Sigmoid) => Some(z * (1.0 - z)),
            (Mistake::SlopeWithZ, Activation::Tanh) => Some(1.0 - z * z),
            (Mistake::SlopeWithZ, Activation::Softplus) => Some(1.0 - (-z).exp()),
            _ => None,
        }
    }

    /// Mistakes that have to be recognized, wherever they can be made.
    fn to_recognize(&self, kind: &str, l: usize) -> Vec<Mistake> {
        use Mistake as M;
        let bends = |l: usize| self.sigma[l] != Activation::Identity;
        let is_smooth =
            matches!(self.sigma[l], Activation::Sigmoid | Activation::Tanh | Activation::Softplus);
        let is_short = matches!(self.loss, Loss::BinaryCrossEntropy | Loss::CrossEntropy { .. });
        let mut slopes = vec![M::ActivationForSlope];
        slopes.extend(is_smooth.then_some([M::SlopeWithZ, M::SlopeOfActivation]).into_iter().flatten());
        slopes.extend((self.sigma[l] != Activation::Sigmoid).then_some(M::SigmoidSlope));
        let some = |applies: bool, mistake: M| applies.then_some(mistake);
        match kind {
            "sum_number" => {
                [Some(M::OtherSign), some(bends(l), M::AppliedAlready)].into_iter().flatten().collect()
            }
            "activation_number" => {
                let smooth = [M::AppliedAlready, M::SlopeForActivation].into_iter().filter(|_| is_smooth);
                smooth.chain([M::OtherSign, M::SkippedActivation]).collect()
            }
            "softmax_number" => vec![M::OtherSign, M::SkippedActivation],
            "output_delta_number" => {
                let own = [
                    Some(M::WrongSign),
                    Some(M::NoTarget),
                    some(self.batch > 1, M::SumForMean),
                    some(is_short, M::SlopeTwice),
                    some(!is_short && bends(l), M::NoSlope),
                ];
                let slopes = slopes.into_iter().filter(|_| !is_short && bends(l));
                own.into_iter().flatten().chain(slopes).collect()
            }
            "carried_number" => {
                [Some(M::WrongSign), some(bends(l), M::SlopeTooEarly)].into_iter().flatten().collect()
            }
            "slope_number" => slopes.into_iter().chain([M::OtherSign]).collect(),
            "delta_number" => slopes.into_iter().chain([M::WrongSign, M::NoSlope]).collect(),
            "weight_gradient_number" => {
                [Some(M::WrongSign), some(l > 1 && bends(l - 1), M::SkippedActivation)]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            "bias_gradient_number" => vec![M::WrongSign, M::BiasInput],
            "updated_weight_number" | "updated_bias_number" => {
                vec![M::GradientAdded, M::NoRate, M::ChangeOnly, M::OtherSign]
            }
            _ => Vec::new(),
        }
    }

    /// What a mistake makes of a question, or none the right answer; none where there is nothing to compute.
    fn answer(&self, kind: &str, cell: Cell, mistake: Option<Mistake>) -> Option<Answered> {
        use Mistake as M;
        let ValueId { layer: l, .. } = cell.name;
        let (row, column, batch, n) = (cell.row, cell.column, self.batch as f64, &self.widths);
        let number = |number: f64| Some(Answered::Number(Num(number)));
        let shape = |rows: usize, columns: usize| Some(Answered::Shape([rows, columns]));
        let z = |l: usize| self.z[l][row][column];
        let a = |l: usize| self.a[l][row][column];
        let arrived = |l: usize, w: &dyn Fn(usize) -> f64| {
            (0..n[l + 1]).map(|j| w(j) * self.delta[l + 1][row][j]).sum::<f64>()
        };
        match (kind, mistake) {
            ("sum_number", Some(M::AppliedAlready)) => number(a(l)),
            (
                "sum_number"
                | "activation_number"
                | "softmax_number"
                | "slope_number"
                | "updated_weight_number"
                | "updated_bias_number",
                Some(M::OtherSign),
            ) => match self.answer(kind, cell, None) {
                Some(Answered::Number(Num(right))) => number(-right),
                _ => None,
            },
            ("sum_number", mistake) => {
                let mut sum = if mistake == Some(M::NoBias) { 0.0 } else { self.b[l][column] };
                for k in 0..n[l - 1] {
                    let (w, x) = match mistake {
                        Some(M::Transposed) => (self.w[l][k][column], self.a[l - 1][row][k]),
                        Some(M::SkippedActivation) => (self.w[l][column][k], self.z[l - 1][row][k]),
                        _ => (self.w[l][column][k], self.a[l - 1][row][k]),
                    };
                    sum += w * x;
                }
                number(sum)
            }
            ("activation_number" | "softmax_number", None) => number(a(l)),
            ("activation_number" | "softmax_number", Some(M::SkippedActivation)) => number(z(l)),
            ("activation_number", Some(M::AppliedAlready)) => number(value(self.sigma[l], a(l))),
            ("activation_number", Some(M::SlopeForActivation)) => number(self.slope[l][row][column]),
            ("softmax_number", Some(M::NotNormalized)) => number(z(l).exp()),
            ("softmax_number", Some(M::NoExponential)) => number(z(l) / self.z[l][row].iter().sum::<f64>()),
            ("sum_shape" | "output_delta_shape" | "delta_shape", None) => shape(n[l], self.batch),
            ("sum_shape" | "output_delta_shape" | "delta_shape", Some(M::TurnedOver)) => {
                shape(self.batch, n[l])
            }
            ("sum_shape" | "output_delta_shape", Some(M::OtherLayer)) => shape(n[l - 1], self.batch),
            ("delta_shape", Some(M::OtherDelta)) => shape(n[l + 1], self.batch),
            ("weight_shape" | "gradient_shape", None) => shape(n[l], n[l - 1]),
            ("weight_shape", Some(M::Transposed)) | ("gradient_shape", Some(M::TurnedOver)) => {
                shape(n[l - 1], n[l])
            }
            ("gradient_shape", Some(M::OwnActivation)) => shape(n[l], n[l]),
            ("parameter_count", None) => number((n[l] * n[l - 1] + n[l]) as f64),
            ("parameter_count", Some(M::NoBias)) => number((n[l] * n[l - 1]) as f64),
            ("parameter_count", Some(M::BiasPerInput)) => number((n[l] * n[l - 1] + n[l - 1]) as f64),
            ("transpose_shape", None) => shape(n[l], n[l + 1]),
            ("transpose_shape", Some(M::NotTransposed)) => shape(n[l + 1], n[l]),
            ("carried_shape", None) => shape(n[l], self.batch),
            ("carried_shape", Some(M::NotTransposed)) => shape(n[l + 1], self.batch),
            ("carried_shape", Some(M::TurnedOver)) => shape(self.batch, n[l]),
            ("output_delta_number", mistake) => {
                let delta = self.delta[l][row][column];
                number(match mistake {
                    None => delta,
                    Some(M::WrongSign) => -delta,
                    Some(M::SumForMean) => delta * batch,
                    Some(M::Shortcut) => (a(l) - self.y[row][column]) / batch,
                    Some(M::MeanTwice) => delta / batch,
                    Some(M::NoSlope) => self.error[l][row][column],
                    Some(M::SlopeTwice) if self.sigma[l] == Activation::Softmax => {
                        delta * a(l) * (1.0 - a(l))
                    }
                    Some(M::SlopeTwice) => delta * self.slope[l][row][column],
                    Some(M::NoTarget) => match (&self.loss, self.sigma[l]) {
                        (Loss::HalfSquaredError, sigma) if sigma != Activation::Identity => {
                            a(l) * self.slope[l][row][column] / batch
                        }
                        (Loss::MeanSquaredError, _) => 2.0 * a(l) / (n[l] as f64 * batch),
                        _ => a(l) / batch,
                    },
                    Some(mistake) => {
                        self.error[l][row][column] * self.wrong_slope(l, row, column, mistake)?
                    }
                })
            }
            ("carried_number", None) => number(self.error[l][row][column]),
            ("carried_number", Some(M::WrongSign)) => number(-self.error[l][row][column]),
            ("carried_number", Some(M::NotTransposed)) => number(arrived(l, &|j| self.w[l + 1][column][j])),
            ("carried_number", Some(M::SlopeTooEarly)) => number(self.delta[l][row][column]),
            ("slope_number", None) => number(self.slope[l][row][column]),
            ("slope_number", Some(mistake)) => number(self.wrong_slope(l, row, column, mistake)?),
            ("delta_number", None) => number(self.delta[l][row][column]),
            ("delta_number", Some(M::NoSlope)) => number(self.error[l][row][column]),
            ("delta_number", Some(M::WrongSign)) => number(-self.delta[l][row][column]),
            ("delta_number", Some(M::NotTransposed)) => {
                number(arrived(l, &|j| self.w[l + 1][column][j]) * self.slope[l][row][column])
            }
            ("delta_number", Some(mistake)) => {
                number(self.error[l][row][column] * self.wrong_slope(l, row, column, mistake)?)
            }
            ("weight_gradient_number", mistake) => {
                let right = self.dw(l, row, column, None);
                number(match mistake {
                    Some(M::WrongSign) => -right,
                    Some(M::SumForMean) => right * batch,
                    Some(M::MeanTwice) => right / batch,
                    Some(M::OneSample) => self.delta[l][0][row] * self.a[l - 1][0][column],
                    Some(M::SkippedActivation) => {
                        (0..self.batch).map(|i| self.delta[l][i][row] * self.z[l - 1][i][column]).sum()
                    }
                    mistake => self.dw(l, row, column, mistake),
                })
            }
            ("bias_gradient_number", mistake) => {
                let right = self.db(l, column, None);
                number(match mistake {
                    Some(M::WrongSign) => -right,
                    Some(M::SumForMean) => right * batch,
                    Some(M::MeanTwice) => right / batch,
                    Some(M::OneSample) => self.delta[l][0][column],
                    Some(M::BiasInput) => self.dw(l, column, 0, None),
                    mistake => self.db(l, column, mistake),
                })
            }
            ("updated_weight_number" | "updated_bias_number", mistake) => {
                let (before, gradient) = match kind {
                    "updated_weight_number" => (self.w[l][row][column], self.dw(l, row, column, None)),
                    _ => (self.b[l][column], self.db(l, column, None)),
                };
                number(match mistake {
                    None => before - self.rate * gradient,
                    Some(M::GradientAdded) => before + self.rate * gradient,
                    Some(M::ChangeOnly) => -self.rate * gradient,
                    Some(M::NoRate) => before - gradient,
                    _ => return None,
                })
            }
            _ => None,
        }
    }
}

/// How the right choice of a question begins, where it is known without the network.
const RIGHT: &[(&str, &str)] = &[
    ("transpose_origin", "Neuron k of layer l feeds each neuron j"),
    ("transpose_role", "It carries the error signals of layer l+1 back to layer l"),
    ("transpose_square", "No: both have the same shape"),
    ("transpose_column", "Those in column"),
    ("row_of_weights", "Those in row"),
    ("kept", "The gradients need a"),
    ("loss_of_batch", "The mean of the losses"),
    ("sign_of_delta", "Positive"),
    ("batch_division", "In delta("),
    ("slope_role", "It lets through as much"),
    ("flat_neuron", "Nothing: its delta is 0"),
    ("gradient_entry", "delta("),
    ("silent_input", "Column"),
    ("bias_gradient", "delta("),
    ("proof", "Finite differences"),
    ("direction", "Down"),
    ("order", "When it has carried"),
];

fn close(one: Answered, other: Answered) -> bool {
    match (one, other) {
        (Answered::Number(Num(one)), Answered::Number(Num(other))) => {
            (one - other).abs() <= 1e-6 * one.abs().max(other.abs()).max(1e-6)
        }
        (one, other) => one == other,
    }
}

/// The number as somebody types it who computes with four digits.
fn typed(answer: Answered) -> Answered {
    match answer {
        Answered::Number(Num(number)) => Answered::Number(Num(format!("{number:.3e}").parse().unwrap())),
        other => other,
    }
}

/// Holds a question against the plain loops: its right answer, that of each mistake, and what is said of them.
fn hold(posed: &Posed, naive: &Naive) -> Result<(), String> {
    let Question { kind, cell, prompt, form, .. } = &posed.question;
    let told = |what: String| Err(format!("{kind}, {prompt}: {what}"));
    let verdict = posed.judge(typed(posed.right));
    if !verdict.right || verdict.mistake.is_some() {
        return told(format!("the right answer is judged {verdict:?}"));
    }
    for mistake in naive.to_recognize(kind, cell.name.layer) {
        match naive.answer(kind, *cell, Some(mistake)) {
            Some(answer) if posed.judge(typed(answer)).mistake == Some(mistake) => {}
            answer => return told(format!("{mistake:?}, which gives {answer:?}, is not recognized")),
        }
    }
    for candidate in &posed.candidates {
        let verdict = posed.judge(typed(candidate.answer));
        if verdict.right || verdict.mistake != Some(candidate.mistake) {
            return told(format!("{:?} is judged {verdict:?}", candidate.mistake));
        }
    }
    if let Form::Choices { choices } = form {
        let right = (0..choices.len()).filter(|&place| posed.judge(Answered::Choice(place)).right);
        let right: Vec<&String> = right.map(|place| &choices[place]).collect();
        let begins = match *kind {
            "short_form" => {
                let l = naive.depth();
                let holds = (0..naive.batch).all(|i| {
                    (0..naive.widths[l]).all(|j| {
                        let short = (naive.a[l][i][j] - naive.y[i][j]) / naive.batch as f64;
                        (short - naive.delta[l][i][j]).abs() < 1e-9
                    })
                });
                if holds { "Yes, because" } else { "No, it still has to be multiplied" }
            }
            kind => RIGHT.iter().find(|(other, _)| *other == kind).ok_or(format!("{kind}?"))?.1,
        };
        if right.len() != 1 || !right[0].starts_with(begins) || posed.candidates.len() + 1 != choices.len() {
            return told(format!("right is {right:?}"));
        }
        if *kind == "gradient_entry" && !right[0].contains("[j] times a(") {
            return told(format!("right is {right:?}"));
        }
        return Ok(());
    }
    let answers = std::iter::once((None, posed.right))
        .chain(posed.candidates.iter().map(|candidate| (Some(candidate.mistake), candidate.answer)));
    for (mistake, answer) in answers {
        match naive.answer(kind, *cell, mistake) {
            Some(own) if close(own, answer) => {}
            own => return told(format!("{mistake:?} gives {own:?}, not {answer:?}")),
        }
    }
    Ok(())
}

fn asked(seed: u64, count: usize) -> AtQuiz {
    AtQuiz { seed, count, phase: None, concepts: None }
}

#[test]
fn every_question_has_one_right_answer_and_recognizes_each_mistake() {
    let (mut kinds, mut mistakes, mut questions) = (HashSet::new(), HashSet::new(), 0);
    for (seed, step) in networks().iter().enumerate() {
        let naive = Naive::of(step);
        let quiz = posed(step, &asked(seed as u64, 60)).unwrap();
        assert!(quiz.len() >= 10, "network {seed} {:?}: {} questions", naive.widths, quiz.len());
        for posed in &quiz {
            hold(posed, &naive)
                .unwrap_or_else(|reason| panic!("network {seed} {:?}: {reason}", naive.widths));
            let far = Answered::Number(Num(1e6));
            if let Form::Number { .. } = posed.question.form {
                let verdict = posed.judge(far);
                assert!(!verdict.right && verdict.mistake.is_none(), "{verdict:?}");
            }
            kinds.insert(posed.question.kind);
            mistakes.extend(posed.candidates.iter().map(|candidate| candidate.mistake));
        }
        questions += quiz.len();
    }
    assert!(questions > 5000, "{questions}");
    assert_eq!(kinds.len(), 37, "{kinds:?}");
    let never: Vec<_> = Mistake::ALL.iter().filter(|mistake| !mistakes.contains(mistake)).collect();
    assert!(never.is_empty(), "{never:?}");
}

#[test]
fn a_planted_bug_is_seen() {
    // The plain loops with a mistake in them disagree with the quiz's right answers.
    let steps: Vec<Step> = networks().into_iter().filter(|step| step.network.depth() > 2).collect();
    let fits = |mistake: Mistake, step: &Step| mistake.fits(&step.network).is_ok();
    for mistake in [Mistake::NotTransposed, Mistake::NoSlope, Mistake::WrongSign, Mistake::SumForMean] {
        let seen = steps.iter().filter(|step| fits(mistake, step)).any(|step| {
            let naive = Naive::with(step, Some(mistake));
            posed(step, &asked(1, 60)).unwrap().iter().any(|posed| hold(posed, &naive).is_err())
        });
        assert!(seen, "{mistake:?}");
    }
    // So do a question whose right answer is a mistake's, and one whose mistakes have changed places.
    let mut quiz = posed(&steps[0], &asked(1, 60)).unwrap();
    let naive = Naive::of(&steps[0]);
    for posed in quiz.iter_mut().filter(|posed| !matches!(posed.question.form, Form::Choices { .. })) {
        let right = posed.right;
        posed.right = posed.candidates[0].answer;
        assert!(hold(posed, &naive).is_err(), "{}", posed.question.prompt);
        posed.right = right;
        if let [one, other, ..] = &mut posed.candidates[..] {
            std::mem::swap(&mut one.mistake, &mut other.mistake);
            assert!(hold(posed, &naive).is_err(), "{}", posed.question.prompt);
        }
    }
}

#[test]
fn the_first_three_are_about_the_transpose_and_the_same_seed_gives_the_same_quiz() {
    let document = example("3-4-2").unwrap();
    let step = document.step().unwrap();
    let prompts = |seed| -> Vec<String> {
        quiz(&step, &asked(seed, 20)).unwrap().questions.into_iter().map(|question| question.prompt).collect()
    };
    let first = prompts(7);
    assert!(first[0].starts_with("Where does the transpose in delta(l)"), "{first:?}");
    assert_eq!(
        first[1],
        "In the backward pass formula delta(l) = (W(l+1)^T delta(l+1)) * sigma'(z(l)), what does the transpose W(l+1)^T do?"
    );
    assert_eq!(first[2], "In this network W(2) is 2 x 4. What shape has W(2)^T?");
    assert_eq!(first, prompts(7));
    assert_ne!(first[3..], prompts(8)[3..]);
    assert_eq!(
        first[..10],
        quiz(&step, &asked(7, 10)).unwrap().questions.iter().map(|q| q.prompt.clone()).collect::<Vec<_>>()[..]
    );
    let phases: HashSet<_> = quiz(&step, &asked(7, 10))
        .unwrap()
        .questions
        .iter()
        .map(|question| format!("{:?}", question.phase))
        .collect();
    assert_eq!(phases.len(), 5, "{phases:?}");
    // On a square W the third is what shapes cannot tell.
    let square = example("mazur").unwrap().step().unwrap();
    assert_eq!(quiz(&square, &asked(7, 3)).unwrap().questions[2].kind, "transpose_square");
    let only = AtQuiz { phase: Some("update".into()), concepts: Some("update,batch".into()), ..asked(7, 20) };
    assert!(quiz(&step, &only).unwrap().questions.iter().all(|question| question.concept == Concept::Update));
    let nothing = AtQuiz { concepts: Some("cooking".into()), ..asked(1, 1) };
    assert!(quiz(&step, &nothing).unwrap_err().to_string().contains("cooking"));
    assert!(quiz(&step, &asked(1, 61)).is_err());
}

#[test]
fn questions_hold_no_number_of_the_step_and_answers_are_checked() {
    for one in EXAMPLES {
        let step = example(one.id()).unwrap().step().unwrap();
        let quiz = posed(&step, &asked(3, 60)).unwrap();
        assert!(quiz.len() >= 15, "{}: {}", one.id(), quiz.len());
        for posed in quiz {
            let question = serde_json::to_value(&posed.question).unwrap();
            assert!(posed.question.given.iter().all(|given| given.cell != posed.question.cell));
            if let Answered::Number(Num(right)) = posed.right {
                let text = question.to_string();
                let digits = format!("{:.4}", right.abs());
                assert!(posed.question.kind == "parameter_count" || !text.contains(&digits), "{text}");
                // Who has answered is told the number.
                let answer = posed.judge(Answered::Number(Num(1e6))).answer.unwrap();
                assert!((answer.parse::<f64>().unwrap() - right).abs() <= 1e-3 * right.abs(), "{answer}");
            }
        }
        let answer =
            QuizAnswer { seed: 3, phase: None, concepts: None, number: 1, answer: Answered::Shape([1, 2]) };
        assert!(
            judge(&step, &answer).unwrap_err().to_string().contains("one of its choices"),
            "{}",
            one.id()
        );
        let answer = QuizAnswer { number: 99, ..answer };
        assert!(judge(&step, &answer).is_err());
    }
}

/// Which cells are red and which green, held against the plain loops with the same mistake.
fn hold_sabotage(step: &Step, mistake: Mistake) -> (usize, usize) {
    let report = sabotage(step, mistake, 2).unwrap();
    let check = report.checked.as_ref().unwrap_or_else(|| panic!("{mistake:?}: {}", report.shapes));
    let (right, wrong) = (Naive::of(step), Naive::with(step, Some(mistake)));
    let (mut red, mut green) = (0, 0);
    for tensor in &check.report.tensors {
        let l = tensor.name.layer;
        let number = |naive: &Naive, mistake, row, column| match tensor.name.quantity {
            Quantity::WEIGHT => naive.dw(l, row, column, mistake),
            _ => naive.db(l, column, mistake),
        };
        let of_cell = |cell: &chainrule_explorer_core::analysis::CheckedCell| {
            (
                number(&right, None, cell.row, cell.column),
                number(&wrong, Some(mistake), cell.row, cell.column),
            )
        };
        let largest = tensor
            .cells
            .iter()
            .map(|cell| of_cell(cell).0.abs().max(of_cell(cell).1.abs()))
            .fold(0.0, f64::max);
        for cell in &tensor.cells {
            let (right, wrong) = of_cell(cell);
            assert!(
                (cell.backpropagated.0 - wrong).abs() <= 1e-9 * largest.max(1e-3),
                "{mistake:?} {cell:?}: {wrong}"
            );
            let difference = (right - wrong).abs();
            match cell.verdict {
                Verdict::Differs => {
                    assert!(difference > 1e-9 * largest, "{mistake:?} {}: {cell:?} {right}", tensor.name);
                    red += 1;
                }
                Verdict::Agrees => {
                    assert!(
                        difference < 1e-4 * largest.max(1e-6),
                        "{mistake:?} {}: {cell:?} {right}",
                        tensor.name
                    );
                    green += 1;
                }
                Verdict::Kink => {}
            }
        }
    }
    assert_eq!((check.found, check.found_elsewhere), (red, 0), "{mistake:?}: {}", check.sentence);
    (red, green)
}

#[test]
fn sabotage_is_red_exactly_where_it_should_be() {
    use Activation::{Identity, Sigmoid, Softplus, Tanh};
    for (seed, &(hidden, output)) in
        [(Tanh, Identity), (Sigmoid, Sigmoid), (Softplus, Tanh)].iter().enumerate()
    {
        let square = step(&[3, 3, 3, 3], hidden, output, Loss::HalfSquaredError, 2, 40 + seed as u64);
        for mistake in Mistake::of_the_backward_pass() {
            let (red, green) = hold_sabotage(&square, mistake);
            assert!(
                red > 0 || (mistake == Mistake::Shortcut && output == Identity),
                "{mistake:?} stays green"
            );
            // What is only on the way back through hidden layers leaves the last layer alone.
            if let Mistake::NotTransposed | Mistake::NoSlope | Mistake::OtherDelta | Mistake::UpdatedFirst =
                mistake
            {
                assert!(green >= 9, "{mistake:?}");
            }
        }
    }
    let narrow = step(&[3, 4, 2], Tanh, Tanh, Loss::HalfSquaredError, 3, 50);
    for mistake in
        [Mistake::NoSlope, Mistake::SumForMean, Mistake::WrongSign, Mistake::Shortcut, Mistake::UpdatedFirst]
    {
        assert!(hold_sabotage(&narrow, mistake).0 > 0, "{mistake:?}");
    }
}

#[test]
fn sabotage_stays_green_where_the_mistake_changes_nothing() {
    use Activation::{Identity, Tanh};
    let linear = step(&[3, 4, 2], Identity, Identity, Loss::HalfSquaredError, 3, 60);
    let alone = step(&[3, 4, 2], Tanh, Tanh, Loss::HalfSquaredError, 1, 61);
    let flat = step(&[3, 2], Identity, Tanh, Loss::HalfSquaredError, 3, 62);
    for (step, mistake, why) in [
        (&linear, Mistake::NoSlope, "sigma' is 1 everywhere"),
        (&linear, Mistake::Shortcut, "so the shortcut is right"),
        (&alone, Mistake::SumForMean, "The batch has one sample"),
    ] {
        let (red, green) = hold_sabotage(step, mistake);
        assert!(red == 0 && green > 0, "{mistake:?}");
        let report = sabotage(step, mistake, 5).unwrap();
        let Losses { mistaken, right, sentence } = report.losses.unwrap();
        let near = |(one, other): (&Num, &Num)| (one.0 - other.0).abs() < 1e-9;
        assert!(mistaken.len() == 6 && mistaken.iter().zip(&right).all(near), "{mistake:?}");
        assert!(sentence.contains("as it does with the right gradients"), "{sentence}");
        assert!(
            report.shapes.contains(why) && !report.shapes.contains("Only the numbers tell"),
            "{}",
            report.shapes
        );
    }
    // Without a hidden layer there is nothing to go wrong with.
    for mistake in [Mistake::NoSlope, Mistake::NotTransposed, Mistake::OtherDelta, Mistake::UpdatedFirst] {
        let report = sabotage(&flat, mistake, 5).unwrap();
        assert!(report.shapes.ends_with("the mistake cannot be made."), "{}", report.shapes);
        assert!(report.fits && report.checked.is_none() && report.losses.is_none(), "{mistake:?}");
    }
}

#[test]
fn no_question_gives_away_the_answer_of_a_later_one() {
    let steps = EXAMPLES.iter().map(|one| example(one.id()).unwrap().step().unwrap());
    for step in steps.chain(networks().into_iter().take(40)) {
        for seed in 0..20 {
            let quiz = posed(&step, &asked(seed, 30)).unwrap();
            for (at, later) in quiz.iter().enumerate() {
                for earlier in &quiz[..at] {
                    let prompts = [&earlier.question.prompt, &later.question.prompt];
                    let given = &earlier.question.given;
                    let is_number = matches!(later.question.form, Form::Number { .. });
                    let is_given = is_number && given.iter().any(|given| given.cell == later.question.cell);
                    assert!(!is_given, "{prompts:?}");
                    let l = later.question.cell.name.layer;
                    if later.question.kind == "weight_shape" {
                        let told = format!("W({l}) is ");
                        assert!(!earlier.question.prompt.contains(&told), "{prompts:?}");
                        let other = ["sum_shape", "parameter_count", "gradient_shape"];
                        let is_same = earlier.question.cell.name.layer == l;
                        assert!(!(is_same && other.contains(&earlier.question.kind)), "{prompts:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn sabotage_says_what_shapes_tell() {
    let narrow = example("3-4-2").unwrap().step().unwrap();
    let report = sabotage(&narrow, Mistake::NotTransposed, 5).unwrap();
    assert!(!report.fits && report.checked.is_none() && report.losses.is_none());
    assert!(report.shapes.contains("W(2) is 2 x 4, and delta(2) has 2 rows"), "{}", report.shapes);
    for mistake in [Mistake::OwnActivation, Mistake::OtherDelta, Mistake::TurnedOver] {
        assert!(!sabotage(&narrow, mistake, 5).unwrap().fits, "{mistake:?}");
    }
    let square = example("mazur").unwrap().step().unwrap();
    let report = sabotage(&square, Mistake::NotTransposed, 20).unwrap();
    assert!(
        report.fits && report.shapes.contains("W(2) is 2 x 2: W and W^T have the same shape"),
        "{}",
        report.shapes
    );
    let losses = report.losses.unwrap();
    assert_eq!((losses.mistaken.len(), losses.right.len()), (21, 21));
    // The loss falls all the same, as it does in the lesson's warning.
    assert!(
        losses.mistaken[20] < losses.mistaken[0] && losses.sentence.contains("falls all the same"),
        "{losses:?}"
    );
    assert!((losses.right[1].0 - 0.280_471_446_791_430_16).abs() < 1e-12, "{losses:?}");
    let uphill = sabotage(&square, Mistake::WrongSign, 5).unwrap().losses.unwrap();
    assert!(uphill.mistaken[5] > uphill.mistaken[0] && uphill.sentence.contains("rises"), "{uphill:?}");
    assert!(
        sabotage(&square, Mistake::NoBias, 5).is_err() && sabotage(&square, Mistake::NoSlope, 1000).is_err()
    );
}
