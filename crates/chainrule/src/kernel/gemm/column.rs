//! The product with one column, as for one sample: a lane for each row of the result, since one for each column would leave
//! all but one empty. Every element is the same chain as in [`super::loops`].

use crate::kernel::Scalar;
use crate::kernel::dispatch::{Kernel, Vectors};
use crate::kernel::lanes::{Lanes, Turned, prefetch};
use crate::kernel::panels::{Panels, panel_width};

/// c = b + A x for the rows of A from `first` on, as many as c has, in shapes that [`super::product`] has checked.
pub(super) struct ColumnProduct<'a, T> {
    pub(super) a: Panels<'a, T>,
    pub(super) x: &'a [T],
    pub(super) first: usize,
    /// Of all rows.
    pub(super) begin: Option<&'a [T]>,
    pub(super) c: &'a mut [T],
}

/// Vectors of rows that go on side by side: a chain takes a step in the time of four multiply-adds.
const TOGETHER: usize = 4;

impl<T: Scalar> Kernel for ColumnProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vectors>(self) {
        let ColumnProduct { a, x, first, begin, c } = self;
        match begin {
            Some(begin) => c.copy_from_slice(&begin[first..first + c.len()]),
            None => c.fill(T::zero()),
        }
        let (rows, lanes) = (c.len(), V::Turned::<T>::COUNT);
        let mut top = 0;
        // SAFETY: so many rows are left.
        unsafe {
            while rows - top >= TOGETHER * lanes {
                vectors::<V::Turned<T>, TOGETHER>(a, x, first + top, &mut c[top..]);
                top += TOGETHER * lanes;
            }
            while rows - top >= lanes {
                vectors::<V::Turned<T>, 1>(a, x, first + top, &mut c[top..]);
                top += lanes;
            }
        }
        for (row, sum) in (top..rows).zip(&mut c[top..]) {
            *sum = a.row(first + row).zip(x).fold(*sum, |sum, (w, x)| w.mul_add(*x, sum));
        }
    }
}

/// The sums of N vectors of rows of A from `top` on, which go on from those in c.
///
/// # Safety
/// The rows are there, and the processor has V's instructions.
#[inline(always)]
unsafe fn vectors<V: Turned<Number: Scalar>, const N: usize>(
    a: Panels<'_, V::Number>,
    x: &[V::Number],
    top: usize,
    c: &mut [V::Number],
) {
    let (rows, depth) = (a.rows(), a.columns());
    // SAFETY: the caller's promise.
    unsafe {
        let c = c.as_mut_ptr();
        let mut sums = [V::splat(num_traits::Zero::zero()); N];
        for n in 0..N {
            sums[n] = V::load(c.add(n * V::COUNT));
        }
        for start in (0..depth).step_by(panel_width::<V::Number>()) {
            let width = panel_width::<V::Number>().min(depth - start);
            let panel = a.data().as_ptr().add(rows * start + top * width);
            let x = x.as_ptr().add(start);
            // The same rows of the next panel.
            let next = panel.wrapping_add(rows * width);
            for k in (0..width / 4 * 4).step_by(4) {
                // As many lines as four steps of all rows have.
                for line in 0..N * V::COUNT * 4 * size_of::<V::Number>() / 64 {
                    prefetch(next.wrapping_add(k * N * V::COUNT + line * 64 / size_of::<V::Number>()));
                }
                let x: [V; 4] = std::array::from_fn(|i| V::splat(*x.add(k + i)));
                for n in 0..N {
                    let columns = V::load_columns(panel.add(n * V::COUNT * width + k), width);
                    for i in 0..4 {
                        sums[n] = columns[i].multiply_add(x[i], sums[n]);
                    }
                }
            }
            for k in width / 4 * 4..width {
                let factor = V::splat(*x.add(k));
                for n in 0..N {
                    let mut column = [num_traits::Zero::zero(); 16];
                    for (row, number) in column[..V::COUNT].iter_mut().enumerate() {
                        *number = *panel.add((n * V::COUNT + row) * width + k);
                    }
                    sums[n] = V::load(column.as_ptr()).multiply_add(factor, sums[n]);
                }
            }
        }
        for n in 0..N {
            sums[n].store(c.add(n * V::COUNT));
        }
    }
}
