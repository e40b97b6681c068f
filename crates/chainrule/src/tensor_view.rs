//! A tensor of the parameters, to read: by element, by row or by copy, wherever its numbers lie.

use std::fmt;

use crate::kernel::Scalar;
use crate::kernel::panels::{Panels, place};
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
    /// Of the tensor; a vector is one row.
    numbers: Panels<'a, T>,
}

impl<'a, T: Scalar> TensorView<'a, T> {
    pub(crate) fn new(numbers: Panels<'a, T>) -> Self {
        TensorView { numbers }
    }

    /// Rows; 1 for a vector.
    pub fn rows(&self) -> usize {
        self.numbers.rows()
    }

    /// Columns; the length of a vector.
    pub fn columns(&self) -> usize {
        self.numbers.columns()
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.numbers.data().len()
    }

    /// The number in this row and column, both from 0.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn element(&self, row: usize, column: usize) -> T {
        let shape = (self.rows(), self.columns());
        assert!(row < shape.0 && column < shape.1, "row {row}, column {column} of {} x {}", shape.0, shape.1);
        self.numbers.data()[place::<T>(shape, row, column)]
    }

    /// The numbers of row `row`, from 0.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(
        &self,
        row: usize,
    ) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone + use<'a, T> {
        self.numbers.row(row)
    }

    /// All numbers, row by row.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone + use<'a, T> {
        let (numbers, shape) = (self.numbers.data(), (self.rows(), self.columns()));
        (0..numbers.len()).map(move |index| numbers[place::<T>(shape, index / shape.1, index % shape.1)])
    }

    /// Copies all numbers, row by row.
    ///
    /// # Panics
    /// When `to` has another length.
    pub fn copy_to(&self, to: &mut [T]) {
        self.numbers.to_rows(to);
    }

    /// A copy of all numbers, row by row.
    pub fn to_vec(&self) -> Vec<T> {
        let mut numbers = vec![T::zero(); self.count()];
        self.copy_to(&mut numbers);
        numbers
    }

    /// A copy as a matrix of its own.
    pub fn to_matrix(&self) -> Matrix<T> {
        Matrix::from_vec(self.rows(), self.columns(), self.to_vec()).expect("a tensor has its shape")
    }
}

/// Of the same shape, with equal numbers.
impl<T: Scalar> PartialEq for TensorView<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.columns() == other.columns() && self.numbers.data() == other.numbers.data()
    }
}

impl<T: Scalar> fmt::Debug for TensorView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_matrix().fmt(f)
    }
}
