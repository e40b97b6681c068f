//! How the work of a matrix operation is divided: by its shape alone.

use std::ops::Range;

/// One part of a matrix: these rows, these columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tile {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

/// The division of a `rows` x `columns` result into tiles along its longer side.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    rows: usize,
    columns: usize,
    along_rows: bool,
    count: usize,
}

/// Work below this many FLOPs is not worth a second thread.
const FLOPS_PER_TILE: usize = 2_000_000;
/// A narrower tile makes the matrix product read its other operand too often.
const MINIMUM_WIDTH: usize = 32;
const MAXIMUM_COUNT: usize = 16;

impl Tiles {
    /// Divides a result that costs `flops` in all.
    pub(super) fn new(rows: usize, columns: usize, flops: usize) -> Self {
        let along_rows = rows >= columns;
        let longer = if along_rows { rows } else { columns };
        let count = (flops / FLOPS_PER_TILE).min(longer / MINIMUM_WIDTH).clamp(1, MAXIMUM_COUNT);
        Tiles { rows, columns, along_rows, count }
    }

    /// How many tiles there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Tile number `index`; tiles differ by at most one multiple of 8 in width, and none has a single
    /// row or column unless the matrix has.
    pub(super) fn get(&self, index: usize) -> Tile {
        let longer = if self.along_rows { self.rows } else { self.columns };
        let cut = |i: usize| if i == self.count { longer } else { longer * i / self.count / 8 * 8 };
        let part = cut(index)..cut(index + 1);
        if self.along_rows {
            Tile { rows: part, columns: 0..self.columns }
        } else {
            Tile { rows: 0..self.rows, columns: part }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_element_once_and_none_is_a_sliver() {
        for (rows, columns) in [(1, 1), (1, 1000), (33, 64), (65, 64), (1000, 1), (129, 517)] {
            for flops in [0, 5_000_000, 1_000_000_000] {
                let tiles = Tiles::new(rows, columns, flops);
                let mut seen = vec![0; rows * columns];
                for index in 0..tiles.count() {
                    let tile = tiles.get(index);
                    if tiles.count() > 1 {
                        assert!(tile.rows.len().max(tile.columns.len()) >= 16);
                    }
                    for i in tile.rows {
                        for j in tile.columns.clone() {
                            seen[i * columns + j] += 1;
                        }
                    }
                }
                assert!(seen.iter().all(|&times| times == 1), "{rows} x {columns}");
            }
        }
    }
}
