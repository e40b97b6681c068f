//! A small persistent pool of threads, passed around as a value.
//!
//! A job is a number of numbered tasks; threads take them from both ends. Idle workers spin briefly, then
//! sleep. A worker that the system does not schedule in time is not waited for.

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Threads that share the work of large layers.
///
/// Results do not depend on how many there are. Dropping the value ends them.
///
/// ```
/// let threads = chainrule::Threads::new(2);
/// assert_eq!(threads.count(), 2);
/// ```
pub struct Threads {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held while a job runs; a second caller works alone meanwhile.
    running: Mutex<()>,
    /// Workers that the machine can run beside the caller. More are not woken: they would take turns with
    /// those that work, and everybody would wait for them.
    useful: usize,
}

/// Turns of waiting before a worker sleeps: about 50 microseconds.
const TURNS: usize = 2_000;
/// Turns before whoever waits lets other threads run: whoever is waited for may be on the same core.
const PATIENT_TURNS: usize = 300;

/// One turn of waiting.
fn wait(turn: usize) {
    if turn > PATIENT_TURNS && turn.is_multiple_of(32) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

/// `state` is `generation << 17 | open << 16 | workers inside`.
const OPEN: u64 = 1 << 16;
const INSIDE: u64 = OPEN - 1;
const GENERATION: u64 = 1 << 17;

/// Called with the number of the thread (0 for the caller) and the number of the task.
type Task<'a> = dyn Fn(usize, usize) + Sync + 'a;
type Panic = Box<dyn Any + Send>;

struct Shared {
    state: AtomicU64,
    job: UnsafeCell<Option<&'static Task<'static>>>,
    /// The tasks that nobody has taken: `first << 32 | end`.
    tasks: AtomicU64,
    panic: Mutex<Option<Panic>>,
    sleeping: AtomicUsize,
    sleep: Mutex<()>,
    wake: Condvar,
    end: AtomicBool,
}

// SAFETY: `job` is written only while no worker is inside (the caller has closed the state and has
// seen the count of workers at zero) and read only by workers that entered after it was opened.
unsafe impl Sync for Shared {}
// SAFETY: the job is a reference to a `Sync` closure.
unsafe impl Send for Shared {}

impl Threads {
    /// A pool of `count` threads, the calling one included; at least one. It has fewer where the system gives no more,
    /// and one where there are no threads, as in WebAssembly.
    pub fn new(count: usize) -> Self {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            tasks: AtomicU64::new(0),
            panic: Mutex::new(None),
            sleeping: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
            end: AtomicBool::new(false),
        });
        let workers: Vec<_> = (1..count.clamp(1, 1024))
            .map_while(|index| {
                let shared = Arc::clone(&shared);
                let builder = std::thread::Builder::new().name(format!("chainrule-{index}"));
                builder.spawn(move || shared.work(index)).ok()
            })
            .collect();
        Threads { shared, workers, running: Mutex::new(()), useful: cores() - 1 }
    }

    /// The calling thread alone.
    pub fn single() -> Self {
        Threads::new(1)
    }

    /// As many as the machine runs at once.
    pub fn available() -> Self {
        Threads::new(cores())
    }

    /// How many threads there are, the calling one included.
    pub fn count(&self) -> usize {
        self.workers.len() + 1
    }

    /// How many of them the machine runs at once, the calling one included.
    pub(crate) fn count_at_once(&self) -> usize {
        self.count().min(self.useful + 1)
    }

    /// Runs `task(0)`, ..., `task(tasks - 1)`, in any order, and returns when all are done.
    pub(crate) fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        self.run_on(tasks, &|_, index| task(index));
    }

    /// The same, where a task is also told which thread runs it: a number below [`Threads::count`].
    pub(crate) fn run_on(&self, tasks: usize, task: &Task<'_>) {
        // Numbers of tasks have 32 bits.
        let alone = self.workers.is_empty() || tasks <= 1 || u32::try_from(tasks).is_err();
        let Some(_running) = (!alone).then(|| self.running.try_lock().ok()).flatten() else {
            return (0..tasks).for_each(|index| task(0, index));
        };
        let shared = &*self.shared;
        // SAFETY: only the lifetime changes. No worker is inside after `close`, which runs before
        // this function returns or unwinds, so the reference is not used after it.
        let task: &'static Task<'static> = unsafe { std::mem::transmute(task) };
        // SAFETY: the state is closed and no worker is inside; see `Sync` above.
        unsafe { *shared.job.get() = Some(task) };
        shared.tasks.store(tasks as u64, SeqCst);
        shared.state.fetch_add(GENERATION | OPEN, SeqCst);
        let awake = self.workers.len() - shared.sleeping.load(SeqCst);
        let wanted = self.useful.min(self.workers.len()).min(tasks - 1);
        if awake < wanted {
            let _sleep = lock(&shared.sleep);
            (awake..wanted).for_each(|_| shared.wake.notify_one());
        }
        shared.pick_up(0, task);
        shared.close();
        let panic = lock(&shared.panic).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Shared {
    /// A worker's life.
    fn work(&self, thread: usize) {
        let mut seen = 0;
        loop {
            let Some(generation) = self.await_job(seen) else { return };
            seen = generation;
            if let Some(task) = self.enter(generation) {
                self.pick_up(thread, task);
                self.state.fetch_sub(1, SeqCst);
            }
        }
    }

    /// Waits for a job of a later generation; none at the end.
    fn await_job(&self, seen: u64) -> Option<u64> {
        let news = || {
            let state = self.state.load(SeqCst);
            (state / GENERATION != seen && state & OPEN != 0).then_some(state / GENERATION)
        };
        for turn in 0..TURNS {
            if let Some(generation) = news() {
                return Some(generation);
            }
            wait(turn);
        }
        let mut sleep = lock(&self.sleep);
        self.sleeping.fetch_add(1, SeqCst);
        let result = loop {
            if self.end.load(SeqCst) {
                break None;
            }
            if let Some(generation) = news() {
                break Some(generation);
            }
            sleep = self.wake.wait(sleep).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleeping.fetch_sub(1, SeqCst);
        result
    }

    /// Counts this worker in, unless the job is over.
    fn enter(&self, generation: u64) -> Option<&'static Task<'static>> {
        let open = |state: u64| (state / GENERATION == generation && state & OPEN != 0).then_some(state + 1);
        self.state.fetch_update(SeqCst, SeqCst, open).ok()?;
        // SAFETY: this worker is counted, so the caller does not write the job.
        unsafe { *self.job.get() }
    }

    /// Runs tasks until none is left; a panic is kept for the caller and ends the job.
    fn pick_up(&self, thread: usize, task: &Task<'_>) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            while let Some(index) = self.next(thread) {
                task(thread, index);
            }
        }));
        if let Err(panic) = outcome {
            self.tasks.store(0, SeqCst);
            *lock(&self.panic) = Some(panic);
        }
    }

    /// Takes a task: the caller from the front, workers from the back. So tasks of the same number fall to the same
    /// core more often than not, where what they left in its cache still lies.
    fn next(&self, thread: usize) -> Option<usize> {
        let taken = self.tasks.fetch_update(SeqCst, SeqCst, |tasks| {
            let (first, end) = (tasks >> 32, tasks & u64::from(u32::MAX));
            (first < end).then(|| if thread == 0 { tasks + (1 << 32) } else { tasks - 1 })
        });
        let tasks = taken.ok()?;
        Some(if thread == 0 { tasks >> 32 } else { (tasks & u64::from(u32::MAX)) - 1 } as usize)
    }

    /// Lets no further worker in and waits for those inside.
    fn close(&self) {
        self.state.fetch_and(!OPEN, SeqCst);
        let mut turn = 0;
        while self.state.load(SeqCst) & INSIDE != 0 {
            turn += 1;
            wait(turn);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.end.store(true, SeqCst);
        {
            let _sleep = lock(&self.shared.sleep);
            self.shared.wake.notify_all();
        }
        for worker in self.workers.drain(..) {
            // A worker catches panics of its tasks; it has nothing to report at its end.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("count", &self.count()).finish()
    }
}

/// Threads that the machine runs at once.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_whatever_the_number_of_threads() {
        for count in [1, 2, 3, 8] {
            let threads = Threads::new(count);
            for tasks in [0, 1, 2, 7, 100] {
                for _ in 0..200 {
                    let runs: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                    threads.run(tasks, &|index| {
                        runs[index].fetch_add(1, SeqCst);
                    });
                    assert!(runs.iter().all(|count| count.load(SeqCst) == 1));
                }
            }
        }
    }

    #[test]
    fn sleeping_workers_wake_and_a_panic_reaches_the_caller() {
        let threads = Threads::new(3);
        for pause in [0, 20] {
            std::thread::sleep(std::time::Duration::from_millis(pause));
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                threads.run(50, &|index| assert_ne!(index, 13));
            }));
            assert!(outcome.is_err());
            let sum = AtomicUsize::new(0);
            threads.run(10, &|index| {
                sum.fetch_add(index, SeqCst);
            });
            assert_eq!(sum.into_inner(), 45);
        }
    }
}
