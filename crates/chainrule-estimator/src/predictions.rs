//! What a model says of rows: a class with the scores of all, or numbers in the target's own units.

use chainrule::{Activation, Loss, Matrix, Model, Scalar, Threads, predicted_class};
use chainrule_data::{Dataset, InputNumber, Note, Preprocessing};

use crate::error::{EstimatorError, Result};
use crate::outputs::{in_own_units, outputs};
use crate::rows::row_place;
use crate::samples::inputs;

/// Predictions, one for each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Predictions<T = f32> {
    /// Of one of several classes.
    Classes(ClassPredictions<T>),
    /// Of numbers.
    Numbers(NumberPredictions),
}

/// Predicted classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassPredictions<T = f32> {
    /// The names of the classes.
    pub names: Vec<String>,
    /// For each row the position of the predicted class in `names`: the one of the highest score.
    pub classes: Vec<u32>,
    /// What the network puts out for each class, shape [rows, classes]: probabilities, or whatever its loss makes of it.
    pub scores: Matrix<T>,
    /// Whether the scores of a row are probabilities: none below 0, their sum 1.
    pub are_probabilities: bool,
}

/// Predicted numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberPredictions {
    /// The name of the target of each column of `values`.
    pub names: Vec<String>,
    /// In the target's own units, shape [rows, targets].
    pub values: Matrix<f64>,
}

impl<T> Predictions<T> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        match self {
            Predictions::Classes(classes) => classes.classes.len(),
            Predictions::Numbers(numbers) => numbers.values.rows(),
        }
    }
}

impl<T> ClassPredictions<T> {
    /// The name of the class that is predicted for a row.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn name(&self, row: usize) -> &str {
        &self.names[self.classes[row] as usize]
    }
}

pub(crate) fn predict<T: Scalar + InputNumber>(
    threads: &Threads,
    model: &Model<T>,
    preprocessing: &Preprocessing,
    dataset: &Dataset,
    rows: &[usize],
    notes: &mut Vec<Note>,
) -> Result<Predictions<T>> {
    let inputs = inputs::<T>(preprocessing, dataset, rows, threads.count(), notes)?;
    let outputs = outputs(threads, model, inputs.view())?;
    drop(inputs);
    let finite = |index: usize, columns: usize, value: f64| match value.is_finite() {
        true => Ok(()),
        false => {
            let place = row_place(dataset, rows[index / columns]);
            let output = output_name(preprocessing, index % columns, columns);
            Err(EstimatorError::NotFinite { place, output, value })
        }
    };
    let columns = outputs.columns();
    outputs.as_slice().iter().enumerate().try_for_each(|(index, x)| finite(index, columns, x.as_f64()))?;
    let Some(names) = preprocessing.class_names() else {
        let values = in_own_units(&outputs, preprocessing.target_scales().as_deref());
        values.as_slice().iter().enumerate().try_for_each(|(index, x)| finite(index, columns, *x))?;
        let names = (0..columns).map(|output| output_name(preprocessing, output, columns)).collect();
        return Ok(Predictions::Numbers(NumberPredictions { names, values }));
    };
    let classes = (0..outputs.rows()).map(|i| predicted_class(outputs.row(i))).collect();
    let are_probabilities = gives_probabilities(model);
    let scores = match columns {
        // Of two classes a single output is the second one's score.
        1 => {
            let both =
                outputs.as_slice().iter().flat_map(|&second| [<T as Scalar>::from_f64(1.0) - second, second]);
            Matrix::from_vec(outputs.rows(), 2, both.collect())?
        }
        _ => outputs,
    };
    Ok(Predictions::Classes(ClassPredictions { names: names.to_vec(), classes, scores, are_probabilities }))
}

/// Whether what comes out for the classes is a probability for each, and all of them together 1.
fn gives_probabilities<T>(model: &Model<T>) -> bool {
    let (activation, loss) = (model.network.output_activation(), &model.loss);
    match loss {
        // Rates, of which several are more than 1.
        Loss::Poisson => false,
        _ if activation == Activation::Softmax => true,
        Loss::CrossEntropy { .. } => !activation.yields_probabilities(),
        // A single output is the second class's, and the first has the rest.
        _ if model.network.output_width() > 1 => false,
        Loss::BinaryCrossEntropy => true,
        _ => activation.yields_probabilities(),
    }
}

/// The class or the target that an output is of.
pub(crate) fn output_name(preprocessing: &Preprocessing, output: usize, outputs: usize) -> String {
    match (preprocessing.class_names(), preprocessing.target_names().as_slice()) {
        (Some(classes), _) if classes.len() == outputs => classes[output].clone(),
        (Some([_, second]), _) => second.clone(),
        (_, targets) if targets.len() == outputs => targets[output].to_owned(),
        // A model that says nothing of preprocessing may have any number of outputs.
        (_, targets) => format!("{} {}", targets.join(" "), output + 1),
    }
}
