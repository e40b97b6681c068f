//! The layout of matrices, parameters and what comes and goes in a step alike: panels of neighbouring columns.
//!
//! A matrix of `rows` x `columns` is cut into panels of [`panel_width`] columns (128 bytes: two cache lines, two
//! of the widest vectors; the last panel has what is left), one behind the other, each row-major:
//! element (i, j) lies at `rows * s + i * w + j - s`, where s is the panel's first column and w its width.
//! A matrix of one panel is a plain row-major matrix, and none has padding.
//!
//! In this layout every product reads values where they lie: row by row as the left operand, a
//! panel of all rows as the right one, a few columns of all rows as a transposed left one. Row by row lies what users
//! give and take: the API, files, traces and the initialization.

use std::ops::Range;

use super::Scalar;
use super::rows::Rows;

/// Columns of a full panel.
pub(crate) const fn panel_width<T>() -> usize {
    128 / size_of::<T>()
}

/// Where element (row, column) of a matrix [rows, columns] lies.
#[inline]
pub(crate) fn place<T>((rows, columns): (usize, usize), row: usize, column: usize) -> usize {
    let start = column / panel_width::<T>() * panel_width::<T>();
    rows * start + row * panel_width::<T>().min(columns - start) + column - start
}

/// Some rows of one panel of a matrix. They lie together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) rows: Range<usize>,
    /// The panel's first column.
    pub(crate) start: usize,
}

impl Piece {
    /// Where it lies in a matrix [rows, columns].
    pub(crate) fn range<T>(&self, (rows, columns): (usize, usize)) -> Range<usize> {
        let width = panel_width::<T>().min(columns - self.start);
        let first = rows * self.start;
        first + self.rows.start * width..first + self.rows.end * width
    }
}

/// A matrix in panels, to read.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
}

impl<'a, T: Scalar> Panels<'a, T> {
    /// Reads `data` as panels.
    pub(crate) fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns);
        Panels { data, rows, columns }
    }

    pub(crate) fn data(&self) -> &'a [T] {
        self.data
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The columns of the panel that starts at column `start`.
    #[inline(always)]
    pub(super) fn width_at(&self, start: usize) -> usize {
        panel_width::<T>().min(self.columns - start)
    }

    /// Where column `column` of row 0 lies, and how far the next row is.
    #[inline(always)]
    pub(crate) fn column(&self, column: usize) -> (usize, usize) {
        let start = column / panel_width::<T>() * panel_width::<T>();
        (self.rows * start + column - start, self.width_at(start))
    }

    /// The numbers of row `row`.
    pub(crate) fn row(
        self,
        row: usize,
    ) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone + use<'a, T> {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        let Panels { data, rows, columns } = self;
        (0..columns).map(move |column| data[place::<T>((rows, columns), row, column)])
    }

    /// Writes the matrix row by row into `rows`.
    pub(crate) fn to_rows(self, rows: &mut [T]) {
        assert_eq!(rows.len(), self.data.len());
        if self.rows <= 1 || self.columns <= panel_width::<T>() {
            return rows.copy_from_slice(self.data);
        }
        for start in (0..self.columns).step_by(panel_width::<T>()) {
            let width = self.width_at(start);
            let panel = &self.data[self.rows * start..][..self.rows * width];
            for (from, to) in panel.chunks_exact(width).zip(rows.chunks_exact_mut(self.columns)) {
                to[start..start + width].copy_from_slice(from);
            }
        }
    }
}

/// The rows of a batch, cut into blocks, one behind the other: each block is a matrix in panels.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<'a, T> {
    data: &'a [T],
    rows: usize,
    rows_in_block: usize,
    columns: usize,
    count: usize,
}

impl<'a, T: Scalar> Blocks<'a, T> {
    /// Reads `data`, which has `rows` rows, as blocks of `rows_in_block` rows; the last may have fewer.
    pub(crate) fn new(data: &'a [T], (rows, rows_in_block): (usize, usize), columns: usize) -> Self {
        assert!(data.len() == rows * columns && rows > 0 && rows_in_block > 0);
        // One block is one without a division, which takes longer than a small block.
        let count = if rows <= rows_in_block { 1 } else { rows.div_ceil(rows_in_block) };
        Blocks { data, rows, rows_in_block, columns, count }
    }

    /// How many blocks there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Whether the rows of another matrix are cut into the same blocks.
    pub(super) fn are_cut_as<U>(&self, other: &Blocks<'_, U>) -> bool {
        (self.rows, self.rows_in_block) == (other.rows, other.rows_in_block)
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn rows_in_block(&self) -> usize {
        self.rows_in_block
    }

    /// Block `index`.
    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> Panels<'a, T> {
        let first = index * self.rows_in_block;
        let rows = self.rows_in_block.min(self.rows - first);
        let data = &self.data[first * self.columns..(first + rows) * self.columns];
        Panels { data, rows, columns: self.columns }
    }
}

impl<'a, T: Scalar> From<Panels<'a, T>> for Blocks<'a, T> {
    /// One block.
    fn from(panels: Panels<'a, T>) -> Self {
        Blocks::new(panels.data, (panels.rows, panels.rows), panels.columns)
    }
}

/// Writes row `row` of a matrix of `rows` rows in panels.
#[inline]
pub(crate) fn write_row<T: Scalar, X: Copy>(
    panels: &mut [T],
    rows: usize,
    row: usize,
    values: &[X],
    number: impl Fn(X) -> T,
) {
    for (index, values) in values.chunks(panel_width::<T>()).enumerate() {
        let offset = rows * index * panel_width::<T>() + row * values.len();
        for (to, from) in panels[offset..offset + values.len()].iter_mut().zip(values) {
            *to = number(*from);
        }
    }
}

/// Writes a row-major matrix in panels.
pub(crate) fn from_rows<T: Scalar>(matrix: Rows<'_, T>, panels: &mut [T]) {
    assert_eq!(matrix.data().len(), panels.len());
    for row in 0..matrix.rows() {
        write_row(panels, matrix.rows(), row, matrix.row(row), |x| x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_and_lie_where_the_formula_says() {
        for (rows, columns) in [(1, 1), (3, 31), (5, 32), (2, 33), (7, 100)] {
            let values: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let mut data = vec![0.0; values.len()];
            from_rows(Rows::new(&values, rows, columns), &mut data);
            let panels = Panels::new(&data, rows, columns);
            for j in 0..columns {
                let (offset, stride) = panels.column(j);
                for i in 0..rows {
                    assert_eq!(data[offset + i * stride], values[i * columns + j]);
                    assert_eq!(place::<f32>((rows, columns), i, j), offset + i * stride);
                }
            }
            let mut back = vec![0.0; values.len()];
            panels.to_rows(&mut back);
            assert_eq!(back, values);
            let by_row: Vec<f32> = (0..rows).flat_map(|row| panels.row(row)).collect();
            assert_eq!(by_row, values);
            // Pieces lie one behind the other.
            let mut end = 0;
            for start in (0..columns).step_by(32) {
                for part in [0..rows / 2, rows / 2..rows] {
                    let range = Piece { rows: part, start }.range::<f32>((rows, columns));
                    assert_eq!(range.start, end);
                    end = range.end;
                }
            }
            assert_eq!(end, values.len());
        }
    }
}
