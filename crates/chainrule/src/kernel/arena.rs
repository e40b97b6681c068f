//! The memory of a step: one buffer, tensors at fixed places in it, and threads that work on them block by block.
//!
//! A tensor has a row for each sample of the batch. The rows are cut into the same blocks everywhere, and each block
//! of a tensor is a matrix in panels.

use std::marker::PhantomData;
use std::ops::Range;

use super::panels::Blocks;
use super::parts::{PartTasks, Scratch, SharedPointer, SharedScratch, Together};
use super::{Scalar, Threads};

/// Rows of a block, at most: so many that a block's values stay in a core's cache.
const ROWS_IN_BLOCK: usize = 128;

/// How the rows of a batch are cut into blocks: as many for each thread. Results do not depend on it.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) rows: usize,
    pub(crate) rows_in_block: usize,
}

impl Cut {
    /// Blocks of up to `most_rows` rows, as [`Cut::most_rows`] gives it.
    pub(crate) fn new(rows: usize, threads: usize, most_rows: usize) -> Self {
        let blocks = threads * rows.div_ceil(threads * most_rows);
        Cut { rows, rows_in_block: rows.div_ceil(blocks).next_multiple_of(8) }
    }

    /// Rows of the largest block when up to `rows` rows are cut for `threads` threads.
    pub(crate) fn most_rows(rows: usize, threads: usize) -> usize {
        rows.div_ceil(threads).next_multiple_of(8).min(ROWS_IN_BLOCK).min(rows)
    }
}

/// Where a tensor lies: from `offset` on, `columns` numbers for each row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) offset: usize,
    pub(crate) columns: usize,
}

impl Place {
    /// The elements of these rows.
    pub(crate) fn of(self, rows: &Range<usize>) -> Range<usize> {
        self.offset + rows.start * self.columns..self.offset + rows.end * self.columns
    }

    /// The tensor's first rows, to read.
    pub(crate) fn blocks<T: Scalar>(self, arena: &[T], cut: Cut) -> Blocks<'_, T> {
        Blocks::new(&arena[self.of(&(0..cut.rows))], (cut.rows, cut.rows_in_block), self.columns)
    }
}

/// What blocks of rows are worked on with.
pub(crate) struct Work<'a, T> {
    pub(crate) threads: &'a Threads,
    pub(crate) cut: Cut,
    pub(crate) arena: &'a mut [T],
    pub(crate) scratch: &'a mut Scratch<T>,
    /// A number for each row.
    pub(crate) row_numbers: &'a mut [f64],
}

/// Places that do not overlap, so that tasks on different blocks of rows may change them at the same time.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    places: Vec<Place>,
    /// Rows that each place has room for.
    rows: usize,
    /// The end of the last place.
    end: usize,
}

impl Places {
    /// Checks that they do not overlap when each has `rows` rows.
    pub(crate) fn new(places: Vec<Place>, rows: usize) -> Self {
        let mut ranges: Vec<_> = places.iter().map(|place| place.of(&(0..rows))).collect();
        ranges.sort_by_key(|range| range.start);
        assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start), "tensors overlap");
        Places { end: ranges.last().map_or(0, |range| range.end), places, rows }
    }

    /// Calls `body(block, scratch, numbers of the block's rows)` for each block of rows, on all threads.
    pub(crate) fn for_each_block<T: Scalar>(
        &self,
        work: Work<'_, T>,
        body: impl Fn(&mut Block<'_, T>, &mut [T], &mut [f64]) + Sync,
    ) {
        let Work { threads, cut, arena, scratch, row_numbers } = work;
        let start = SharedPointer(arena.as_mut_ptr());
        let scratch = scratch.share(threads.count());
        let (count, task) = self.tasks(cut, (start, arena.len()), &scratch, row_numbers, body);
        threads.run_on(count, &task);
    }

    /// The same, and beside it `body_of_parts` for each part, as [`super::parts::Parts::for_each_with`] calls it. It is
    /// also given what lies in the places `read`, which are none of these.
    pub(crate) fn for_each_block_and_part<T: Scalar>(
        &self,
        work: Work<'_, T>,
        body: impl Fn(&mut Block<'_, T>, &mut [T], &mut [f64]) + Sync,
        (read, parts): ([Place; 2], PartTasks<'_, T>),
        body_of_parts: impl Fn(usize, Together<'_, T>, [Blocks<'_, T>; 2], &mut [T]) + Sync,
    ) {
        let Work { threads, cut, arena, scratch, row_numbers } = work;
        let (start, length) = (SharedPointer(arena.as_mut_ptr()), arena.len());
        let blocks = read.map(|place| {
            let range = place.of(&(0..cut.rows));
            let is_apart = |other: &Place| {
                let other = other.of(&(0..cut.rows));
                other.end <= range.start || range.end <= other.start
            };
            assert!(range.end <= length && self.places.iter().all(is_apart), "tensors overlap");
            // SAFETY: inside of the arena, which is borrowed, and apart from what the blocks change.
            let numbers = unsafe { std::slice::from_raw_parts(start.get().add(range.start), range.len()) };
            Blocks::new(numbers, (cut.rows, cut.rows_in_block), place.columns)
        });
        let scratch = scratch.share(threads.count());
        let (rows, task_of_rows) = self.tasks(cut, (start, length), &scratch, row_numbers, body);
        let (count, task_of_parts) =
            parts.tasks(&scratch, |index, buffers, scratch| body_of_parts(index, buffers, blocks, scratch));
        // Threads take tasks from both ends: first the rows that they had before.
        let half = rows.div_ceil(2);
        threads.run_on(rows + count, &|thread, task| match task {
            _ if task < half => task_of_rows(thread, task),
            _ if task < half + count => task_of_parts(thread, task - half),
            _ => task_of_rows(thread, task - count),
        });
    }

    /// How many blocks there are, and what is to be done for each of them: a task of the thread and its number.
    fn tasks<'a, T: Scalar>(
        &'a self,
        cut: Cut,
        (start, length): (SharedPointer<T>, usize),
        scratch: &'a SharedScratch<'_, T>,
        row_numbers: &'a mut [f64],
        body: impl Fn(&mut Block<'_, T>, &mut [T], &mut [f64]) + Sync + 'a,
    ) -> (usize, impl Fn(usize, usize) + Sync + 'a) {
        assert!(self.end <= length && cut.rows <= self.rows && row_numbers.len() == cut.rows);
        let numbers = SharedPointer(row_numbers.as_mut_ptr());
        let task = move |thread: usize, index: usize| {
            let first = index * cut.rows_in_block;
            let rows = first..cut.rows.min(first + cut.rows_in_block);
            let mut block =
                Block { start: start.get(), places: &self.places, rows: rows.clone(), borrowed: PhantomData };
            // SAFETY: blocks have rows of their own.
            let numbers = unsafe { std::slice::from_raw_parts_mut(numbers.get().add(first), rows.len()) };
            // SAFETY: this thread runs one task at a time.
            let scratch = unsafe { scratch.of(thread) };
            body(&mut block, scratch, numbers);
        };
        (cut.rows.div_ceil(cut.rows_in_block), task)
    }
}

/// Some rows of the batch in all tensors of [`Places`].
pub(crate) struct Block<'a, T> {
    start: *mut T,
    places: &'a [Place],
    rows: Range<usize>,
    borrowed: PhantomData<&'a mut [T]>,
}

impl<T> Block<'_, T> {
    /// The rows of the batch.
    pub(crate) fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// These rows of different tensors, each named by its index among the places.
    pub(crate) fn tensors<const N: usize>(&mut self, which: [usize; N]) -> [&mut [T]; N] {
        let different = (0..N).all(|i| which[..i].iter().all(|other| *other != which[i]));
        assert!(different, "a tensor is named twice");
        which.map(|index| {
            let range = self.places[index].of(&self.rows);
            // SAFETY: inside of the arena, which is borrowed; places do not overlap, nor do the rows of blocks, and
            // each place is lent once as long as this block is.
            unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::parts::Parts;

    #[test]
    fn blocks_are_these_rows_of_each_tensor() {
        let (rows, places) = (37, [Place { offset: 3, columns: 2 }, Place { offset: 80, columns: 5 }]);
        let mut arena = vec![-1.0f32; 300];
        for count in [1, 3] {
            let cut = Cut::new(rows, count, Cut::most_rows(rows, count));
            let (mut numbers, mut scratch) = (vec![0.0; rows], Scratch::new(4));
            let places = Places::new(places.to_vec(), rows + 1);
            let work = Work {
                threads: &Threads::new(count),
                cut,
                arena: &mut arena,
                scratch: &mut scratch,
                row_numbers: &mut numbers,
            };
            places.for_each_block(work, |block, own, rows| {
                let first = block.rows().start;
                own.fill(first as f32);
                let [a, b] = block.tensors([0, 1]);
                assert_eq!((a.len(), b.len()), (2 * rows.len(), 5 * rows.len()));
                a.fill(own[0]);
                b.fill(own[3] + 0.5);
                rows.fill(first as f64);
            });
            for (row, number) in numbers.iter().enumerate() {
                let first = (row / cut.rows_in_block * cut.rows_in_block) as f32;
                assert_eq!(*number as f32, first);
                assert_eq!((arena[3 + 2 * row], arena[80 + 5 * row + 4]), (first, first + 0.5));
            }
            let outside = [2, 3 + 2 * rows, 79, 80 + 5 * rows];
            assert!(outside.iter().all(|&index| arena[index] == -1.0));
        }
    }

    /// Rows of places 0 and 1 beside parts of a buffer, which read places 2 and `read`.
    fn rows_and_parts(count: usize, read: usize) -> (Vec<f64>, Vec<f64>) {
        let all = [0, 80, 160, 240].map(|offset| Place { offset, columns: 2 });
        let mut arena: Vec<f64> = (0..320).map(f64::from).collect();
        let (mut buffer, mut numbers, mut scratch) = (vec![0.0; 30], vec![0.0; 37], Scratch::new(4));
        let cut = Cut::new(37, count, Cut::most_rows(37, count));
        // Not in the order of the buffer.
        let parts = Parts::new(vec![20..30, 0..10, 10..20]);
        let work = Work {
            threads: &Threads::new(count),
            cut,
            arena: &mut arena,
            scratch: &mut scratch,
            row_numbers: &mut numbers,
        };
        Places::new(all[..2].to_vec(), 40).for_each_block_and_part(
            work,
            |block, own, numbers| {
                let first = block.rows().start as f64;
                let [a, b] = block.tensors([0, 1]);
                own.fill(first);
                a.fill(first);
                b.copy_from_slice(a);
                numbers.fill(own[3]);
            },
            (
                [all[2], all[read]],
                PartTasks { parts: &parts, which: 0..3, buffers: [&mut buffer, &mut [], &mut [], &mut []] },
            ),
            |index, [part, none, ..], [one, other], own| {
                assert!(none.is_empty() && own.len() >= 4);
                let first = one.get(0).data()[0] + other.get(0).data()[0];
                part.fill(first + index as f64);
            },
        );
        arena.extend(numbers);
        (arena, buffer)
    }

    #[test]
    fn parts_beside_rows_read_other_places() {
        for count in [1, 2, 3, 5] {
            let cut = Cut::new(37, count, Cut::most_rows(37, count));
            let (arena, buffer) = rows_and_parts(count, 3);
            for row in 0..37 {
                let first = (row / cut.rows_in_block * cut.rows_in_block) as f64;
                assert_eq!([arena[2 * row], arena[80 + 2 * row + 1], arena[320 + row]], [first; 3]);
            }
            assert!((160..320).all(|i| arena[i] == i as f64));
            assert_eq!([buffer[0], buffer[10], buffer[29]], [401.0, 402.0, 400.0]);
        }
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn parts_do_not_read_what_rows_change() {
        rows_and_parts(2, 1);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn places_that_overlap_are_refused() {
        Places::new(vec![Place { offset: 0, columns: 2 }, Place { offset: 19, columns: 1 }], 10);
    }

    #[test]
    #[should_panic(expected = "twice")]
    fn a_tensor_is_lent_once() {
        let places = Places::new(vec![Place { offset: 0, columns: 2 }], 8);
        let (mut arena, mut numbers) = (vec![0.0f32; 16], vec![0.0; 8]);
        let work = Work {
            threads: &Threads::single(),
            cut: Cut::new(8, 1, 8),
            arena: &mut arena,
            scratch: &mut Scratch::new(0),
            row_numbers: &mut numbers,
        };
        places.for_each_block(work, |block, _, _| {
            block.tensors([0, 0]);
        });
    }
}
