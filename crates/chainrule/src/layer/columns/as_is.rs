//! Numbers that are passed on as they are.

use serde::{Deserialize, Serialize};

use super::{ColumnKind, PieceOperands, PieceTensors};
use crate::error::{Result, require};
use crate::kernel::Scalar;
use crate::kernel::panels::Piece;
use crate::matrix::Matrix;
use crate::parameters::TensorRequest;

/// Numbers as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AsIs {
    /// How many; at least 1.
    pub width: usize,
    /// Whether they may be missing, and a learned number stands for each that is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

impl ColumnKind for AsIs {
    fn inputs(&self) -> usize {
        self.width
    }

    fn outputs_of_one(&self) -> usize {
        1
    }

    fn learns_missing(&self) -> bool {
        self.missing
    }

    fn tensors(&self) -> Vec<TensorRequest> {
        Vec::new()
    }

    fn check(&self) -> Result<()> {
        require(self.width > 0, "width", self.width as f64, "must be at least 1")
    }

    fn flops_of_one(&self) -> u64 {
        0
    }

    fn forward<T: Scalar>(&self, _: PieceTensors<'_, T>, _: usize, x: &[T], outputs: &mut [T]) {
        outputs.copy_from_slice(x);
    }

    fn add_gradient<T: Scalar>(
        &self,
        _: usize,
        _: Option<PieceTensors<'_, T>>,
        _: &Piece,
        _: &PieceOperands<'_, T>,
        _: &mut [T],
    ) {
    }

    fn value(&self, _: &[Matrix<f64>], _: usize, x: f64) -> Vec<f64> {
        vec![x]
    }

    fn add_slopes(&self, _: &[Matrix<f64>], _: usize, _: f64, _: &[f64], _: &mut [Matrix<f64>]) {}
}
