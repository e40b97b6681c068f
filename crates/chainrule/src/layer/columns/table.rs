//! A category, given by its index, becomes a learned vector: a row of a table.

use serde::{Deserialize, Serialize};

use super::{ColumnKind, PieceOperands, PieceTensors};
use crate::error::{Result, require};
use crate::initialization::Start;
use crate::kernel::Scalar;
use crate::kernel::panels::Piece;
use crate::matrix::Matrix;
use crate::parameters::TensorRequest;

/// One input, the index of a category from 0, becomes the row of that index. Any other number, and a missing one, becomes
/// zeros.
///
/// Only the rows of a batch are looked at and added to; the gradient has the values of a dense one. Rows start normal with
/// variance 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// How many rows it has; at least 1.
    pub categories: usize,
    /// How many numbers a row has; at least 1.
    pub outputs: usize,
}

/// Indices are exact in f32 up to 2^24.
const MOST_CATEGORIES: usize = 1 << 24;

impl Table {
    /// The row that x names, if it names one.
    #[inline(always)]
    fn row<T: Scalar>(&self, x: T) -> Option<usize> {
        let x = x.as_f64();
        let row = x as usize;
        (row as f64 == x && row < self.categories).then_some(row)
    }
}

impl ColumnKind for Table {
    fn inputs(&self) -> usize {
        1
    }

    fn outputs_of_one(&self) -> usize {
        self.outputs
    }

    fn learns_missing(&self) -> bool {
        false
    }

    fn tensors(&self) -> Vec<TensorRequest> {
        vec![TensorRequest::matrix("weight", self.categories, self.outputs, Start::Normal(1.0))]
    }

    fn check(&self) -> Result<()> {
        let holds = (1..=MOST_CATEGORIES).contains(&self.categories);
        require(holds, "categories", self.categories as f64, "must be at least 1 and at most 16,777,216")?;
        require(self.outputs > 0, "outputs", self.outputs as f64, "must be at least 1")
    }

    fn flops_of_one(&self) -> u64 {
        0
    }

    fn forward<T: Scalar>(&self, tensors: PieceTensors<'_, T>, _: usize, x: &[T], outputs: &mut [T]) {
        let weight = tensors.matrix(0);
        for (output, to) in outputs.chunks_exact_mut(x.len()).enumerate() {
            let (offset, stride) = weight.column(output);
            for (to, &x) in to.iter_mut().zip(x) {
                *to = self.row(x).map_or(T::zero(), |row| weight.data()[offset + row * stride]);
            }
        }
    }

    /// Each row is a chain of sums in the order of the samples.
    fn add_gradient<T: Scalar>(
        &self,
        _: usize,
        _: Option<PieceTensors<'_, T>>,
        piece: &Piece,
        operands: &PieceOperands<'_, T>,
        gradient: &mut [T],
    ) {
        let width = gradient.len() / piece.rows.len();
        let x = operands.input(0);
        for sample in 0..operands.samples() {
            let Some(row) = self.row(x.get(sample)).filter(|row| piece.rows.contains(row)) else { continue };
            let sums = &mut gradient[(row - piece.rows.start) * width..][..width];
            for (column, sum) in sums.iter_mut().enumerate() {
                *sum += operands.delta(piece.start + column).get(sample);
            }
        }
    }

    fn value(&self, tensors: &[Matrix<f64>], _: usize, x: f64) -> Vec<f64> {
        let row = (0..self.categories).find(|&row| row as f64 == x);
        (0..self.outputs).map(|output| row.map_or(0.0, |row| tensors[0][(row, output)])).collect()
    }

    fn add_slopes(&self, _: &[Matrix<f64>], _: usize, x: f64, delta: &[f64], gradients: &mut [Matrix<f64>]) {
        if let Some(row) = (0..self.categories).find(|&row| row as f64 == x) {
            delta.iter().enumerate().for_each(|(output, delta)| gradients[0][(row, output)] += delta);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_in_the_table_are_rows() {
        let table = Table { categories: 3, outputs: 1 };
        assert_eq!([0.0f32, 1.0, 2.0].map(|x| table.row(x)), [Some(0), Some(1), Some(2)]);
        for x in [-1.0, 0.5, 3.0, 1e30, f32::NAN, f32::INFINITY, -0.5] {
            assert_eq!(table.row(x), None, "{x}");
        }
        // A gradient in panels lies where `place` says.
        assert_eq!(crate::kernel::panels::place::<f32>((3, 1), 2, 0), 2);
    }
}
