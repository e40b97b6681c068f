//! Row-major matrices: one row of every matrix is one sample.

use std::fmt;
use std::ops::{Index, IndexMut, Range};

use crate::error::{Error, Result};
use crate::kernel::{Scalar, rows::Rows};

/// An owned row-major matrix.
///
/// ```
/// let m = chainrule::Matrix::from_rows(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!((m.rows(), m.columns(), m[(1, 2)]), (2, 3, 6.0));
/// ```
#[derive(Clone, PartialEq, Default)]
pub struct Matrix<T> {
    data: Vec<T>,
    rows: usize,
    columns: usize,
}

/// A borrowed row-major matrix.
///
/// ```
/// use chainrule::{Matrix, MatrixView};
/// let numbers = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let view = MatrixView::new(2, 3, &numbers)?;
/// assert_eq!(view.row(1), [4.0, 5.0, 6.0]);
/// assert_eq!(view.slice(1..2).to_matrix(), Matrix::from_rows(&[[4.0, 5.0, 6.0]]));
/// assert!(MatrixView::new(2, 4, &numbers).is_err());
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixView<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
}

impl<T: Scalar> Matrix<T> {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Matrix { data: vec![T::zero(); rows * columns], rows, columns }
    }

    /// A matrix from rows of equal length.
    pub fn from_rows<const N: usize>(rows: &[[T; N]]) -> Self {
        Matrix { data: rows.concat(), rows: rows.len(), columns: N }
    }

    /// A matrix from its elements, row by row.
    ///
    /// # Errors
    /// When `data` does not hold `rows * columns` elements.
    pub fn from_vec(rows: usize, columns: usize, data: Vec<T>) -> Result<Self> {
        MatrixView::new(rows, columns, &data)?;
        Ok(Matrix { data, rows, columns })
    }

    /// Borrows the whole matrix.
    pub fn view(&self) -> MatrixView<'_, T> {
        MatrixView { data: &self.data, rows: self.rows, columns: self.columns }
    }

    /// How many rows (samples) there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[T] {
        &self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// Row `i`, to change.
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        &mut self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// All elements, row by row.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// All elements, row by row, to change.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The elements, row by row.
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }

    /// The same numbers in another type, rounded to nearest.
    pub fn cast<U: Scalar>(&self) -> Matrix<U> {
        self.view().cast()
    }
}

impl<'a, T: Scalar> MatrixView<'a, T> {
    /// A view of `data` as `rows` x `columns`.
    ///
    /// # Errors
    /// When `data` does not hold `rows * columns` elements.
    #[inline]
    pub fn new(rows: usize, columns: usize, data: &'a [T]) -> Result<Self> {
        if rows.checked_mul(columns) != Some(data.len()) {
            let expected = format!("{rows} x {columns} numbers");
            return Err(Error::shape("matrix", expected, format!("{} numbers", data.len())));
        }
        Ok(MatrixView { data, rows, columns })
    }

    /// How many rows (samples) there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// The rows of `range`.
    pub fn slice(&self, range: Range<usize>) -> MatrixView<'a, T> {
        let rows = range.len();
        let data = &self.data[range.start * self.columns..range.end * self.columns];
        MatrixView { data, rows, columns: self.columns }
    }

    /// All elements, row by row.
    pub fn as_slice(&self) -> &'a [T] {
        self.data
    }

    /// An owned copy.
    pub fn to_matrix(&self) -> Matrix<T> {
        Matrix { data: self.data.to_vec(), rows: self.rows, columns: self.columns }
    }

    /// An owned copy in another type, rounded to nearest.
    pub fn cast<U: Scalar>(&self) -> Matrix<U> {
        let data = self.data.iter().map(|value| U::from_f64(value.as_f64())).collect();
        Matrix { data, rows: self.rows, columns: self.columns }
    }
}

impl<'a, T: Scalar> From<&'a Matrix<T>> for MatrixView<'a, T> {
    fn from(matrix: &'a Matrix<T>) -> Self {
        matrix.view()
    }
}

impl<'a, T: Scalar> From<MatrixView<'a, T>> for Rows<'a, T> {
    fn from(matrix: MatrixView<'a, T>) -> Self {
        Rows::new(matrix.data, matrix.rows, matrix.columns)
    }
}

impl<T: Scalar> Index<(usize, usize)> for MatrixView<'_, T> {
    type Output = T;
    fn index(&self, (i, j): (usize, usize)) -> &T {
        &self.row(i)[j]
    }
}

impl<T: Scalar> Index<(usize, usize)> for Matrix<T> {
    type Output = T;
    fn index(&self, (i, j): (usize, usize)) -> &T {
        &self.row(i)[j]
    }
}

impl<T: Scalar> IndexMut<(usize, usize)> for Matrix<T> {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut T {
        &mut self.row_mut(i)[j]
    }
}

impl<T: fmt::Debug> fmt::Debug for Matrix<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.data.chunks(self.columns.max(1))).finish()
    }
}
