//! From and to the arrays of the crate `ndarray`, with the feature of that name.

use ndarray::{Array2, ArrayView2};

use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::matrix::{Matrix, MatrixView};

impl<'a, T: Scalar> TryFrom<ArrayView2<'a, T>> for MatrixView<'a, T> {
    type Error = Error;

    /// The same numbers, where they lie row by row.
    ///
    /// # Errors
    /// When they lie in another order, as those of a transpose do: `as_standard_layout()` puts them in this one.
    fn try_from(array: ArrayView2<'a, T>) -> Result<Self> {
        let (rows, columns) = array.dim();
        match array.to_slice() {
            Some(numbers) => MatrixView::new(rows, columns, numbers),
            None => {
                let expected = "numbers that lie row by row; as_standard_layout() puts them so";
                Err(Error::shape("array", expected, format!("strides {:?}", array.strides())))
            }
        }
    }
}

impl<T: Scalar> From<Array2<T>> for Matrix<T> {
    /// The same numbers, row by row.
    fn from(array: Array2<T>) -> Self {
        let (rows, columns) = array.dim();
        let numbers = array.into_iter().collect();
        Matrix::from_vec(rows, columns, numbers).expect("an array has as many numbers as its shape says")
    }
}

impl<T: Scalar> From<Matrix<T>> for Array2<T> {
    fn from(matrix: Matrix<T>) -> Self {
        let shape = (matrix.rows(), matrix.columns());
        Array2::from_shape_vec(shape, matrix.into_vec())
            .expect("a matrix has as many numbers as its shape says")
    }
}
