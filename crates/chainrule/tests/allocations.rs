//! A training step allocates nothing, on any thread: an allocator that counts says so.

#[path = "suite/common.rs"]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use chainrule::*;
use common::*;

/// The system's allocator, which counts what any thread of the process asks for.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise is the same.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Shape {
    widths: &'static [usize],
    activation: Activation,
    dropout: f64,
    loss: Loss,
    clipping: Option<Clipping>,
    batch: usize,
}

impl Shape {
    fn network(&self) -> Network {
        let last = self.widths.len() - 1;
        let mut builder = Network::builder(self.widths[0]);
        for &width in &self.widths[1..last] {
            builder = builder.dense(width, self.activation);
            if self.dropout > 0.0 {
                builder = builder.dropout(self.dropout);
            }
        }
        builder.dense(self.widths[last], self.loss.natural_output()).build().unwrap()
    }
}

fn shapes() -> Vec<Shape> {
    let plain = |widths, activation, loss, batch| Shape {
        widths,
        activation,
        dropout: 0.0,
        loss,
        clipping: None,
        batch,
    };
    let (relu, classes) = (Activation::Relu, Loss::cross_entropy);
    vec![
        plain(&[2, 8, 8, 1], Activation::Tanh, Loss::BinaryCrossEntropy, 32),
        plain(&[64, 64, 10], relu, classes(), 64),
        plain(&[32, 256, 256, 256, 1], relu, Loss::MeanSquaredError, 256),
        plain(&[784, 512, 256, 10], relu, classes(), 128),
        // GELU keeps z; the bounds are so small that gradients are clipped.
        Shape {
            dropout: 0.25,
            clipping: Some(Clipping::GlobalNorm(1e-3)),
            ..plain(&[33, 130, 70, 10], Activation::Gelu, classes(), 129)
        },
        Shape {
            dropout: 0.5,
            clipping: Some(Clipping::Value(1e-5)),
            ..plain(&[64, 64, 10], relu, Loss::MeanSquaredError, 64)
        },
    ]
}

/// Allocations of 20 steps. They are none once every thread has started and has had its first part of each kind
/// of work, which on a busy machine may come after some steps; so the steps may be tried again. What every step
/// allocates, every try counts.
fn allocations_of_steps(shape: &Shape, rule: &str, count: usize) -> usize {
    let network = shape.network();
    let data = Numbers::new(5).data(&network, &shape.loss, shape.batch).cast::<f32>();
    let threads = Threads::new(count);
    let mut parameters = network.initialize::<f32>(1);
    let mut optimizer = Optimizer::new(Rule::from_name(rule).unwrap(), &parameters).unwrap();
    let mut step = TrainingStep::new(&network, &shape.loss, shape.clipping, shape.batch).unwrap();
    let mut run = |steps: u64| {
        for _ in 0..steps {
            step.run(&threads, &mut parameters, &mut optimizer, data.samples(), Some(3)).unwrap();
        }
    };
    run(1);
    let mut fewest = usize::MAX;
    for _ in 0..10 {
        let before = ALLOCATIONS.load(SeqCst);
        run(20);
        fewest = fewest.min(ALLOCATIONS.load(SeqCst) - before);
        if fewest == 0 {
            break;
        }
    }
    fewest
}

/// The only test of this file, so that no other thread allocates meanwhile.
#[test]
fn steps_allocate_nothing() {
    for shape in &shapes() {
        for rule in ["sgd", "adam"] {
            for count in [1, 2, 3] {
                let allocations = allocations_of_steps(shape, rule, count);
                let what = format!("{:?}, dropout {}, {rule}, {count} threads", shape.widths, shape.dropout);
                assert_eq!(allocations, 0, "{what}: allocations in 20 steps");
            }
        }
    }
    // The counter counts.
    let before = ALLOCATIONS.load(SeqCst);
    std::hint::black_box(vec![0u8; 100]);
    assert!(ALLOCATIONS.load(SeqCst) > before);
}
