//! The predicted peak is what a step takes: every byte that is allocated for numbers, and, for networks of half a gigabyte
//! and more, the pages that the system gives.

#[path = "suite/common.rs"]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use chainrule::plan::*;
use chainrule::*;
use common::*;

/// The system's allocator, which counts bytes: those of buffers of numbers, which start at a cache line, and all others.
struct Counting;

static NUMBERS: AtomicUsize = AtomicUsize::new(0);
static OTHERS: AtomicUsize = AtomicUsize::new(0);

fn counter(layout: Layout) -> &'static AtomicUsize {
    if layout.align() >= 64 { &NUMBERS } else { &OTHERS }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counter(layout).fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        counter(layout).fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A network, its batch, and a share of what its plain step's states take.
struct Subject {
    network: Network,
    batch: usize,
    rule: &'static str,
    parts: MicroBatches,
    share: f64,
}

impl Subject {
    fn new(widths: &[usize], batch: usize, rule: &'static str, parts: MicroBatches, share: f64) -> Self {
        let last = widths.len() - 1;
        let hidden = |builder: NetworkBuilder, width: &usize| builder.dense(*width, Activation::Relu);
        let builder = widths[1..last].iter().fold(Network::builder(widths[0]), hidden);
        let network = builder.dense(widths[last], Activation::Identity).build().unwrap();
        Subject { network, batch, rule, parts, share }
    }

    /// The plan, and what a step of it takes: bytes of numbers, other bytes, and bytes of pages.
    fn measure(&self) -> (MemoryPlan, usize, usize, Option<u64>) {
        let rule = Rule::from_name(self.rule).unwrap();
        let (network, threads) = (&self.network, Threads::new(2));
        let shape =
            StepShape { network, rule: &rule, keeps_gradients: false, batch_size: self.batch, threads: 2 };
        let model = StepModel::new::<f32>(&shape, 1, None).unwrap();
        let beside = model.fixed_bytes();
        let limit = beside + ((model.plain_bytes() - beside) as f64 * self.share) as u64;
        let limit = MemoryLimit { microbatches: self.parts, ..MemoryLimit::of(limit) };
        let plan = MemoryPlan::within::<f32>(&shape, &limit).unwrap();
        assert!(plan.bytes() <= limit.bytes);
        let data = Numbers::new(1).data(network, &Loss::HalfSquaredError, self.batch).cast::<f32>();

        let pages_before = resident("VmRSS");
        let before = (NUMBERS.load(SeqCst), OTHERS.load(SeqCst));
        let mut parameters = network.initialize::<f32>(1);
        let mut optimizer = Optimizer::new(rule.clone(), &parameters).unwrap();
        let mut step = plan.training_step(&Loss::HalfSquaredError, None).unwrap();
        step.run(&threads, &mut parameters, &mut optimizer, data.samples(), Some(1)).unwrap();
        let pages = resident("VmHWM").zip(pages_before).map(|(after, before)| after.saturating_sub(before));
        let (numbers, others) = (NUMBERS.load(SeqCst) - before.0, OTHERS.load(SeqCst) - before.1);
        (plan, numbers, others, pages)
    }
}

/// Bytes from a line of /proc/self/status, where there is one.
fn resident(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The only test of this file, so that nothing else is allocated meanwhile. Subjects grow, since a process's highest mark
/// of pages never falls.
#[test]
fn a_step_takes_what_was_predicted() {
    let whole = MicroBatches::Exactly(1);
    let small = |parts, share| Subject::new(&[30, 70, 40, 90, 50, 8, 60, 40, 5], 300, "adam", parts, share);
    for subject in [
        small(whole, 1.0),
        small(whole, 0.6),
        small(MicroBatches::Exactly(4), 1.0),
        Subject::new(&[784, 512, 256, 10], 256, "sgd", whole, 2.0),
        Subject::new(&[64; 40], 2000, "adamw", whole, 0.4),
    ] {
        let (plan, numbers, others, _) = subject.measure();
        assert_eq!(numbers as u64, plan.bytes(), "{plan:?}");
        // The lists of operations, tensors and parts of gradients.
        assert!(others < 400_000, "{others} bytes beside the numbers");
    }
    for subject in [
        Subject::new(&[64; 121], 24_000, "sgd", whole, 0.7),
        Subject::new(&[128; 51], 30_000, "adam", whole, 0.8),
        Subject::new(&[64; 121], 70_000, "adam", MicroBatches::Exactly(3), 3.0),
    ] {
        let (plan, numbers, _, pages) = subject.measure();
        assert_eq!(numbers as u64, plan.bytes(), "{plan:?}");
        assert!(plan.bytes() > 500_000_000, "{plan:?}");
        // Other systems than Linux do not say.
        if let Some(pages) = pages {
            let error = pages as f64 / plan.bytes() as f64 - 1.0;
            println!("{plan:?}: {pages} bytes of pages, {:+.2} %", 100.0 * error);
            assert!(error.abs() < 0.03, "{plan:?}: {pages} bytes of pages");
        }
    }
}
