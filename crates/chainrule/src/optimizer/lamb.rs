//! LAMB (You et al. 2020, "Large batch optimization for deep learning: training BERT in 76 minutes", algorithm 2): Adam whose
//! step is as long as the tensor that it changes, times the learning rate.

use serde::{Deserialize, Serialize};

use super::{Update, UpdateContext, check_fraction, check_positive};
use crate::error::Result;
use crate::kernel::Scalar;
use crate::kernel::panels::place;
use crate::portable::power;

/// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
/// r = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay w;
/// w -= learning_rate |w| / |r| r, with the norms of the whole tensor; where one of them is 0, w -= learning_rate r.
///
/// For large batches, and the large learning rates that they need. It takes whole tensors, so a step keeps its gradients.
/// It is the `lamb` of optax; timm's clips gradients besides and is Adam where nothing decays, and torch-optimizer's takes
/// |w| for 10 at most and corrects no bias: learning rates for those do not carry over.
///
/// ```
/// use chainrule::optimizer::{Lamb, update};
/// use chainrule::*;
/// let network = Network::builder(1).dense_without_bias(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize_with::<f64>(Initialization::Constant(1.0), 0);
/// let gradients = network.initialize_with::<f64>(Initialization::Constant(0.5), 0);
/// let rule = Rule::Lamb(Lamb { learning_rate: 0.1, ..Lamb::default() });
/// let mut optimizer = Optimizer::new(rule, &parameters)?;
/// update(&mut optimizer, &mut parameters, &gradients)?;
/// // The tensor has length 1, and moves by the rate times that.
/// assert!((parameters.weight(1).element(0, 0) - (0.9)).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lamb {
    /// Default 0.001.
    pub learning_rate: f64,
    /// In 0..1, default 0.9.
    pub beta1: f64,
    /// In 0..1, default 0.999.
    pub beta2: f64,
    /// Greater than 0, default 1e-6.
    pub epsilon: f64,
    /// Part of r, default 0.01.
    pub weight_decay: f64,
}

impl Default for Lamb {
    fn default() -> Self {
        Lamb { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weight_decay: 0.01 }
    }
}

/// The square root of the sum of squares, summed in f64.
#[inline(always)]
fn norm<T: Scalar>(numbers: impl Iterator<Item = T>) -> f64 {
    numbers.map(|number| number.as_f64() * number.as_f64()).sum::<f64>().sqrt()
}

impl Update for Lamb {
    fn check(&self) -> Result<()> {
        check_fraction("beta1", self.beta1)?;
        check_fraction("beta2", self.beta2)?;
        check_positive("epsilon", self.epsilon)
    }

    fn epsilon_mut(&mut self) -> Option<&mut f64> {
        Some(&mut self.epsilon)
    }

    fn takes_whole_tensors(&self) -> bool {
        true
    }

    fn state_buffers(&self) -> usize {
        2
    }

    fn squares_buffer(&self) -> Option<usize> {
        Some(1)
    }

    /// Of a tensor whose norm is 1.
    fn largest_change(&self, bound: f64) -> f64 {
        if bound > 0.0 { 1.0 } else { 0.0 }
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, at: UpdateContext<'_>, w: &mut [T], g: &[T], [m, v, _]: [&mut [T]; 3]) {
        debug_assert_eq!((w.len(), g.len()), (at.tensor.count(), at.tensor.count()), "a whole tensor");
        let number = T::from_f64;
        let (beta1, rest1) = (number(self.beta1), number(1.0 - self.beta1));
        let (beta2, rest2) = (number(self.beta2), number(1.0 - self.beta2));
        for ((&g, m), v) in g.iter().zip(&mut *m).zip(&mut *v) {
            *m = (beta1 * *m + rest1 * g).normal_or_zero();
            *v = (beta2 * *v + rest2 * (g * g)).normal_or_zero();
        }
        let unbiased = |beta: f64| number(1.0 / (1.0 - power(beta, at.step)));
        let (first, second) = (unbiased(self.beta1), unbiased(self.beta2));
        let (epsilon, decay) = (number(self.epsilon), number(self.weight_decay));
        let direction = |w: T, m: T, v: T| first * m / ((second * v).sqrt() + epsilon) + decay * w;
        // Norms are summed row by row, wherever the numbers lie.
        let shape = (at.tensor.rows, at.tensor.columns);
        let places =
            (0..shape.0).flat_map(|row| (0..shape.1).map(move |column| place::<T>(shape, row, column)));
        let length = norm(places.clone().map(|at| w[at]));
        let ratio = match (length, norm(places.map(|at| direction(w[at], m[at], v[at])))) {
            (0.0, _) | (_, 0.0) => 1.0,
            (length, of_direction) => length / of_direction,
        };
        let rate = number(self.learning_rate * ratio);
        for ((w, &m), &v) in w.iter_mut().zip(&*m).zip(&*v) {
            *w -= rate * direction(*w, m, v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::*;

    #[test]
    fn each_tensor_moves_by_the_rate_times_its_length_on_any_number_of_threads() {
        // The weight has more numbers than a part of an update.
        let network = Network::builder(200).dense(300, Activation::Identity).build().unwrap();
        let lamb = Lamb { learning_rate: 0.1, weight_decay: 0.0, ..Lamb::default() };
        let ones = network.initialize_with::<f64>(Initialization::Constant(1.0), 0).weight(1).to_matrix();
        let (start, mut gradients) = (network.initialize::<f64>(1), network.zeros::<f64>());
        gradients.set(1, &ones, &[1.0; 300]).unwrap();
        let moved = [1, 3].map(|threads| {
            let (mut parameters, threads) = (start.clone(), Threads::new(threads));
            let mut optimizer = Optimizer::new(Rule::Lamb(lamb.clone()), &start).unwrap();
            optimizer.update(&threads, &mut parameters, &gradients).unwrap();
            parameters
        });
        assert_eq!(moved[0], moved[1]);
        let (before, after) = (start.weight(1), moved[0].weight(1));
        let expected = 0.1 * norm(before.iter()) / f64::sqrt(200.0 * 300.0);
        let mut moves = before.iter().zip(after.iter()).map(|(before, after)| before - after);
        assert!(moves.all(|by| (by / expected - 1.0).abs() < 1e-9));
        // Biases start from 0, which has no length: there r alone counts, here 1 / (1 + epsilon).
        let bias = moved[0].bias(1).unwrap();
        assert!(start.bias(1).unwrap().iter().all(|b| b == 0.0));
        assert!(bias.iter().all(|b| (b + 0.1 / (1.0 + 1e-6)).abs() < 1e-12), "{bias:?}");
    }

    #[test]
    fn a_plan_has_room_for_its_gradients() {
        let network =
            Network::builder(7).dense(5, Activation::Tanh).dense(1, Activation::Identity).build().unwrap();
        let [lamb, adam] = ["lamb", "adam"].map(|name| Rule::from_name(name).unwrap());
        let (inputs, targets) = (Matrix::<f64>::zeros(6, 7), Matrix::zeros(6, 1));
        let samples = Samples {
            inputs: inputs.view().into(),
            targets: Targets::Values(targets.view()),
            sample_weights: None,
        };
        let planned_for = |rule: &Rule| {
            let shape = plan::StepShape {
                network: &network,
                rule,
                keeps_gradients: false,
                batch_size: 6,
                threads: 1,
            };
            let plan = plan::MemoryPlan::unlimited::<f64>(&shape).unwrap();
            let mut parameters = network.initialize::<f64>(1);
            let mut optimizer = Optimizer::new(Rule::Lamb(Lamb::default()), &parameters).unwrap();
            let mut step = plan.training_step(&Loss::HalfSquaredError, None).unwrap();
            let loss = step.run(&Threads::single(), &mut parameters, &mut optimizer, samples, None);
            loss.map(|_| (plan.ledger().of(plan::Purpose::Gradients), parameters.bytes() as u64))
        };
        let (of_gradients, of_parameters) = planned_for(&lamb).unwrap();
        assert_eq!(of_gradients, of_parameters);
        let error = planned_for(&adam).unwrap_err().to_string();
        assert!(error.contains("keeps the gradients"), "{error}");
    }
}
