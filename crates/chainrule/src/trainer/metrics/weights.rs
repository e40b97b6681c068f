//! Sample weights, as metrics count them.

use crate::kernel::Scalar;

/// One weight for each row, at least 0 and finite; 1 where none were given.
pub(super) struct Weights(Option<Vec<f64>>);

impl Weights {
    /// These weights times a power of two. That rounds nothing and changes no metric, and keeps products of weights
    /// from becoming 0 or infinite.
    pub(super) fn new<T: Scalar>(weights: Option<&[T]>) -> Self {
        Weights(weights.map(|weights| {
            let largest = weights.iter().fold(0.0f64, |largest, weight| largest.max(weight.as_f64()));
            let scale =
                if largest > 0.0 { 2f64.powi(-(largest.log2() as i32).clamp(-1000, 1000)) } else { 1.0 };
            weights.iter().map(|weight| scale * weight.as_f64()).collect()
        }))
    }

    /// The weight of a row.
    #[inline]
    pub(super) fn of(&self, row: usize) -> f64 {
        self.0.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// Each row's weight `times` times in a row.
    pub(super) fn repeated(self, times: usize) -> Self {
        Weights(
            self.0.map(|weights| {
                weights.iter().flat_map(|&weight| std::iter::repeat_n(weight, times)).collect()
            }),
        )
    }
}
