//! A row-major matrix, as the kernels read it.

/// `rows` rows of `columns` numbers each, one behind the other.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
}

impl<'a, T> Rows<'a, T> {
    /// Reads `data` row by row.
    pub(crate) fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns);
        Rows { data, rows, columns }
    }

    pub(super) fn data(&self) -> &'a [T] {
        self.data
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn row(&self, row: usize) -> &'a [T] {
        &self.data[row * self.columns..(row + 1) * self.columns]
    }
}
