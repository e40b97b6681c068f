//! The peak of fused multiply-adds of this machine, which the speed of a training step is compared with.

use std::hint::{black_box, spin_loop};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use super::{Scalar, Threads};

/// How often the peak is measured; the best counts, since other programs can only slow a round down.
const ROUNDS: usize = 6;

/// How long each thread computes in a round.
const ROUND: Duration = Duration::from_millis(6);

/// How long a thread waits for the others before a round.
const PATIENCE: Duration = Duration::from_millis(20);

/// Times that a loop goes over its accumulators in one call: some 10 microseconds of work.
const REPETITIONS: usize = 1 << 10;

/// The most fused multiply-adds that `threads` do together, in GFLOP/s:
///
/// ```text
/// peak = 2 * multiply-adds of all threads / (last thread's end - first thread's start) / 10^9
/// ```
///
/// Each thread runs x = x * a + b on numbers in registers, in vectors as wide as the machine has them and in
/// more independent chains than the units need to be busy at all times. No memory is read: a training step
/// can only come near. Takes about 40 ms.
///
/// ```
/// let threads = chainrule::Threads::new(2);
/// assert!(chainrule::fma_peak::<f32>(&threads) > 0.0);
/// ```
#[inline(never)]
pub fn fma_peak<T: Scalar>(threads: &Threads) -> f64 {
    let chosen = Loop::widest(size_of::<T>() == size_of::<f32>());
    (0..ROUNDS).map(|_| chosen.measure(threads)).fold(0.0, f64::max)
}

/// One instruction set's multiply-adds.
struct Loop {
    /// FLOPs of one call: two for each multiplication with its addition.
    flops: usize,
    /// Needs the instructions that [`Loop::all`] has looked for.
    call: unsafe fn(),
}

impl Loop {
    fn widest(single: bool) -> Loop {
        Loop::all(single).swap_remove(0)
    }

    /// Those that this machine can run, the widest first; of single or double precision.
    fn all(single: bool) -> Vec<Loop> {
        let mut loops = Vec::new();
        let mut add = |accumulators: usize, lanes: usize, call: unsafe fn()| {
            loops.push(Loop { flops: 2 * REPETITIONS * accumulators * lanes, call });
        };
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                match single {
                    true => add(24, 16, x86::avx512_single),
                    false => add(24, 8, x86::avx512_double),
                }
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                match single {
                    true => add(12, 8, x86::avx2_single),
                    false => add(12, 4, x86::avx2_double),
                }
            }
        }
        match single {
            true => add(PORTABLE_ACCUMULATORS, PORTABLE_LANES, portable::<f32>),
            false => add(PORTABLE_ACCUMULATORS, PORTABLE_LANES, portable::<f64>),
        }
        loops
    }

    /// One round, in GFLOP/s.
    ///
    /// Threads start together. Where one comes late, or takes no part because it is not scheduled, the time of
    /// the round grows with it.
    fn measure(&self, threads: &Threads) -> f64 {
        let count = threads.count();
        let waiting = AtomicUsize::new(0);
        let calls = AtomicUsize::new(0);
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
            while start.elapsed() < ROUND {
                // SAFETY: this machine has the instructions, as `all` saw.
                unsafe { (self.call)() };
                done += 1;
            }
            let end = Instant::now();
            calls.fetch_add(done, SeqCst);
            if let Ok(mut span) = span.lock() {
                let (first, last) = span.unwrap_or((start, end));
                *span = Some((first.min(start), last.max(end)));
            }
        });
        let Ok(Some((first, last))) = span.into_inner() else { return 0.0 };
        (calls.into_inner() * self.flops) as f64 / (last - first).as_secs_f64() / 1e9
    }
}

// In every loop below x alternates between its first value and 1.5 less that value, exactly: it becomes neither
// infinite nor subnormal, and no processor could skip the work. The compiler does not know a and b.

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::REPETITIONS;

    macro_rules! multiply_add_loop {
        ($name:ident, $features:literal, $accumulators:literal, $broadcast:ident, $multiply_add:ident) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name() {
                let (a, b) = ($broadcast(black_box(-1.0)), $broadcast(black_box(1.5)));
                let mut x = [a; $accumulators];
                for i in 0..$accumulators {
                    x[i] = $broadcast(black_box(i as f32 / 32.0).into());
                }
                for _ in 0..REPETITIONS {
                    for x in &mut x {
                        *x = $multiply_add(*x, a, b);
                    }
                }
                black_box(&x);
            }
        };
    }

    multiply_add_loop!(avx512_single, "avx512f", 24, _mm512_set1_ps, _mm512_fmadd_ps);
    multiply_add_loop!(avx512_double, "avx512f", 24, _mm512_set1_pd, _mm512_fmadd_pd);
    multiply_add_loop!(avx2_single, "avx2,fma", 12, _mm256_set1_ps, _mm256_fmadd_ps);
    multiply_add_loop!(avx2_double, "avx2,fma", 12, _mm256_set1_pd, _mm256_fmadd_pd);
}

const PORTABLE_ACCUMULATORS: usize = 8;
const PORTABLE_LANES: usize = 4;

/// What the compiler makes of the formula for the processors that it was told of.
fn portable<T: Scalar>() {
    let (a, b) = (black_box(T::from_f64(-1.0)), black_box(T::from_f64(1.5)));
    let mut x = [[T::zero(); PORTABLE_LANES]; PORTABLE_ACCUMULATORS];
    for (i, x) in x.as_flattened_mut().iter_mut().enumerate() {
        *x = black_box(T::from_f64(i as f64 / 32.0));
    }
    // Without the instruction, `mul_add` is a function call.
    let fused = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
    for _ in 0..REPETITIONS {
        for x in x.as_flattened_mut() {
            *x = if fused { x.mul_add(a, b) } else { *x * a + b };
        }
    }
    black_box(&x);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_gives_a_speed_on_any_number_of_threads() {
        for count in [1, 3] {
            let threads = Threads::new(count);
            for chosen in [true, false].into_iter().flat_map(Loop::all) {
                let speed = chosen.measure(&threads);
                assert!(speed.is_finite() && speed > 0.0, "{speed}");
            }
        }
    }
}
