//! Step 3: delta(l) = (W(l+1)^T delta(l+1)) * sigma'(z(l)).

use chainrule::Activation;
use chainrule::trace::Quantity;

use super::source::{Source, TERMS, cell, is_smooth, slope_formula, wrong_slopes};

use crate::quiz::backward::{carried_back, delta};
use crate::quiz::mistakes::Mistake;
use crate::quiz::posed::{Draft, Tolerance};
use crate::words::readable;

pub(super) fn transpose_origin(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let wrong = vec![
        (Mistake::ShapesOnly, "It is there to make the shapes fit. Any matrix of that shape would do.".to_owned()),
        (Mistake::Inverse, "The backward pass undoes the forward pass, and the transpose undoes the multiplication by W(l+1).".to_owned()),
        (Mistake::NotTransposed, "It is a habit of notation. W(l+1) gives the same numbers wherever its shape allows it.".to_owned()),
    ];
    Some(Draft::choices(
        &mut source.draw,
        "Where does the transpose in delta(l) = (W(l+1)^T delta(l+1)) * sigma'(z(l)) come from?",
        "Neuron k of layer l feeds each neuron j of layer l+1 through W(l+1)[j, k]. Adding up over j what comes back \
         runs down column k, and the columns of W(l+1) are the rows of its transpose.",
        wrong,
        cell(Quantity::Error, l, 0, 0),
        "Forward, row j of W collects what goes into neuron j. Backward, neuron k needs the weights of what it sent out: \
         the same lines, read from their other end.",
    ))
}

pub(super) fn transpose_role(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let wrong = vec![
        (
            Mistake::Inverse,
            "It undoes what W(l+1) did in the forward pass, so that a(l) comes back.".to_owned(),
        ),
        (
            Mistake::GradientForError,
            "It turns delta(l+1) into the gradient of the weights of layer l+1.".to_owned(),
        ),
        (
            Mistake::SlopeForTranspose,
            "It scales each neuron's error by how steep its activation is.".to_owned(),
        ),
    ];
    Some(Draft::choices(
        &mut source.draw,
        "In the backward pass formula delta(l) = (W(l+1)^T delta(l+1)) * sigma'(z(l)), what does the transpose W(l+1)^T do?",
        "It carries the error signals of layer l+1 back to layer l: each neuron of layer l gets the sum over those that \
         it feeds, each times the weight of the connection.",
        wrong,
        cell(Quantity::Error, l, 0, 0),
        "Along a path, multiply; over all paths, add: row k of the transpose holds the weights of all paths that start \
         at neuron k.",
    ))
}

pub(super) fn transpose_shape(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let (n, above, upper) = (source.n(l), source.n(l + 1), l + 1);
    let prompt = format!("In this network W({upper}) is {above} x {n}. What shape has W({upper})^T?");
    let wrong = vec![(Mistake::NotTransposed, [above, n])];
    let why = format!(
        "Rows become columns. W({upper})^T leads from the {above} error signals of layer {upper} to the {n} neurons of layer {l}."
    );
    Some(Draft::shape(prompt, [n, above], wrong, cell(Quantity::Error, l, 0, 0), why))
}

pub(super) fn transpose_square(source: &mut Source<'_>) -> Option<Draft> {
    let squares: Vec<usize> = source
        .hidden_layers()
        .into_iter()
        .filter(|&l| source.n(l) == source.n(l + 1) && source.n(l) > 1)
        .collect();
    let l = source.draw.one_of(&squares)?;
    let (n, upper) = (source.n(l), l + 1);
    let wrong = vec![
        (Mistake::ShapesOnly, "Yes: with W in place of W^T the shapes would not fit.".to_owned()),
        (
            Mistake::NotTransposed,
            "They need not: the transpose of a square matrix is the same matrix.".to_owned(),
        ),
    ];
    Some(Draft::choices(
        &mut source.draw,
        format!(
            "In this network W({upper}) is {n} x {n}. Can shapes tell whether W({upper}) or W({upper})^T has carried the error back?"
        ),
        "No: both have the same shape, and so have both results. Only the numbers tell, for example beside finite differences.",
        wrong,
        cell(Quantity::Error, l, 0, 0),
        format!(
            "W({upper})^T and W({upper}) are both {n} x {n}, but in general other numbers stand in each row."
        ),
    ))
}

pub(super) fn transpose_column(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let (k, upper) = (source.neuron(l), l + 1);
    let number = k + 1;
    let wrong = vec![
        (Mistake::NotTransposed, format!("Those in row {number} of W({upper}).")),
        (Mistake::OtherLayer, format!("Those in row {number} of W({l}), the weights that lead into it.")),
    ];
    Some(Draft::choices(
        &mut source.draw,
        format!("Which weights bring the error back to neuron {number} of layer {l}?"),
        format!("Those in column {number} of W({upper})."),
        wrong,
        cell(Quantity::Error, l, 0, k),
        format!(
            "W({upper})[1, {number}], W({upper})[2, {number}] and so on are the weights that the neuron is heard through."
        ),
    ))
}

pub(super) fn carried_shape(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let (n, above, batch, upper) = (source.n(l), source.n(l + 1), source.batch(), l + 1);
    let prompt = format!(
        "delta({upper}) is {above} x {batch}, with one column for each sample. What shape has W({upper})^T delta({upper})?"
    );
    let wrong = vec![(Mistake::NotTransposed, [above, batch]), (Mistake::TurnedOver, [batch, n])];
    let why = format!(
        "W({upper})^T is {n} x {above}, and ({n} x {above}) ({above} x {batch}) is {n} x {batch}, the shape of z({l})."
    );
    Some(Draft::shape(prompt, [n, batch], wrong, cell(Quantity::Error, l, 0, 0), why))
}

pub(super) fn carried_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let (i, k, n, upper) = (source.sample(), source.neuron(l), source.n(l + 1), l + 1);
    if n > TERMS {
        return None;
    }
    let reader = source.reader;
    let right = source.number(Quantity::Error, l, i, k);
    let mut wrong = vec![(Mistake::WrongSign, -right)];
    if source.n(l) == n && n > 1 {
        wrong.push((
            Mistake::NotTransposed,
            carried_back(reader, reader, Some(Mistake::NotTransposed), l, i, k),
        ));
    }
    if source.activation(l)? != Activation::Identity {
        wrong.push((Mistake::SlopeTooEarly, delta(reader, None, l, i, k, right)));
    }
    let given = (0..n)
        .flat_map(|j| [cell(Quantity::WEIGHT, upper, j, k), cell(Quantity::Delta, upper, i, j)])
        .collect();
    let terms = (0..n)
        .map(|j| source.number(Quantity::WEIGHT, upper, j, k) * source.number(Quantity::Delta, upper, i, j));
    let tolerance = Tolerance::of_terms(terms);
    let prompt = format!(
        "What arrives at neuron {} of layer {l}{}: the part of W({upper})^T delta({upper}) that is its own, before sigma'?",
        k + 1,
        source.for_sample(i)
    );
    let why =
        format!("Column {} of W({upper}), each weight times the error signal at its end, added up.", k + 1);
    Some(Draft::number(prompt, right, wrong, tolerance, cell(Quantity::Error, l, i, k), given, why))
}

pub(super) fn slope_role(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let wrong = vec![
        (
            Mistake::ActivationForSlope,
            "It puts the error through the activation, as the forward pass does with z.".to_owned(),
        ),
        (
            Mistake::NoSlope,
            "It only keeps the numbers small. Without it delta would have another scale, and no more."
                .to_owned(),
        ),
        (
            Mistake::GradientForError,
            "It makes the gradients of the layer's weights from the error.".to_owned(),
        ),
    ];
    Some(Draft::choices(
        &mut source.draw,
        "What does the factor sigma'(z(l)) do in delta(l) = (W(l+1)^T delta(l+1)) * sigma'(z(l))?",
        "It lets through as much of each neuron's error as its activation reacts to its z: all of it where the slope is 1, none \
         where it is 0.",
        wrong,
        cell(Quantity::Delta, l, 0, 0),
        "What arrives says how the loss reacts to a; the slope says how a reacts to z. Along a path, multiply.",
    ))
}

pub(super) fn slope_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let sigma = source.activation(l).filter(|&sigma| is_smooth(sigma))?;
    let formula = slope_formula(sigma)?;
    let (i, k) = (source.sample(), source.neuron(l));
    let (z, a) =
        (source.number(Quantity::PreActivation, l, i, k), source.number(Quantity::Activation, l, i, k));
    let right = source.number(Quantity::Slope, l, i, k);
    let mut wrong = wrong_slopes(sigma, z, a);
    wrong.push((Mistake::OtherSign, -right));
    let prompt = format!(
        "What is sigma'(z({l})[{}]){}? {} has sigma' = {formula}.",
        k + 1,
        source.of_sample(i),
        readable(sigma.name())
    );
    let given = vec![cell(Quantity::PreActivation, l, i, k), cell(Quantity::Activation, l, i, k)];
    let why = format!("The formula {formula} is the slope at z, written with a = sigma(z).");
    let tolerance = Tolerance::of_terms([0.5]);
    Some(Draft::number(prompt, right, wrong, tolerance, cell(Quantity::Slope, l, i, k), given, why))
}

pub(super) fn flat_neuron(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let k = source.neuron(l);
    let wrong = vec![
        (
            Mistake::NoSlope,
            "They move as those of any other neuron: the error comes through the weights.".to_owned(),
        ),
        (Mistake::ActivationForSlope, "They stay only if its activation is 0 as well.".to_owned()),
    ];
    Some(Draft::choices(
        &mut source.draw,
        format!(
            "Suppose sigma'(z) of neuron {} of layer {l} were 0 for every sample of the batch. What would this step do to the weights that \
             lead into it?",
            k + 1
        ),
        "Nothing: its delta is 0 for every sample, and so are their gradients.",
        wrong,
        cell(Quantity::Delta, l, 0, k),
        "delta is the error times the slope, and each gradient is delta times an input: a factor of 0 leaves 0.",
    ))
}

pub(super) fn delta_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let sigma = source.activation(l)?;
    let formula = slope_formula(sigma)?;
    let (i, k, reader) = (source.sample(), source.neuron(l), source.reader);
    let error = source.number(Quantity::Error, l, i, k);
    let (z, a) =
        (source.number(Quantity::PreActivation, l, i, k), source.number(Quantity::Activation, l, i, k));
    let right = source.number(Quantity::Delta, l, i, k);
    let mut wrong = vec![
        (Mistake::NoSlope, delta(reader, Some(Mistake::NoSlope), l, i, k, error)),
        (Mistake::WrongSign, -right),
    ];
    wrong.extend(wrong_slopes(sigma, z, a).into_iter().map(|(mistake, slope)| (mistake, error * slope)));
    if is_smooth(sigma) && source.n(l) == source.n(l + 1) && source.n(l) > 1 {
        let arrived = carried_back(reader, reader, Some(Mistake::NotTransposed), l, i, k);
        wrong.push((Mistake::NotTransposed, delta(reader, None, l, i, k, arrived)));
    }
    let prompt = format!(
        "What is delta({l})[{}]{}, made from what arrives? {} has sigma' = {formula}.",
        k + 1,
        source.of_sample(i),
        readable(sigma.name())
    );
    let given = vec![
        cell(Quantity::Error, l, i, k),
        cell(Quantity::PreActivation, l, i, k),
        cell(Quantity::Activation, l, i, k),
    ];
    let why =
        format!("What arrives at neuron {}, times the slope of {} at its z.", k + 1, readable(sigma.name()));
    let tolerance = Tolerance::of_terms([0.5 * error]);
    Some(Draft::number(prompt, right, wrong, tolerance, cell(Quantity::Delta, l, i, k), given, why))
}

pub(super) fn delta_shape(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()?;
    let (n, above, batch) = (source.n(l), source.n(l + 1), source.batch());
    let prompt = format!("What shape has delta({l}), with one column for each sample?");
    let wrong = vec![(Mistake::TurnedOver, [batch, n]), (Mistake::OtherDelta, [above, batch])];
    let why =
        format!("delta({l}) has the shape of z({l}): a number for each neuron of layer {l} and each sample.");
    Some(Draft::shape(prompt, [n, batch], wrong, cell(Quantity::Delta, l, 0, 0), why))
}
