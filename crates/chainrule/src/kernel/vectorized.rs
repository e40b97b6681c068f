//! Loops over elements, compiled for each instruction set.

use super::Scalar;
use super::dispatch::{Kernel, Vectors, dispatch};

/// A loop that is compiled once for each instruction set. Its arithmetic stays the same, element by element.
pub(crate) trait Loop {
    /// Must be `#[inline(always)]`: a function of its own lacks the wide instructions.
    fn run(self);
}

/// Runs a loop by the chosen instruction set.
#[inline]
pub(crate) fn run_loop(body: impl Loop) {
    struct Body<L>(L);

    impl<L: Loop> Kernel for Body<L> {
        type Output = ();

        #[inline(always)]
        unsafe fn run<V: Vectors>(self) {
            self.0.run();
        }
    }

    dispatch(Body(body));
}

/// Runs a loop by the chosen instruction set. (A closure would not do: the compiler may leave it a function of its own.)
///
/// Everything that the body uses is named with its type and value, and at least one of them is borrowed:
/// `vectorized_loop! { for T: values: &'a mut [T] = values, slope: T = slope; body }`.
macro_rules! vectorized_loop {
    (for $number:ident: $($name:ident: $type:ty = $value:expr),+; $body:expr) => {{
        struct Body<'a, $number> {
            $($name: $type),+
        }

        impl<$number: $crate::kernel::Scalar> $crate::kernel::vectorized::Loop for Body<'_, $number> {
            #[inline(always)]
            fn run(self) {
                let Self { $($name),+ } = self;
                $body
            }
        }

        $crate::kernel::vectorized::run_loop(Body { $($name: $value),+ })
    }};
}

pub(crate) use vectorized_loop;

/// Whether every element is finite.
pub(crate) fn all_finite<T: Scalar>(values: &[T]) -> bool {
    let mut finite = true;
    // x * 0 is 0 for finite x and NaN otherwise; sums in lanes vectorize, an early return does not.
    vectorized_loop! {
        for T: values: &'a [T] = values, finite: &'a mut bool = &mut finite;
        {
            let mut lanes = [T::zero(); 32];
            let chunks = values.chunks_exact(32);
            let rest = chunks.remainder();
            for chunk in chunks {
                for i in 0..32 {
                    lanes[i] += chunk[i] * T::zero();
                }
            }
            // An array of its own: one that is indexed by a number from memory does not stay in registers.
            let mut last = [T::zero(); 32];
            last[..rest.len()].copy_from_slice(rest);
            for i in 0..32 {
                lanes[i] += last[i] * T::zero();
            }
            *finite = lanes.iter().all(|lane| *lane == T::zero());
        }
    }
    finite
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::dispatch::dispatch_to;
    use crate::kernel::functions::tanh;
    use crate::kernel::instructions::InstructionSet;

    /// One loop, run by every instruction set that this machine has.
    fn same_bits_on_every_instruction_set<T: Scalar>(bits: fn(T) -> u64) {
        struct Body<'a, T>(&'a mut [T]);
        impl<T: Scalar> Kernel for Body<'_, T> {
            type Output = ();

            #[inline(always)]
            unsafe fn run<V: Vectors>(self) {
                for value in self.0 {
                    *value = tanh(*value) * *value;
                }
            }
        }
        let values: Vec<T> = (0..1003).map(|i| T::from_f64(0.37 * f64::from(i) - 111.0)).collect();
        let expected: Vec<u64> = values.iter().map(|value| bits(tanh(*value) * *value)).collect();
        for set in InstructionSet::available() {
            let mut values = values.clone();
            // SAFETY: this machine has these instructions.
            unsafe { dispatch_to(set, Body(&mut values)) }
            assert_eq!(values.into_iter().map(bits).collect::<Vec<_>>(), expected, "{set:?}");
        }
    }

    #[test]
    fn a_loop_gives_the_same_bits_on_every_instruction_set() {
        same_bits_on_every_instruction_set::<f32>(|value| value.to_bits().into());
        same_bits_on_every_instruction_set::<f64>(f64::to_bits);
    }

    #[test]
    fn one_bad_element_anywhere_is_found() {
        for length in [0, 1, 31, 32, 33, 1000] {
            let values = vec![f32::MAX; length];
            assert!(all_finite(&values));
            for index in 0..length {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut values = values.clone();
                    values[index] = bad;
                    assert!(!all_finite(&values), "{bad} at {index} of {length}");
                }
            }
        }
    }
}
