//! Step 5: the optimizers, one file a rule.
//!
//! A rule is a struct of hyperparameters and a function of (parameters, gradients, state); it knows
//! nothing of networks. Definitions and defaults are PyTorch's. A new rule is a new file that implements
//! `Update`, and one line in the list below.

mod adagrad;
mod adam;
mod clipping;
mod factors;
mod lamb;
mod lion;
mod nadam;
mod rmsprop;
mod sgd;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW, AmsGrad};
pub(crate) use clipping::clip_on;
pub use clipping::{Clipping, clip};
pub use factors::TensorFactors;
pub use lamb::Lamb;
pub use lion::Lion;
pub use nadam::NAdam;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use crate::error::{Error, Result, require};
use crate::kernel::parts::{Parts, for_each_part};
use crate::kernel::vectorized::vectorized_loop;
use crate::kernel::{Scalar, Threads};
use crate::names::{find_by_name, written_by_name};
use crate::parameters::{Gradients, ParameterLayout, Parameters, TensorLayout};

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $name:literal,)*) => {
        /// An update rule with its hyperparameters.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $rule($rule),)*
        }

        impl Rule {
            /// Every rule, with default hyperparameters.
            pub fn all() -> Vec<Rule> {
                vec![$(Rule::$rule($rule::default()),)*]
            }

            /// The rule's name.
            pub fn name(&self) -> &'static str {
                match self { $(Rule::$rule(_) => $name,)* }
            }

            /// The learning rate.
            pub fn learning_rate(&self) -> f64 {
                match self { $(Rule::$rule(rule) => rule.learning_rate,)* }
            }

            /// Sets the learning rate.
            pub fn set_learning_rate(&mut self, learning_rate: f64) {
                match self { $(Rule::$rule(rule) => rule.learning_rate = learning_rate,)* }
            }

            /// Sets the weight decay: decoupled for [`AdamW`] and [`Lion`], part of the step for [`Lamb`], else added to the
            /// gradient.
            pub fn set_weight_decay(&mut self, weight_decay: f64) {
                match self { $(Rule::$rule(rule) => rule.weight_decay = weight_decay,)* }
            }

            /// The weight decay.
            pub fn weight_decay(&self) -> f64 {
                match self { $(Rule::$rule(rule) => rule.weight_decay,)* }
            }

            fn check_own(&self) -> Result<()> {
                match self { $(Rule::$rule(rule) => rule.check(),)* }
            }

            /// How many buffers of the parameters' size the rule keeps between steps.
            pub fn state_buffers(&self) -> usize {
                match self { $(Rule::$rule(rule) => rule.state_buffers(),)* }
            }

            /// Whether the rule takes whole tensors, so that a step keeps its gradients until all are there.
            pub fn takes_whole_tensors(&self) -> bool {
                match self { $(Rule::$rule(rule) => rule.takes_whole_tensors(),)* }
            }

            fn initial_state(&self) -> f64 {
                match self { $(Rule::$rule(rule) => rule.initial_state(),)* }
            }

            /// The state buffer that sums squares, whose numbers are never below 0, if there is one.
            pub(crate) fn squares_buffer(&self) -> Option<usize> {
                match self { $(Rule::$rule(rule) => rule.squares_buffer(),)* }
            }

            /// How far a step can take a parameter, about, whose gradients are within ± `bound`; L2 aside.
            pub(crate) fn largest_step(&self, bound: f64) -> f64 {
                match self { $(Rule::$rule(rule) => rule.learning_rate * rule.largest_change(bound),)* }
            }

            fn epsilon_mut(&mut self) -> Option<&mut f64> {
                match self { $(Rule::$rule(rule) => rule.epsilon_mut(),)* }
            }

            fn carried(&self, step: u64, before: f64) -> f64 {
                match self { $(Rule::$rule(rule) => rule.carried(step, before),)* }
            }

            #[inline(always)]
            fn update<T: Scalar>(&self, at: UpdateContext<'_>, w: &mut [T], g: &[T], state: [&mut [T]; 3]) {
                match self { $(Rule::$rule(rule) => rule.update(at, w, g, state),)* }
            }
        }
    };
}

rules! {
    /// Stochastic gradient descent.
    Sgd "sgd",
    /// Adaptive moments.
    Adam "adam",
    /// Adam with decoupled weight decay.
    AdamW "adamw",
    /// Root mean square propagation.
    RmsProp "rmsprop",
    /// Adaptive gradient.
    Adagrad "adagrad",
    /// Adam that never lengthens a parameter's steps again.
    AmsGrad "amsgrad",
    /// Adam with Nesterov's momentum.
    NAdam "nadam",
    /// The sign of a moving average.
    Lion "lion",
    /// Adam whose steps are as long as the tensors they change, times the learning rate.
    Lamb "lamb",
}

written_by_name!(Rule);

/// What a rule sees of an update besides its numbers.
#[derive(Clone, Copy)]
struct UpdateContext<'a> {
    /// From 1.
    step: u64,
    /// What the rule carries from the step before.
    carried: f64,
    /// The tensor whose numbers, or part of them, are given: its layer, name, rows and columns.
    tensor: &'a TensorLayout,
}

/// What a rule is.
trait Update {
    /// Checks the hyperparameters other than learning rate and weight decay.
    fn check(&self) -> Result<()>;

    /// How many of the three state buffers are used, from the first.
    fn state_buffers(&self) -> usize;

    /// What the state starts with.
    fn initial_state(&self) -> f64 {
        0.0
    }

    /// Which of the state buffers sums squares, if one does.
    fn squares_buffer(&self) -> Option<usize> {
        None
    }

    /// The largest change of a step in learning rates, about, where gradients are within ± `bound`.
    fn largest_change(&self, bound: f64) -> f64;

    /// epsilon, which keeps a division from being one by 0, where the rule has one.
    fn epsilon_mut(&mut self) -> Option<&mut f64> {
        None
    }

    /// A number that the rule carries from step to step: what it is after step `step`, where it was `before`; 1 before the
    /// first.
    fn carried(&self, _step: u64, before: f64) -> f64 {
        before
    }

    /// Whether [`Update::update`] is to be given whole tensors, row by row, on the path that keeps gradients. Elsewhere it is
    /// given any part of one.
    fn takes_whole_tensors(&self) -> bool {
        false
    }

    /// Changes w by one step; unused state buffers are empty.
    ///
    /// Implementations are `#[inline(always)]`: the caller compiles them for the machine's vectors.
    fn update<T: Scalar>(&self, at: UpdateContext<'_>, w: &mut [T], g: &[T], state: [&mut [T]; 3]);
}

impl Rule {
    /// The rule of that name with default hyperparameters; case does not matter.
    ///
    /// # Errors
    /// For an unknown name, with the list of all.
    pub fn from_name(name: &str) -> Result<Self> {
        find_by_name("optimizer", name, Rule::all().into_iter(), Rule::name)
    }

    /// Checks every hyperparameter.
    ///
    /// # Errors
    /// Names the hyperparameter, its value and its range.
    pub fn check(&self) -> Result<()> {
        check_not_negative("learning_rate", self.learning_rate())?;
        check_not_negative("weight_decay", self.weight_decay())?;
        self.check_own()
    }
}

fn check_not_negative(name: &'static str, value: f64) -> Result<()> {
    require((0.0..f64::INFINITY).contains(&value), name, value, "must be at least 0 and finite")
}

fn check_positive(name: &'static str, value: f64) -> Result<()> {
    require(value > 0.0 && value.is_finite(), name, value, "must be greater than 0 and finite")
}

fn check_fraction(name: &'static str, value: f64) -> Result<()> {
    require((0.0..1.0).contains(&value), name, value, "must be at least 0 and less than 1")
}

/// A rule and its state for one set of parameters.
///
/// ```
/// use chainrule::optimizer::{Adam, update};
/// use chainrule::*;
/// let network = Network::builder(3).dense(2, Activation::Identity).build()?;
/// let mut parameters = network.initialize::<f32>(1);
/// let mut optimizer = Optimizer::new(Rule::Adam(Adam::default()), &parameters)?;
/// // Two buffers of state, each as large as the parameters.
/// assert_eq!(optimizer.bytes(), 2 * parameters.bytes());
/// optimizer.set_learning_rate(0.01);
/// update(&mut optimizer, &mut parameters, &network.initialize(2))?;
/// assert_eq!(optimizer.steps(), 1);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Optimizer<T> {
    rule: Rule,
    state: Vec<Parameters<T>>,
    steps: u64,
    /// What the rule carries from step to step.
    carried: f64,
    /// One for each tensor; none where all are as the rule says.
    factors: Vec<TensorFactors>,
    /// Where the parameters lie that this is an optimizer of.
    layout: Arc<ParameterLayout>,
    /// Whole tensors, for a rule that takes them; else none.
    whole: Parts,
}

/// The tensors as parts of the buffer, for a rule that takes them whole.
fn whole_tensors<T: Scalar>(rule: &Rule, parameters: &Parameters<T>) -> Parts {
    let tensors = parameters.tensors().iter().filter(|_| rule.takes_whole_tensors());
    Parts::new(tensors.map(|tensor| tensor.offset()..tensor.offset() + tensor.count()).collect())
}

impl<T: Scalar> Optimizer<T> {
    /// A fresh state for `parameters`.
    ///
    /// # Errors
    /// For a hyperparameter out of range.
    #[inline(never)]
    pub fn new(rule: Rule, parameters: &Parameters<T>) -> Result<Self> {
        rule.check()?;
        let initial = T::from_f64(rule.initial_state());
        let state = (0..rule.state_buffers())
            .map(|_| {
                let mut buffer = parameters.zeros_like();
                buffer.as_mut_slice().fill(initial);
                buffer
            })
            .collect();
        let (layout, whole) = (Arc::clone(parameters.layout()), whole_tensors(&rule, parameters));
        Ok(Optimizer { rule, state, steps: 0, carried: 1.0, factors: Vec::new(), layout, whole })
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Sets the learning rate of the steps to come.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.rule.set_learning_rate(learning_rate);
    }

    /// Sets the weight decay of the steps to come.
    pub fn set_weight_decay(&mut self, weight_decay: f64) {
        self.rule.set_weight_decay(weight_decay);
    }

    /// Gives tensors their own rate, decay and epsilon, as factors of the rule's: biases need not decay, and a layer may
    /// learn more slowly than others. For the steps to come.
    ///
    /// ```
    /// use chainrule::optimizer::{AdamW, TensorFactors};
    /// use chainrule::*;
    /// let network = Network::builder(3).dense(2, Activation::Softmax).build()?;
    /// let parameters = network.initialize::<f32>(1);
    /// let mut optimizer = Optimizer::new(Rule::AdamW(AdamW::default()), &parameters)?;
    /// optimizer.set_factors(&parameters, |tensor| match tensor.is_vector {
    ///     true => TensorFactors { decay: 0.0, ..TensorFactors::default() },
    ///     false => TensorFactors::default(),
    /// })?;
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    ///
    /// # Errors
    /// For a factor out of range, and parameters that this is no optimizer of.
    pub fn set_factors(
        &mut self,
        parameters: &Parameters<T>,
        factors: impl Fn(&TensorLayout) -> TensorFactors,
    ) -> Result<()> {
        self.check_shapes(parameters)?;
        let factors: Vec<TensorFactors> = parameters.tensors().iter().map(factors).collect();
        factors.iter().try_for_each(TensorFactors::check)?;
        let are_all_one = factors.iter().all(|factors| *factors == TensorFactors::default());
        self.factors = if are_all_one { Vec::new() } else { factors };
        Ok(())
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The rule's buffers, each in the shapes of the parameters.
    pub fn state(&self) -> &[Parameters<T>] {
        &self.state
    }

    /// The state for `parameters`, as an earlier run left it.
    pub(crate) fn restore(
        rule: Rule,
        parameters: &Parameters<T>,
        state: Vec<Parameters<T>>,
        steps: u64,
    ) -> Self {
        let mut carried = 1.0;
        for step in 1..=steps {
            let before = carried;
            carried = rule.carried(step, before);
            // Nothing is carried, or no more.
            if carried == before {
                break;
            }
        }
        let (layout, whole) = (Arc::clone(parameters.layout()), whole_tensors(&rule, parameters));
        Optimizer { rule, state, steps, carried, factors: Vec::new(), layout, whole }
    }

    /// The bytes of the state.
    pub fn bytes(&self) -> usize {
        self.state.iter().map(Parameters::bytes).sum()
    }

    /// Fails unless this is an optimizer of such parameters.
    pub(crate) fn check_shapes(&self, parameters: &Parameters<T>) -> Result<()> {
        if parameters.has_layout(&self.layout) {
            return Ok(());
        }
        Err(Error::shape("optimizer", "the parameters' shapes", "those of another network"))
    }

    /// Step 5, on all threads: changes W and b, using the gradients.
    ///
    /// # Errors
    /// When the gradients or this optimizer's state do not have the parameters' shapes.
    #[inline(never)]
    pub fn update(
        &mut self,
        threads: &Threads,
        parameters: &mut Parameters<T>,
        gradients: &Gradients<T>,
    ) -> Result<()> {
        self.check_shapes(parameters)?;
        if !parameters.same_shapes(gradients) {
            return Err(Error::shape("gradients", "the parameters' shapes", "those of another network"));
        }
        self.apply(threads, parameters, gradients);
        Ok(())
    }

    /// The same, of shapes that were checked.
    pub(crate) fn apply(
        &mut self,
        threads: &Threads,
        parameters: &mut Parameters<T>,
        gradients: &Gradients<T>,
    ) {
        let takes_whole_tensors = self.rule.takes_whole_tensors();
        let (next, [m, v, u], whole) = self.split();
        let (g, tensors) = (gradients.as_slice(), gradients.tensors());
        let buffers = [parameters.as_mut_slice(), m, v, u];
        if takes_whole_tensors {
            let all = whole.span(0..tensors.len());
            let buffers = buffers.map(|buffer| buffer.get_mut(all.clone()).unwrap_or_default());
            whole.for_each(threads, 0..tensors.len(), buffers, |tensor, [w, m, v, u]| {
                next.update(tensor, w, &g[whole.get(tensor)], [m, v, u]);
            });
            return self.count_step();
        }
        for_each_part(threads, g.len(), buffers, |range, mut buffers| {
            for (tensor, part) in parts_by_tensor(tensors, &range) {
                let own = part.start - range.start..part.end - range.start;
                let [w, m, v, u] =
                    buffers.each_mut().map(|buffer| buffer.get_mut(own.clone()).unwrap_or_default());
                next.update(tensor, w, &g[part], [m, v, u]);
            }
        });
        self.count_step();
    }

    /// The next step, which changes parameters part by part, and the state, whose parts change with them.
    /// [`Optimizer::count_step`] is for when all parts are done.
    pub(crate) fn next_step(&mut self) -> (NextStep<'_>, [&mut [T]; 3]) {
        let (next, state, _) = self.split();
        (next, state)
    }

    /// The same, with the whole tensors.
    fn split(&mut self) -> (NextStep<'_>, [&mut [T]; 3], &Parts) {
        let mut state = self.state.iter_mut().map(Parameters::as_mut_slice);
        let state = [(); 3].map(|()| state.next().unwrap_or_default());
        let next = NextStep {
            rule: &self.rule,
            step: self.steps + 1,
            carried: self.carried,
            factors: &self.factors,
            tensors: self.layout.tensors(),
        };
        (next, state, &self.whole)
    }

    pub(crate) fn count_step(&mut self) {
        self.steps += 1;
        self.carried = self.rule.carried(self.steps, self.carried);
    }
}

/// The tensors in a range of the buffer, by their index, each with its part of the range.
fn parts_by_tensor<'a>(
    tensors: &'a [TensorLayout],
    range: &'a Range<usize>,
) -> impl Iterator<Item = (usize, Range<usize>)> + 'a {
    let end = |tensor: &TensorLayout| tensor.offset() + tensor.count();
    let first = tensors.partition_point(|tensor| end(tensor) <= range.start);
    let there = (first..).zip(&tensors[first..]).take_while(|(_, tensor)| tensor.offset() < range.end);
    there.map(move |(index, tensor)| (index, tensor.offset().max(range.start)..end(tensor).min(range.end)))
}

/// A step of a rule.
#[derive(Clone, Copy)]
pub(crate) struct NextStep<'a> {
    rule: &'a Rule,
    step: u64,
    carried: f64,
    factors: &'a [TensorFactors],
    tensors: &'a [TensorLayout],
}

impl NextStep<'_> {
    /// Changes some parameters of a tensor, given by its index, and the same parts of the state.
    pub(crate) fn update<T: Scalar>(&self, tensor: usize, w: &mut [T], g: &[T], state: [&mut [T]; 3]) {
        let own = self.factors.get(tensor).map(|factors| factors.of(self.rule));
        let at = UpdateContext { step: self.step, carried: self.carried, tensor: &self.tensors[tensor] };
        vectorized_loop! {
            for T: rule: &'a Rule = own.as_ref().unwrap_or(self.rule), at: UpdateContext<'a> = at, w: &'a mut [T] = w,
                g: &'a [T] = g, state: [&'a mut [T]; 3] = state;
            rule.update(at, w, g, state)
        }
    }
}

/// Step 5: the optimizer changes W and b, using the gradients; [`Optimizer::update`] on one thread.
///
/// # Errors
/// When the gradients or the optimizer's state do not have the parameters' shapes.
pub fn update<T: Scalar>(
    optimizer: &mut Optimizer<T>,
    parameters: &mut Parameters<T>,
    gradients: &Gradients<T>,
) -> Result<()> {
    optimizer.update(&Threads::single(), parameters, gradients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range_and_the_rest_is_refused() {
        for rule in Rule::all() {
            rule.check().unwrap();
            assert_eq!(Rule::from_name(rule.name()).unwrap(), rule);
            let json = serde_json::to_string(&rule).unwrap();
            assert!(json.starts_with(&format!("{{\"{}\"", rule.name())), "{json}");
            assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
            for bad in [f64::NAN, -0.1, f64::INFINITY] {
                let mut changed = rule.clone();
                changed.set_learning_rate(bad);
                assert!(changed.check().unwrap_err().to_string().contains("learning_rate"));
                let mut changed = rule.clone();
                changed.set_weight_decay(bad);
                assert!(changed.check().unwrap_err().to_string().contains("weight_decay"));
            }
        }
        assert!(Rule::from_name("adamax").unwrap_err().to_string().contains("adamw"));
        assert!(Rule::Adam(Adam { beta1: 1.0, ..Adam::default() }).check().is_err());
        assert!(Rule::Sgd(Sgd { nesterov: true, ..Sgd::default() }).check().is_err());
    }

    #[test]
    fn averages_of_gradients_that_become_zero_die_out() {
        let network = crate::Network::builder(2).dense(3, crate::Activation::Identity).build().unwrap();
        let rules = [
            Rule::Sgd(Sgd { momentum: 0.9, ..Sgd::default() }),
            Rule::Adam(Adam { beta2: 0.95, ..Adam::default() }),
            Rule::AdamW(AdamW { beta2: 0.95, ..AdamW::default() }),
            Rule::RmsProp(RmsProp { alpha: 0.9, momentum: 0.9, centered: true, ..RmsProp::default() }),
        ];
        for rule in rules {
            let mut parameters = network.initialize::<f32>(1);
            let mut optimizer = Optimizer::new(rule, &parameters).unwrap();
            let mut gradients = network.initialize::<f32>(2);
            for step in 0..4000 {
                optimizer.update(&Threads::single(), &mut parameters, &gradients).unwrap();
                if step == 0 {
                    assert!(optimizer.state().iter().all(|state| state.as_slice().iter().any(|x| *x != 0.0)));
                    gradients = network.zeros();
                }
            }
            for state in optimizer.state() {
                assert!(state.as_slice().iter().all(|x| *x == 0.0), "{:?}: {state:?}", optimizer.rule());
            }
        }
    }
}
