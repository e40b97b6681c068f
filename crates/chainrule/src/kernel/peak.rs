//! The peaks of fused multiply-adds of this machine, in bursts and sustained, which the speed of a training step is compared with.

use std::hint::{black_box, spin_loop};
use std::marker::PhantomData;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use super::dispatch::{Kernel, Vectors, dispatch_to};
use super::instructions::{InstructionSet, instruction_set};
use super::lanes::Lanes;
use super::{Scalar, Threads};

/// What is measured: so many rounds, in which each thread computes so long. The best round counts, since other programs can
/// only slow one down.
struct Rounds {
    count: usize,
    length: Duration,
}

/// Of the burst peak: too short for other programs, or the processor's limits of power and heat, to matter in all of them.
const BURST: Rounds = Rounds { count: 64, length: Duration::from_micros(40) };

/// Of the sustained peak: as long as a training step, or a part of it.
const SUSTAINED: Rounds = Rounds { count: 5, length: Duration::from_millis(2) };

/// No further round begins after so long: where other programs have the processors, threads wait for each other.
const LONGEST: Duration = Duration::from_millis(30);

/// How long a thread waits for the others before a round.
const PATIENCE: Duration = Duration::from_millis(20);

/// Times that a loop goes over its accumulators in one call: 2 to 10 microseconds of work.
const REPETITIONS: usize = 1 << 10;

/// The most fused multiply-adds that `threads` do together for a moment, in GFLOP/s, the best of up to 64 rounds of 40
/// microseconds:
///
/// ```text
/// peak = 2 * multiply-adds of all threads / (last thread's end - first thread's start) / 10^9
/// ```
///
/// Each thread runs x = x * a + b on numbers in registers, in vectors of the instruction set that
/// [`instructions`](crate::instructions()) tells and in more independent chains than the units need to be busy at all
/// times. No memory is read. What lasts longer than such a round is better compared with [`sustained_fma_peak`]. Takes
/// about 4 ms. Needs a clock, which `wasm32-unknown-unknown` has not.
///
/// ```
/// let threads = chainrule::Threads::new(2);
/// let gigaflops_per_second = chainrule::fma_peak::<f32>(&threads);
/// assert!(gigaflops_per_second > 0.0);
/// ```
#[inline(never)]
pub fn fma_peak<T: Scalar>(threads: &Threads) -> f64 {
    best::<T>(&BURST, threads)
}

/// The most fused multiply-adds that `threads` do together for 2 milliseconds or longer, in GFLOP/s: the same formula and
/// the same work as those of [`fma_peak`], the best of 5 rounds.
///
/// It is what a training step can come near: a processor may have a higher clock for some microseconds, and a virtual
/// machine its processors to itself, that it has not for longer. It changes with the clock and with what else runs on the
/// machine, so whoever compares a speed with it measures it before and after, and takes the best. Takes about 10 ms.
///
/// ```
/// let threads = chainrule::Threads::new(2);
/// let gigaflops_per_second = chainrule::sustained_fma_peak::<f32>(&threads);
/// assert!(gigaflops_per_second > 0.0);
/// ```
#[inline(never)]
pub fn sustained_fma_peak<T: Scalar>(threads: &Threads) -> f64 {
    best::<T>(&SUSTAINED, threads)
}

fn best<T: Scalar>(rounds: &Rounds, threads: &Threads) -> f64 {
    let start = Instant::now();
    let mut best: f64 = 0.0;
    for index in 0..rounds.count {
        if index > 0 && start.elapsed() > LONGEST {
            break;
        }
        // SAFETY: what is chosen is among what the processor has.
        best = best.max(unsafe { measure::<T>(instruction_set(), threads, rounds.length) });
    }
    best
}

/// One round, in GFLOP/s.
///
/// Threads start together. Where one comes late, or takes no part because it is not scheduled, the time of
/// the round grows with it. Threads that the machine has no processor for take no part: they would only wait for each other.
///
/// # Safety
/// The processor has these instructions.
unsafe fn measure<T: Scalar>(set: InstructionSet, threads: &Threads, length: Duration) -> f64 {
    let count = threads.count_at_once();
    let waiting = AtomicUsize::new(0);
    let flops = AtomicUsize::new(0);
    let span: Mutex<Option<(Instant, Instant)>> = Mutex::new(None);
    threads.run(count, &|_| {
        let arrival = Instant::now();
        waiting.fetch_add(1, SeqCst);
        while waiting.load(SeqCst) < count && arrival.elapsed() < PATIENCE {
            std::thread::yield_now();
            spin_loop();
        }
        let start = Instant::now();
        let mut done = 0;
        while start.elapsed() < length {
            // SAFETY: the caller's promise.
            done += unsafe { dispatch_to(set, MultiplyAdds(PhantomData::<T>)) };
        }
        let end = Instant::now();
        flops.fetch_add(done, SeqCst);
        if let Ok(mut span) = span.lock() {
            let (first, last) = span.unwrap_or((start, end));
            *span = Some((first.min(start), last.max(end)));
        }
    });
    let Ok(Some((first, last))) = span.into_inner() else { return 0.0 };
    flops.into_inner() as f64 / (last - first).as_secs_f64() / 1e9
}

/// Multiply-adds in registers; gives the FLOPs: two for each multiplication with its addition.
struct MultiplyAdds<T>(PhantomData<T>);

impl<T: Scalar> Kernel for MultiplyAdds<T> {
    type Output = usize;

    #[inline(always)]
    unsafe fn run<V: Vectors>(self) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            // As many chains as three quarters of the registers.
            match V::Of::<T>::ROWS {
                8 => multiply_add::<V::Of<T>, 24>(),
                _ => multiply_add::<V::Of<T>, 12>(),
            }
        }
    }
}

/// x alternates between its first value and 1.5 less that value, exactly: it becomes neither infinite nor subnormal, and
/// no processor could skip the work. The compiler does not know a and b.
///
/// # Safety
/// The processor has V's instructions.
#[inline(always)]
unsafe fn multiply_add<V: Lanes<Number: Scalar>, const CHAINS: usize>() -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let hidden = |value: f64| V::splat(black_box(V::Number::from_f64(value)));
        let (a, b) = (hidden(-1.0), hidden(1.5));
        let mut x = [a; CHAINS];
        for i in 0..CHAINS {
            x[i] = hidden(i as f64 / 32.0);
        }
        for _ in 0..REPETITIONS {
            for x in &mut x {
                *x = x.multiply_add(a, b);
            }
        }
        black_box(&x);
    }
    2 * REPETITIONS * CHAINS * V::COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_a_speed_on_any_number_of_threads() {
        for count in [1, 3] {
            let threads = Threads::new(count);
            for set in InstructionSet::available() {
                // SAFETY: the processor has these instructions.
                let (single, double) = unsafe {
                    (measure::<f32>(set, &threads, BURST.length), measure::<f64>(set, &threads, BURST.length))
                };
                let speeds = [single, double];
                assert!(speeds.iter().all(|speed| speed.is_finite() && *speed > 0.0), "{set:?}: {speeds:?}");
            }
        }
    }
}
