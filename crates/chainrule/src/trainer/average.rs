//! The exponential moving average of the parameters: average = decay average + (1 - decay) w after every step, from the
//! parameters after the first.

use crate::kernel::parts::for_each_part;
use crate::kernel::vectorized::vectorized_loop;
use crate::kernel::{Scalar, Threads};
use crate::parameters::Parameters;

/// Takes the parameters after a step into account; `steps` is how many were taken, with this one.
pub(super) fn update_average<T: Scalar>(
    threads: &Threads,
    average: &mut Parameters<T>,
    parameters: &Parameters<T>,
    decay: f64,
    steps: u64,
) {
    if steps <= 1 {
        return average.copy_from(parameters);
    }
    let (new, rest) = (parameters.as_slice(), T::from_f64(1.0 - decay));
    let average = average.as_mut_slice();
    let buffers = [average, &mut [], &mut [], &mut []];
    for_each_part(threads, new.len(), buffers, |range, [average, ..]| {
        vectorized_loop! {
            for T: average: &'a mut [T] = average, new: &'a [T] = &new[range], rest: T = rest;
            for (average, &w) in average.iter_mut().zip(new) {
                *average = (w - *average).mul_add(rest, *average);
            }
        }
    });
}
