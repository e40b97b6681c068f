//! Numbers beside learned periodic functions of them: W cos(2 pi f x + b) + c (Gorishniy, Rubachev and Babenko 2022; with the
//! cosine's own offset and x beside it, Holzmueller, Grinsztajn and Steinwart 2024).

use std::f64::consts::{PI, TAU};

use serde::{Deserialize, Serialize};

use super::{ColumnKind, PieceOperands, PieceTensors};
use crate::error::{Result, require};
use crate::initialization::Start;
use crate::kernel::Scalar;
use crate::kernel::functions::{cosine_of_turns, sine_of_turns};
use crate::kernel::panels::{Panels, Piece, panel_width};
use crate::kernel::vectorized::vectorized_loop;
use crate::matrix::Matrix;
use crate::parameters::TensorRequest;

/// Each x becomes x and `outputs` numbers W cos(2 pi f x + b) + c, with `hidden` frequencies f and offsets b of its own.
///
/// | tensor | shape | starts |
/// |---|---|---|
/// | `frequency` | [width, hidden] | normal with standard deviation `deviation` |
/// | `offset` | [width, hidden], radians | uniform in ± pi |
/// | `weight` | [width * outputs, hidden] | uniform in ± 1 / sqrt(hidden) |
/// | `bias` | [width * outputs] | uniform in ± 1 / sqrt(hidden) |
/// | `missing`, if there is one | [width * (1 + outputs)] | 0 |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Periodic {
    /// How many numbers; at least 1.
    pub width: usize,
    /// How many frequencies a number has; at least 1, default 16.
    pub hidden: usize,
    /// How many outputs a number has beside itself; at least 1, default 3.
    pub outputs: usize,
    /// What frequencies start from: their standard deviation; at least 0, default 0.1.
    pub deviation: f64,
    /// Whether numbers may be missing, and a learned vector stands for each that is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

impl Default for Periodic {
    fn default() -> Self {
        Periodic { width: 1, hidden: 16, outputs: 3, deviation: 0.1, missing: false }
    }
}

pub(super) const GRADIENTS: [&str; 4] = [
    "df = the sums of -sin(2 pi f x + b) (dLoss/da(l) W) 2 pi x",
    "db = the sums of -sin(2 pi f x + b) (dLoss/da(l) W)",
    "dW = the sums of dLoss/da(l) cos(2 pi f x + b)",
    "dc = the sums of dLoss/da(l)",
];

const FREQUENCY: usize = 0;
const OFFSET: usize = 1;
const WEIGHT: usize = 2;
const BIAS: usize = 3;

/// Frequencies that are worked on side by side.
const SIDE_BY_SIDE: usize = 16;
/// Rows of a gradient whose sums stay in registers.
const ROWS_AT_ONCE: usize = 3;
/// Samples whose errors stay in the nearest cache.
const SAMPLES_AT_ONCE: usize = 32;

/// The numbers of a row of a matrix in panels from `first` on, up to [`SIDE_BY_SIDE`]; zeros behind them.
#[inline(always)]
fn some_of_row<T: Scalar>(matrix: Panels<'_, T>, row: usize, first: usize) -> [T; SIDE_BY_SIDE] {
    let mut numbers = [T::zero(); SIDE_BY_SIDE];
    let (offset, stride) = matrix.column(first);
    // A panel's width is a multiple of as many.
    let count = SIDE_BY_SIDE.min(matrix.columns() - first);
    numbers[..count].copy_from_slice(&matrix.data()[offset + row * stride..][..count]);
    numbers
}

impl ColumnKind for Periodic {
    fn inputs(&self) -> usize {
        self.width
    }

    fn outputs_of_one(&self) -> usize {
        1 + self.outputs
    }

    fn learns_missing(&self) -> bool {
        self.missing
    }

    fn tensors(&self) -> Vec<TensorRequest> {
        let Periodic { width, hidden, outputs, deviation, .. } = *self;
        let root = 1.0 / (hidden as f64).sqrt();
        let functions = width.saturating_mul(outputs);
        vec![
            TensorRequest::matrix("frequency", width, hidden, Start::Normal(deviation)),
            TensorRequest::matrix("offset", width, hidden, Start::Uniform(PI)),
            TensorRequest::matrix("weight", functions, hidden, Start::Uniform(root)),
            TensorRequest::vector("bias", functions, Start::Uniform(root)),
        ]
    }

    fn check(&self) -> Result<()> {
        require(self.width > 0, "width", self.width as f64, "must be at least 1")?;
        require(self.hidden > 0, "hidden", self.hidden as f64, "must be at least 1")?;
        require(self.outputs > 0, "outputs", self.outputs as f64, "must be at least 1")?;
        let holds = (0.0..f64::INFINITY).contains(&self.deviation);
        require(holds, "deviation", self.deviation, "must be at least 0 and finite")
    }

    /// A cosine is a reduction of 5 operations and a polynomial of about 12.
    fn flops_of_one(&self) -> u64 {
        self.hidden as u64 * (2 + 17 + 2 * self.outputs as u64)
    }

    /// Samples side by side; each output is a chain of fused multiply-adds through the frequencies, from the bias.
    fn forward<T: Scalar>(&self, tensors: PieceTensors<'_, T>, input: usize, x: &[T], outputs: &mut [T]) {
        let (frequency, offset) = (tensors.matrix(FREQUENCY), tensors.matrix(OFFSET));
        let (weight, bias) = (tensors.matrix(WEIGHT), tensors.vector(BIAS));
        let (own, embedded) = outputs.split_at_mut(x.len());
        own.copy_from_slice(x);
        let first = input * self.outputs;
        for (output, embedded) in embedded.chunks_exact_mut(x.len()).enumerate() {
            embedded.fill(bias[first + output]);
        }
        let hidden = self.hidden;
        vectorized_loop! {
            for T: x: &'a [T] = x, embedded: &'a mut [T] = embedded, first: usize = first, input: usize = input,
                hidden: usize = hidden, frequency: Panels<'a, T> = frequency,
                offset: Panels<'a, T> = offset, weight: Panels<'a, T> = weight;
            {
                let number = |panels: Panels<'_, T>, row: usize, column: usize| {
                    let (offset, stride) = panels.column(column);
                    panels.data()[offset + row * stride]
                };
                let mut cosines = [T::zero(); panel_width::<f32>()];
                let cosines = &mut cosines[..x.len()];
                for k in 0..hidden {
                    let f = number(frequency, input, k);
                    let turns = number(offset, input, k) * T::from_f64(1.0 / TAU);
                    for (cosine, &x) in cosines.iter_mut().zip(x) {
                        *cosine = cosine_of_turns(x.mul_add(f, turns));
                    }
                    for (output, embedded) in embedded.chunks_exact_mut(x.len()).enumerate() {
                        let w = number(weight, first + output, k);
                        for (sum, &cosine) in embedded.iter_mut().zip(cosines.iter()) {
                            *sum = cosine.mul_add(w, *sum);
                        }
                    }
                }
            }
        }
    }

    /// Frequencies side by side; each is a chain of fused multiply-adds in the order of the samples.
    fn add_gradient<T: Scalar>(
        &self,
        number: usize,
        tensors: Option<PieceTensors<'_, T>>,
        piece: &Piece,
        operands: &PieceOperands<'_, T>,
        gradient: &mut [T],
    ) {
        let each_gives = self.outputs_of_one();
        if number == BIAS {
            for (function, sum) in gradient.iter_mut().enumerate() {
                let (input, output) = (function / self.outputs, function % self.outputs);
                let (x, delta) = (operands.input(input), operands.delta(input * each_gives + 1 + output));
                for sample in (0..operands.samples()).filter(|&sample| !x.get(sample).is_nan()) {
                    *sum += delta.get(sample);
                }
            }
            return;
        }
        let tensors = tensors.expect("this kind has asked for its parameters");
        let width = gradient.len() / piece.rows.len();
        let (mut row, mut rest) = (piece.rows.start, gradient);
        while !rest.is_empty() {
            // Rows of dW that are of one input share its cosines.
            let rows = match number {
                WEIGHT => ROWS_AT_ONCE.min(self.outputs - row % self.outputs),
                _ => 1,
            };
            let (sums, others) = rest.split_at_mut((rows * width).min(rest.len()));
            for column in (0..width).step_by(SIDE_BY_SIDE) {
                let place = Place { row, width, column, first: piece.start + column };
                match number {
                    WEIGHT => self.add_weight(tensors, place, operands, sums),
                    _ => self.add_angle(number == FREQUENCY, tensors, place, operands, sums),
                }
            }
            row += sums.len() / width;
            rest = others;
        }
    }

    fn value(&self, tensors: &[Matrix<f64>], input: usize, x: f64) -> Vec<f64> {
        let mut values = vec![x];
        for output in 0..self.outputs {
            let function = input * self.outputs + output;
            let mut sum = tensors[BIAS][(0, function)];
            for k in 0..self.hidden {
                let angle = TAU * tensors[FREQUENCY][(input, k)] * x + tensors[OFFSET][(input, k)];
                sum += tensors[WEIGHT][(function, k)] * angle.cos();
            }
            values.push(sum);
        }
        values
    }

    fn add_slopes(
        &self,
        tensors: &[Matrix<f64>],
        input: usize,
        x: f64,
        delta: &[f64],
        gradients: &mut [Matrix<f64>],
    ) {
        for output in 0..self.outputs {
            let (function, d) = (input * self.outputs + output, delta[1 + output]);
            gradients[BIAS][(0, function)] += d;
            for k in 0..self.hidden {
                let angle = TAU * tensors[FREQUENCY][(input, k)] * x + tensors[OFFSET][(input, k)];
                gradients[WEIGHT][(function, k)] += d * angle.cos();
                let by_angle = -angle.sin() * tensors[WEIGHT][(function, k)] * d;
                gradients[OFFSET][(input, k)] += by_angle;
                gradients[FREQUENCY][(input, k)] += by_angle * TAU * x;
            }
        }
    }
}

/// Where some sums are: rows of a gradient's piece, from frequency `first` on.
#[derive(Clone, Copy)]
struct Place {
    /// The gradient's row that is the first of the sums.
    row: usize,
    /// The piece's columns, and which of them has frequency `first`.
    width: usize,
    column: usize,
    first: usize,
}

impl Place {
    /// Up to [`SIDE_BY_SIDE`] columns of the rows that `sums` has.
    fn parts<'s, T>(&self, sums: &'s mut [T]) -> impl Iterator<Item = &'s mut [T]> + use<'s, T> {
        let columns = self.column..self.width.min(self.column + SIDE_BY_SIDE);
        sums.chunks_exact_mut(self.width).map(move |row| &mut row[columns.clone()])
    }
}

impl Periodic {
    /// What some rows of dW, of one input, get.
    fn add_weight<T: Scalar>(
        &self,
        tensors: PieceTensors<'_, T>,
        place: Place,
        operands: &PieceOperands<'_, T>,
        sums: &mut [T],
    ) {
        let (input, output) = (place.row / self.outputs, place.row % self.outputs);
        let mut all = [[T::zero(); SIDE_BY_SIDE]; ROWS_AT_ONCE];
        let rows = sums.len() / place.width;
        all.iter_mut().zip(place.parts(sums)).for_each(|(all, sums)| all[..sums.len()].copy_from_slice(sums));
        // Rows that are not there are computed as the last one is, and dropped.
        let delta =
            |row: usize| operands.delta(input * self.outputs_of_one() + 1 + output + row.min(rows - 1));
        vectorized_loop! {
            for T: x: super::Column<'a, T> = operands.input(input), samples: usize = operands.samples(),
                deltas: [super::Column<'a, T>; ROWS_AT_ONCE] = std::array::from_fn(delta),
                angles: Angles<T> = Angles::of(tensors, input, place.first),
                all: &'a mut [[T; SIDE_BY_SIDE]; ROWS_AT_ONCE] = &mut all;
            {
                // Sums in memory would be written for every sample.
                let mut own = *all;
                for sample in 0..samples {
                    let x = x.get(sample);
                    if x.is_nan() {
                        continue;
                    }
                    let mut cosines = [T::zero(); SIDE_BY_SIDE];
                    for k in 0..SIDE_BY_SIDE {
                        cosines[k] = cosine_of_turns(x.mul_add(angles.frequency[k], angles.turns[k]));
                    }
                    for row in 0..ROWS_AT_ONCE {
                        let d = deltas[row].get(sample);
                        for k in 0..SIDE_BY_SIDE {
                            own[row][k] = d.mul_add(cosines[k], own[row][k]);
                        }
                    }
                }
                *all = own;
            }
        }
        all.iter().zip(place.parts(sums)).for_each(|(all, sums)| sums.copy_from_slice(&all[..sums.len()]));
    }

    /// What a row of df, or of db, gets.
    fn add_angle<T: Scalar>(
        &self,
        is_frequency: bool,
        tensors: PieceTensors<'_, T>,
        place: Place,
        operands: &PieceOperands<'_, T>,
        sums: &mut [T],
    ) {
        let (input, first) = (place.row, place.first);
        let weight = tensors.matrix(WEIGHT);
        let sums = place.parts(sums).next().expect("a row");
        vectorized_loop! {
            for T: operands: &'a PieceOperands<'a, T> = operands, weight: Panels<'a, T> = weight,
                angles: Angles<T> = Angles::of(tensors, input, first), is_frequency: bool = is_frequency,
                place: (usize, usize, usize) = (input, first, self.outputs), sums: &'a mut [T] = sums;
            {
                let (input, first, outputs) = place;
                let x = operands.input(input);
                let mut all = [T::zero(); SIDE_BY_SIDE];
                all[..sums.len()].copy_from_slice(sums);
                for start in (0..operands.samples()).step_by(SAMPLES_AT_ONCE) {
                    let samples = start..operands.samples().min(start + SAMPLES_AT_ONCE);
                    // dLoss/dcos, the error that W carries back.
                    let mut errors = [[T::zero(); SIDE_BY_SIDE]; SAMPLES_AT_ONCE];
                    for output in 0..outputs {
                        let delta = operands.delta(input * (1 + outputs) + 1 + output);
                        let weights = some_of_row(weight, input * outputs + output, first);
                        for (errors, sample) in errors.iter_mut().zip(samples.clone()) {
                            let d = delta.get(sample);
                            for k in 0..SIDE_BY_SIDE {
                                errors[k] = d.mul_add(weights[k], errors[k]);
                            }
                        }
                    }
                    for (errors, sample) in errors.iter().zip(samples) {
                        let x = x.get(sample);
                        if x.is_nan() {
                            continue;
                        }
                        let by_angle = if is_frequency { -T::from_f64(TAU) * x } else { -T::one() };
                        for k in 0..SIDE_BY_SIDE {
                            let sine = sine_of_turns(x.mul_add(angles.frequency[k], angles.turns[k]));
                            all[k] = (by_angle * sine).mul_add(errors[k], all[k]);
                        }
                    }
                }
                sums.copy_from_slice(&all[..sums.len()]);
            }
        }
    }
}

/// f and b / 2 pi of some frequencies of a number: an angle is x f + b / 2 pi turns.
#[derive(Clone, Copy)]
struct Angles<T> {
    frequency: [T; SIDE_BY_SIDE],
    turns: [T; SIDE_BY_SIDE],
}

impl<T: Scalar> Angles<T> {
    fn of(tensors: PieceTensors<'_, T>, input: usize, first: usize) -> Self {
        let turns = some_of_row(tensors.matrix(OFFSET), input, first);
        Angles {
            frequency: some_of_row(tensors.matrix(FREQUENCY), input, first),
            turns: turns.map(|offset| offset * T::from_f64(1.0 / TAU)),
        }
    }
}
