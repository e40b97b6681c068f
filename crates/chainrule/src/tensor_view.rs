//! A tensor of the parameters, to read: by element, by row or by copy, wherever its numbers lie.

use std::fmt;

use crate::kernel::Scalar;
use crate::matrix::Matrix;

/// One tensor of [`Parameters`](crate::Parameters). A vector is one row.
///
/// ```
/// use chainrule::{Activation, Matrix, Network};
/// let network = Network::builder(3).dense(2, Activation::Tanh).build()?;
/// let mut parameters = network.zeros::<f64>();
/// parameters.set(1, &Matrix::from_rows(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), &[0.5, -0.5])?;
///
/// let weight = parameters.weight(1);
/// assert_eq!((weight.rows(), weight.columns()), (2, 3));
/// assert_eq!(weight.element(0, 2), 3.0);
/// assert_eq!(weight.row(1).sum::<f64>(), 15.0);
/// assert_eq!(weight.to_vec(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(parameters.bias(1).unwrap().to_vec(), [0.5, -0.5]);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct TensorView<'a, T> {
    columns: usize,
    /// Row by row.
    numbers: &'a [T],
}

impl<'a, T: Scalar> TensorView<'a, T> {
    /// Rows of `columns` numbers, one after the other.
    pub(crate) fn new(columns: usize, numbers: &'a [T]) -> Self {
        TensorView { columns, numbers }
    }

    /// Rows; 1 for a vector.
    pub fn rows(&self) -> usize {
        self.numbers.len() / self.columns
    }

    /// Columns; the length of a vector.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// The number in this row and column, both from 0.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn element(&self, row: usize, column: usize) -> T {
        assert!(column < self.columns, "column {column} of {}", self.columns);
        self.numbers[row * self.columns + column]
    }

    /// The numbers of row `row`, from 0.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(
        &self,
        row: usize,
    ) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone + use<'a, T> {
        self.numbers[row * self.columns..][..self.columns].iter().copied()
    }

    /// All numbers, row by row.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone + use<'a, T> {
        self.numbers.iter().copied()
    }

    /// Copies all numbers, row by row.
    ///
    /// # Panics
    /// When `to` has another length.
    pub fn copy_to(&self, to: &mut [T]) {
        to.copy_from_slice(self.numbers);
    }

    /// A copy of all numbers, row by row.
    pub fn to_vec(&self) -> Vec<T> {
        self.numbers.to_vec()
    }

    /// A copy as a matrix of its own.
    pub fn to_matrix(&self) -> Matrix<T> {
        Matrix::from_vec(self.rows(), self.columns, self.to_vec()).expect("a tensor has its shape")
    }
}

/// Of the same shape, with equal numbers.
impl<T: Scalar> PartialEq for TensorView<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns && self.numbers == other.numbers
    }
}

impl<T: Scalar> fmt::Debug for TensorView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_matrix().fmt(f)
    }
}
