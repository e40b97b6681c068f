//! Inputs of a network: numbers, or bytes that stay bytes until a batch needs them; all rows, or chosen ones.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::kernel::panels::{panel_width, write_row};
use crate::kernel::vectorized::all_finite;
use crate::matrix::{Matrix, MatrixView};

/// Whether a network can take a number.
pub(crate) fn is_input<T: Scalar>(value: T, may_be_missing: bool) -> bool {
    value.is_finite() || may_be_missing && value.is_nan()
}

/// Rows of inputs, [samples, n_0]. A [`MatrixView`] converts into it.
///
/// Nothing is copied before a step takes its rows, and then once, by the thread that computes with them.
///
/// ```
/// use chainrule::{Inputs, Matrix};
/// let brightness: [f32; 256] = std::array::from_fn(|byte| byte as f32 / 255.0);
/// let images = Inputs::from_bytes(2, 3, &[0, 51, 255, 255, 0, 0], &brightness)?;
/// assert_eq!(images.select(&[1, 0]).to_matrix().row(1), [0.0, 0.2, 1.0]);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a, T> {
    source: Source<'a, T>,
    /// The rows of the source that these are; all of them if none.
    rows: Option<&'a [usize]>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a, T> {
    Numbers(MatrixView<'a, T>),
    Bytes { bytes: MatrixOfBytes<'a>, number_of: &'a [T; 256] },
}

#[derive(Clone, Copy, Debug)]
struct MatrixOfBytes<'a> {
    data: &'a [u8],
    rows: usize,
    columns: usize,
}

impl<'a, T> From<MatrixView<'a, T>> for Inputs<'a, T> {
    fn from(numbers: MatrixView<'a, T>) -> Self {
        Inputs { source: Source::Numbers(numbers), rows: None }
    }
}

impl<'a, T: Scalar> Inputs<'a, T> {
    /// `rows` x `columns` bytes, row by row, each of which stands for the number `number_of[byte]`.
    ///
    /// # Errors
    /// When there are not as many bytes.
    pub fn from_bytes(rows: usize, columns: usize, bytes: &'a [u8], number_of: &'a [T; 256]) -> Result<Self> {
        if rows.checked_mul(columns) != Some(bytes.len()) {
            let expected = format!("{rows} x {columns} bytes");
            return Err(Error::shape("inputs", expected, format!("{} bytes", bytes.len())));
        }
        let bytes = MatrixOfBytes { data: bytes, rows, columns };
        Ok(Inputs { source: Source::Bytes { bytes, number_of }, rows: None })
    }

    /// The chosen rows, in this order. They are numbers of rows of the source, also where these inputs are chosen rows.
    ///
    /// # Panics
    /// When the source has no such row.
    pub fn select(&self, rows: &'a [usize]) -> Inputs<'a, T> {
        let count = self.source_rows();
        assert!(rows.iter().all(|&row| row < count), "a row is not below {count}");
        Inputs { rows: Some(rows), ..*self }
    }

    /// How many rows (samples) there are.
    pub fn rows(&self) -> usize {
        self.rows.map_or(self.source_rows(), <[usize]>::len)
    }

    /// How many columns there are: n_0.
    pub fn columns(&self) -> usize {
        match self.source {
            Source::Numbers(numbers) => numbers.columns(),
            Source::Bytes { bytes, .. } => bytes.columns,
        }
    }

    fn source_rows(&self) -> usize {
        match self.source {
            Source::Numbers(numbers) => numbers.rows(),
            Source::Bytes { bytes, .. } => bytes.rows,
        }
    }

    /// The row of the source that row `row` is.
    pub(crate) fn source_row(&self, row: usize) -> usize {
        self.rows.map_or(row, |rows| rows[row])
    }

    /// Writes the rows of `range` into panels.
    pub(crate) fn write_panels(&self, range: Range<usize>, panels: &mut [T]) {
        let (count, columns) = (range.len(), self.columns());
        assert_eq!(panels.len(), count * columns);
        if let (Source::Numbers(numbers), None) = (self.source, self.rows)
            && columns <= panel_width::<T>()
        {
            // Neighbouring rows of one panel lie as they do in the matrix.
            return panels.copy_from_slice(numbers.slice(range).as_slice());
        }
        for (i, row) in range.map(|row| self.source_row(row)).enumerate() {
            match self.source {
                Source::Numbers(numbers) => write_row(panels, count, i, numbers.row(row), |x| x),
                Source::Bytes { bytes, number_of } => {
                    let row = &bytes.data[row * columns..][..columns];
                    write_row(panels, count, i, row, |byte| number_of[usize::from(byte)]);
                }
            }
        }
    }

    /// The numbers, row by row.
    #[inline(never)]
    pub fn to_matrix(&self) -> Matrix<T> {
        let mut matrix = Matrix::zeros(self.rows(), self.columns());
        for i in 0..self.rows() {
            let row = self.source_row(i);
            match self.source {
                Source::Numbers(numbers) => matrix.row_mut(i).copy_from_slice(numbers.row(row)),
                Source::Bytes { bytes, number_of } => {
                    let row = &bytes.data[row * bytes.columns..][..bytes.columns];
                    for (to, byte) in matrix.row_mut(i).iter_mut().zip(row) {
                        *to = number_of[usize::from(*byte)];
                    }
                }
            }
        }
        matrix
    }

    /// Fails with the place of the first input that is not finite; those of some columns may be NaN.
    pub(crate) fn check_finite(&self, may_be_missing: &[bool]) -> Result<()> {
        let all = match self.source {
            Source::Numbers(numbers) => all_finite(numbers.as_slice()),
            Source::Bytes { number_of, .. } => all_finite(number_of),
        };
        if all {
            return Ok(());
        }
        let (numbers, columns) = (self.to_matrix(), self.columns());
        let is_refused = |(index, value): (usize, &T)| !is_input(*value, may_be_missing[index % columns]);
        match numbers.as_slice().iter().enumerate().position(is_refused) {
            None => Ok(()),
            Some(index) => {
                let (row, column) = (index / columns, index % columns);
                let reason = format!("{} is not finite", numbers[(row, column)]);
                Err(Error::Value { what: "inputs", row, column, reason })
            }
        }
    }
}
