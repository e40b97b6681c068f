//! Step 1: z(l) = W(l) a(l-1) + b(l), a(l) = sigma(z(l)).

use chainrule::Activation;
use chainrule::trace::Quantity;

use super::source::{Source, TERMS, cell, is_smooth, slope_formula};

use crate::quiz::mistakes::Mistake;
use crate::quiz::posed::{Draft, Tolerance};
use crate::words::readable;

pub(super) fn sum_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let (i, j, n) = (source.sample(), source.neuron(l), source.n(l - 1));
    if n > TERMS {
        return None;
    }
    let w = |j, k| source.number(Quantity::WEIGHT, l, j, k);
    let a = |k| source.number(Quantity::Activation, l - 1, i, k);
    let bias = if source.has_bias(l) { source.number(Quantity::BIAS, l, 0, j) } else { 0.0 };
    let right = source.number(Quantity::PreActivation, l, i, j);
    let mut wrong = vec![(Mistake::OtherSign, -right)];
    if bias != 0.0 {
        wrong.push((Mistake::NoBias, right - bias));
    }
    if source.n(l) == n && n > 1 {
        wrong.push((Mistake::Transposed, bias + (0..n).map(|k| w(k, j) * a(k)).sum::<f64>()));
    }
    let bends = |l| source.activation(l).is_some_and(|sigma| sigma != Activation::Identity);
    if bends(l) {
        wrong.push((Mistake::AppliedAlready, source.number(Quantity::Activation, l, i, j)));
    }
    if l > 1 && bends(l - 1) {
        let z = |k| source.number(Quantity::PreActivation, l - 1, i, k);
        wrong.push((Mistake::SkippedActivation, bias + (0..n).map(|k| w(j, k) * z(k)).sum::<f64>()));
    }
    let mut given: Vec<_> = (0..n)
        .flat_map(|k| [cell(Quantity::WEIGHT, l, j, k), cell(Quantity::Activation, l - 1, i, k)])
        .collect();
    if source.has_bias(l) {
        given.push(cell(Quantity::BIAS, l, 0, j));
    }
    let terms = (0..n).map(|k| w(j, k) * a(k)).chain([bias]);
    let prompt = format!("What is z({l})[{}]{}, the sum of neuron {}?", j + 1, source.of_sample(i), j + 1);
    let why = format!(
        "Neuron {} adds up its weighted inputs{}.",
        j + 1,
        if bias == 0.0 { "" } else { " and its bias" }
    );
    let tolerance = Tolerance::of_terms(terms);
    Some(Draft::number(prompt, right, wrong, tolerance, cell(Quantity::PreActivation, l, i, j), given, why))
}

pub(super) fn activation_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let sigma = source.activation(l)?;
    slope_formula(sigma)?;
    let (i, j) = (source.sample(), source.neuron(l));
    let (z, a) =
        (source.number(Quantity::PreActivation, l, i, j), source.number(Quantity::Activation, l, i, j));
    let mut wrong = vec![(Mistake::SkippedActivation, z), (Mistake::OtherSign, -a)];
    if is_smooth(sigma) {
        let function = sigma.elementwise()?;
        wrong.push((Mistake::SlopeForActivation, function.derivative(z, a)));
        wrong.push((Mistake::AppliedAlready, function.value(a)));
    }
    let prompt = format!(
        "What does {} make of z({l})[{}]{}? Its formula is a = {}.",
        readable(sigma.name()),
        j + 1,
        source.of_sample(i),
        sigma.formula()
    );
    let given = vec![cell(Quantity::PreActivation, l, i, j)];
    let why =
        format!("a({l})[{}] is {} of z({l})[{}], and nothing else.", j + 1, readable(sigma.name()), j + 1);
    let tolerance = Tolerance::of_terms([z, a]);
    Some(Draft::number(prompt, a, wrong, tolerance, cell(Quantity::Activation, l, i, j), given, why))
}

pub(super) fn softmax_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.depth();
    let n = source.n(l);
    if source.activation(l)? != Activation::Softmax || !(2..=TERMS).contains(&n) {
        return None;
    }
    let (i, j) = (source.sample(), source.neuron(l));
    let z = source.reader.row(Quantity::PreActivation.of(l), i);
    let sum: f64 = z.iter().sum();
    let right = source.number(Quantity::Activation, l, i, j);
    let wrong = vec![
        (Mistake::NotNormalized, z[j].exp()),
        (Mistake::NoExponential, z[j] / sum),
        (Mistake::SkippedActivation, z[j]),
        (Mistake::OtherSign, -right),
    ];
    let prompt = format!("What does softmax make of z({l})[{}]{}?", j + 1, source.of_sample(i));
    let given = (0..n).map(|k| cell(Quantity::PreActivation, l, i, k)).collect();
    let why = format!(
        "a({l})[{}] is e to the power of its z, over the sum of the powers of all {n} outputs.",
        j + 1
    );
    let tolerance = Tolerance::of_terms([right]);
    Some(Draft::number(prompt, right, wrong, tolerance, cell(Quantity::Activation, l, i, j), given, why))
}

pub(super) fn sum_shape(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let (n, before, batch) = (source.n(l), source.n(l - 1), source.batch());
    let prompt =
        format!("What shape has z({l}) = W({l}) a({}) + b({l}), with one column for each sample?", l - 1);
    let wrong = vec![(Mistake::TurnedOver, [batch, n]), (Mistake::OtherLayer, [before, batch])];
    let why = format!(
        "W({l}) is {n} x {before} and a({}) is {before} x {batch}: the inner dimensions vanish.",
        l - 1
    );
    Some(Draft::shape(prompt, [n, batch], wrong, cell(Quantity::PreActivation, l, 0, 0), why))
}

pub(super) fn weight_shape(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let (n, before) = (source.n(l), source.n(l - 1));
    let from = if l == 1 { "inputs".to_owned() } else { format!("neurons of layer {}", l - 1) };
    let prompt = format!("Layer {l} has width {n} and reads {before} {from}. What shape has W({l})?");
    let wrong = vec![(Mistake::Transposed, [before, n])];
    let why = format!("One row for each neuron of layer {l}, one column for each number that it reads.");
    Some(Draft::shape(prompt, [n, before], wrong, cell(Quantity::WEIGHT, l, 0, 0), why))
}

pub(super) fn parameter_count(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let (n, before) = (source.n(l), source.n(l - 1));
    if !source.has_bias(l) {
        return None;
    }
    let count = |tensor: &chainrule::TensorLayout| tensor.count();
    let right: usize = source.reader.step.network.layer_tensors(l).iter().map(count).sum();
    let wrong =
        vec![(Mistake::NoBias, (n * before) as f64), (Mistake::BiasPerInput, (n * before + before) as f64)];
    let prompt = format!("How many numbers does layer {l} learn, weights and biases together?");
    let why = format!("W({l}) is {n} x {before}, and each of its {n} neurons has a bias.");
    let tolerance = Tolerance::EXACT;
    Some(Draft::number(
        prompt,
        right as f64,
        wrong,
        tolerance,
        cell(Quantity::WEIGHT, l, 0, 0),
        Vec::new(),
        why,
    ))
}

pub(super) fn kept(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let why =
        "A gradient is an error signal times what the weight was multiplied with, and a slope is taken at z.";
    let wrong = vec![
        (Mistake::NothingKept, "It need not: the backward pass uses weights and targets only.".to_owned()),
        (Mistake::Inverse, "So that W can be undone, and the inputs come back from the outputs.".to_owned()),
    ];
    Some(Draft::choices(
        &mut source.draw,
        "Why does training keep a and z of each layer after the forward pass?",
        "The gradients need a, since each weight is multiplied with one, and the slopes sigma'(z) need z or a.",
        wrong,
        cell(Quantity::Activation, l, 0, 0),
        why,
    ))
}

pub(super) fn row_of_weights(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let j = source.neuron(l);
    let number = j + 1;
    let mut wrong = vec![(Mistake::Transposed, format!("Those in column {number} of W({l})."))];
    if source.depth() > 1 {
        let other = if l == 1 { 2 } else { l - 1 };
        wrong.push((Mistake::OtherLayer, format!("Those in row {number} of W({other}).")));
    }
    Some(Draft::choices(
        &mut source.draw,
        format!(
            "Which weights does neuron {number} of layer {l} multiply its inputs with in the forward pass?"
        ),
        format!("Those in row {number} of W({l})."),
        wrong,
        cell(Quantity::WEIGHT, l, j, 0),
        format!(
            "W({l}) has one row for each neuron of layer {l}: row {number} collects what goes into neuron {number}."
        ),
    ))
}
