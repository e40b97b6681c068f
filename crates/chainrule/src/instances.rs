//! What trains and predicts, compiled here for `f32` and `f64`.
//!
//! A generic function is compiled anew in every crate that calls it, and as that crate is compiled: that was over a third
//! of what the crates above this one compiled, and a program built without optimization trained without it, though its
//! dependencies had it. A function that is never inlined is called where it is already, so that those below are
//! compiled once, here.

use std::hint::black_box;

use crate::plan::{MemoryPlan, StepModel, measure_forward_costs};
use crate::trace::Trace;
use crate::*;

#[used]
static INSTANCES: [fn(); 2] = [instances::<f32>, instances::<f64>];

/// Names the functions, which is what has them compiled. Each is `#[inline(never)]`.
fn instances<T: Scalar>() {
    // The five steps, in one and one by one.
    black_box(Network::initialize::<T> as fn(_, _) -> _);
    black_box(Network::initialize_with::<T> as fn(_, _, _) -> _);
    black_box(forward::<T> as fn(_, _, _, _) -> _);
    black_box(infer::<T> as fn(_, _, _, _) -> _);
    black_box(output_error::<T> as fn(_, _, _, _, _) -> _);
    black_box(backward::<T> as fn(_, _, _, _) -> _);
    black_box(gradients::<T> as fn(_, _, _, _) -> _);
    black_box(clip::<T> as fn(_, _));
    black_box(Optimizer::<T>::new as fn(_, _) -> _);
    black_box(TrainingStep::<T>::new as fn(_, _, _, _) -> _);
    black_box(MemoryPlan::training_step::<T> as fn(_, _, _) -> _);
    black_box(TrainingStep::<T>::gradients as fn(_, _, _, _, _) -> _);
    black_box(TrainingStep::<T>::gradients_observed as fn(_, _, _, _, _, _) -> _);
    black_box(Optimizer::<T>::update as fn(_, _, _, _) -> _);
    black_box(TrainingStep::<T>::run as fn(_, _, _, _, _, _) -> _);
    black_box(trace::<T> as fn(_, _, _, _, _, _) -> _);
    black_box(Trace::<T>::save_tensors as fn(_, _) -> _);
    // A run.
    black_box(Trainer::<T>::new as fn(_, _, _, _) -> _);
    black_box(Trainer::<T>::fit as fn(_, _, _, _, _) -> _);
    black_box(Trainer::<T>::fit_from as fn(_, _, _, _, _) -> _);
    black_box(Trainer::<T>::save as fn(_, _) -> _);
    black_box(Trainer::<T>::resume as fn(_, _) -> _);
    black_box(Model::<T>::save as fn(_, _) -> _);
    black_box(Model::<T>::load as fn(_) -> _);
    black_box(Model::<T>::predict as fn(_, _, _) -> _);
    black_box(evaluate::<T> as fn(_, _, _, _, _) -> _);
    black_box(evaluate_for::<T> as fn(_, _, _, _, _, _) -> _);
    black_box(predicted_class::<T> as fn(_) -> _);
    black_box(activation::Elementwise::value::<T> as fn(_, _) -> _);
    black_box(activation::Elementwise::derivative::<T> as fn(_, _, _) -> _);
    black_box(activation::softmax_parts::<T> as fn(_) -> _);
    black_box(Loss::check_targets::<T> as fn(_, _, _, _, _) -> _);
    black_box(Loss::value::<T> as fn(_, _, _, _, _) -> _);
    black_box(Loss::counted_target::<T> as fn(_, _, _, _) -> _);
    black_box(Loss::output_to_prediction::<T> as fn(_, _, _));
    black_box(Loss::derivative_by_output::<T> as fn(_, _, _, _, _, _) -> _);
    black_box(Inputs::<T>::to_matrix as fn(_) -> _);
    black_box(Parameters::<T>::set as fn(_, _, _, _) -> _);
    black_box(Parameters::<T>::first_not_finite as fn(_) -> _);
    black_box(Parameters::<T>::norm as fn(_) -> _);
    // Memory.
    black_box(TrainingPlan::new::<T> as fn(_, _, _, _, _, _) -> _);
    black_box(StepModel::new::<T> as fn(_, _, _) -> _);
    black_box(MemoryPlan::unlimited::<T> as fn(_) -> _);
    black_box(MemoryPlan::within::<T> as fn(_, _) -> _);
    black_box(MemoryPlan::within_from::<T> as fn(_, _, _) -> _);
    black_box(MemoryPlan::scheduled::<T> as fn(_, _, _) -> _);
    black_box(MemoryPlan::executing::<T> as fn(_, _) -> _);
    black_box(measure_forward_costs::<T> as fn(_) -> _);
    black_box(fma_peak::<T> as fn(_) -> _);
    black_box(sustained_fma_peak::<T> as fn(_) -> _);
}
