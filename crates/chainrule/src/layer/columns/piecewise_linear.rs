//! Numbers beside learned functions of them that are linear between boundaries (Gorishniy, Rubachev and Babenko 2022, "On
//! embeddings for numerical features").
//!
//! Between boundaries b_0 < b_1 < ... < b_K there are K bins; e_t(x) is the share of bin t that lies below x:
//! (x - b_(t-1)) / (b_t - b_(t-1)), cut off at 0 and 1, but open above in the last bin and below in the first.

use serde::{Deserialize, Serialize};

use super::{ColumnKind, PieceOperands, PieceTensors};
use crate::error::{Error, Result, require};
use crate::initialization::Start;
use crate::kernel::Scalar;
use crate::kernel::panels::Piece;
use crate::matrix::Matrix;
use crate::parameters::TensorRequest;

/// Each x becomes x and the sums over its bins t of W_t e_t(x), W_t a row of W. W starts from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PiecewiseLinear {
    /// The boundaries of each number's bins: at least two, increasing. Usually quantiles.
    pub boundaries: Vec<Vec<f64>>,
    /// How many functions of each number there are; at least 1.
    pub outputs: usize,
    /// Whether numbers may be missing, and a learned vector stands for each that is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

impl PiecewiseLinear {
    /// The row of W that input `input` begins with.
    fn first_row(&self, input: usize) -> usize {
        self.boundaries[..input].iter().map(|boundaries| boundaries.len() - 1).sum()
    }

    /// The first bins, up to the last that x reaches, with e_t(x) of each; the others are 0.
    #[inline(always)]
    fn shares<T: Scalar>(boundaries: &[f64], x: T) -> impl Iterator<Item = (usize, T)> {
        let last = boundaries.len() - 2;
        boundaries.windows(2).enumerate().map_while(move |(bin, ends)| {
            let [low, high] = [ends[0], ends[1]].map(T::from_f64);
            if bin > 0 && x <= low {
                return None;
            }
            let share = (x - low) / (high - low);
            let one = T::one();
            Some((bin, if bin < last && share > one { one } else { share }))
        })
    }
}

impl ColumnKind for PiecewiseLinear {
    fn inputs(&self) -> usize {
        self.boundaries.len()
    }

    fn outputs_of_one(&self) -> usize {
        1 + self.outputs
    }

    fn learns_missing(&self) -> bool {
        self.missing
    }

    fn tensors(&self) -> Vec<TensorRequest> {
        let rows = self.first_row(self.boundaries.len());
        vec![TensorRequest::matrix("weight", rows, self.outputs, Start::Constant(0.0))]
    }

    fn check(&self) -> Result<()> {
        require(self.outputs > 0, "outputs", self.outputs as f64, "must be at least 1")?;
        if self.boundaries.is_empty() {
            return Err(Error::Data("there are no boundaries; each number has a list of them".to_owned()));
        }
        for (index, boundaries) in self.boundaries.iter().enumerate() {
            let increase = boundaries.windows(2).all(|ends| ends[0] < ends[1]);
            if boundaries.len() < 2 || !increase || boundaries.iter().any(|boundary| !boundary.is_finite()) {
                return Err(Error::Data(format!(
                    "the boundaries of number {index} are {boundaries:?}; at least two are needed, finite and increasing"
                )));
            }
        }
        Ok(())
    }

    /// As if x were in the middle bin.
    fn flops_of_one(&self) -> u64 {
        let bins = self.first_row(self.boundaries.len()) / self.boundaries.len().max(1);
        (bins / 2 + 1) as u64 * (3 + 2 * self.outputs as u64)
    }

    fn forward<T: Scalar>(&self, tensors: PieceTensors<'_, T>, input: usize, x: &[T], outputs: &mut [T]) {
        let (weight, samples) = (tensors.matrix(0), x.len());
        let (own, embedded) = outputs.split_at_mut(samples);
        own.copy_from_slice(x);
        embedded.fill(T::zero());
        let first = self.first_row(input);
        for (sample, &x) in x.iter().enumerate() {
            for (bin, share) in Self::shares(&self.boundaries[input], x) {
                for output in 0..self.outputs {
                    let (offset, stride) = weight.column(output);
                    let sum = &mut embedded[output * samples + sample];
                    *sum = weight.data()[offset + (first + bin) * stride].mul_add(share, *sum);
                }
            }
        }
    }

    /// Each is a chain of fused multiply-adds in the order of the samples.
    fn add_gradient<T: Scalar>(
        &self,
        _: usize,
        _: Option<PieceTensors<'_, T>>,
        piece: &Piece,
        operands: &PieceOperands<'_, T>,
        gradient: &mut [T],
    ) {
        let width = gradient.len() / piece.rows.len();
        let mut first = 0;
        for (input, boundaries) in self.boundaries.iter().enumerate() {
            let rows = first..first + boundaries.len() - 1;
            first = rows.end;
            if rows.end <= piece.rows.start || rows.start >= piece.rows.end {
                continue;
            }
            let x = operands.input(input);
            for sample in (0..operands.samples()).filter(|&sample| !x.get(sample).is_nan()) {
                for (bin, share) in Self::shares(boundaries, x.get(sample)) {
                    let row = rows.start + bin;
                    if !piece.rows.contains(&row) {
                        continue;
                    }
                    let sums = &mut gradient[(row - piece.rows.start) * width..][..width];
                    for (column, sum) in sums.iter_mut().enumerate() {
                        let output = input * self.outputs_of_one() + 1 + piece.start + column;
                        *sum = operands.delta(output).get(sample).mul_add(share, *sum);
                    }
                }
            }
        }
    }

    fn value(&self, tensors: &[Matrix<f64>], input: usize, x: f64) -> Vec<f64> {
        let mut values = vec![x];
        for output in 0..self.outputs {
            let mut sum = 0.0;
            for (bin, share) in self.reference_shares(input, x).into_iter().enumerate() {
                sum += tensors[0][(self.first_row(input) + bin, output)] * share;
            }
            values.push(sum);
        }
        values
    }

    fn add_slopes(
        &self,
        _: &[Matrix<f64>],
        input: usize,
        x: f64,
        delta: &[f64],
        gradients: &mut [Matrix<f64>],
    ) {
        for (bin, share) in self.reference_shares(input, x).into_iter().enumerate() {
            for output in 0..self.outputs {
                gradients[0][(self.first_row(input) + bin, output)] += delta[1 + output] * share;
            }
        }
    }
}

impl PiecewiseLinear {
    /// e_t(x) of every bin, from the definition.
    fn reference_shares(&self, input: usize, x: f64) -> Vec<f64> {
        let bins: Vec<&[f64]> = self.boundaries[input].windows(2).collect();
        let share = |(index, ends): (usize, &&[f64])| {
            let share = (x - ends[0]) / (ends[1] - ends[0]);
            let share = if index > 0 { share.max(0.0) } else { share };
            if index + 1 < bins.len() { share.min(1.0) } else { share }
        };
        bins.iter().enumerate().map(share).collect()
    }
}
