//! A trained model with rows of data, as a document.

use std::ops::Range;
use std::sync::Arc;

use chainrule::{Matrix, Targets};
use chainrule_data::{Dataset, InputPreprocessing, Note};
use chainrule_estimator::{EstimatorError, Predictor, chosen_rows};
use chainrule_explorer_core::{
    Document, Image, Pool, Refusal, SUITED, limits, parameters_in, without_training_layers,
};

/// The learning rate of plain gradient descent that a model starts with: large enough to see.
const LEARNING_RATE: f64 = 0.1;

/// The rows that are shown where none are named, or all if there are fewer.
const BATCH: usize = 8;

/// The document of a model's step on rows of a data set, which are prepared as in training. `title` is what the model is
/// called; without `rows` the first eight are the batch. The notes tell what is unlike the training data.
///
/// ```
/// use chainrule_estimator::{Estimator, EstimatorOptions, Predictor, unobserved};
/// use chainrule_explorer::of_predictor;
/// let dataset = chainrule_data::read("digits")?;
/// let options = EstimatorOptions { layers: Some(vec![8]), epochs: Some(1), ..EstimatorOptions::default() };
/// let trained = Estimator::new(options).fit(&dataset, &mut unobserved)?;
/// let predictor = Predictor::of_model(trained.model().cast::<f64>())?;
/// let document = of_predictor(&predictor, &dataset, "digits", Some(3..7), &mut Vec::new())?;
/// assert_eq!((document.inputs.rows(), document.first_row), (4, 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A network or a batch that is too large to explore, rows that are not there, and data that do not suit the model.
pub fn of_predictor(
    predictor: &Predictor<f64>,
    dataset: &Dataset,
    title: &str,
    rows: Option<Range<usize>>,
    notes: &mut Vec<Note>,
) -> Result<Document, Refusal> {
    let model = predictor.model();
    limits::check_network(&model.network).map_err(|error| too_large(title, error))?;
    let rows = rows.unwrap_or(0..BATCH.min(dataset.rows()));
    chosen_rows(dataset, rows.clone(), false).map_err(unsuitable)?;

    let (n_in, outputs) = (model.network.input_width(), model.network.output_width());
    let count = dataset.rows().min(limits::POOL_NUMBERS / (n_in + outputs));
    if rows.end > count {
        return Err(Refusal::TooMuch(format!(
            "{}: rows {}..{} are asked for, but the page holds the first {count} rows of these data",
            dataset.name, rows.start, rows.end,
        )));
    }
    let pool: Vec<usize> = (0..count).collect();
    let prepared = predictor.prepare(dataset, &pool, notes).map_err(unsuitable)?;
    let samples = prepared.samples();
    let targets = match samples.targets {
        Targets::Values(values) => values.to_matrix(),
        // A class is a one-hot row, or the number itself where there is one output.
        Targets::Classes(classes) => {
            let mut rows = Matrix::zeros(count, outputs);
            for (row, &class) in classes.iter().enumerate() {
                match outputs {
                    1 => rows[(row, 0)] = f64::from(class),
                    _ => rows[(row, class as usize)] = 1.0,
                }
            }
            rows
        }
    };
    let pool =
        Pool { inputs: Arc::new(samples.inputs.to_matrix()), targets: Arc::new(targets), example: None };
    let network = without_training_layers(&model.network)?;
    let parameters = Arc::new(parameters_in(&network, &model.parameters));
    let preprocessing = predictor.preprocessing_of(dataset).map_err(unsuitable)?;
    let image = match &preprocessing.inputs {
        InputPreprocessing::Images(images) => Some(Image { height: images.height, width: images.width }),
        InputPreprocessing::Columns(_) => None,
    };
    let document = Document {
        title: brief(title),
        source: brief(&format!("{}: {}", file_name(&dataset.name), dataset.description)),
        network,
        initial: Arc::clone(&parameters),
        parameters,
        loss: model.loss.clone(),
        inputs: Arc::clone(&pool.inputs),
        targets: Arc::clone(&pool.targets),
        learning_rate: LEARNING_RATE,
        iteration: 0,
        initialization: SUITED.to_owned(),
        seed: 0,
        pool,
        first_row: 0,
        input_names: Some(preprocessing.input_names().iter().map(|name| brief(name)).collect()),
        output_names: predictor
            .output_names(dataset)
            .map_err(unsuitable)?
            .map(|names| names.iter().map(|name| brief(name)).collect()),
        image,
    };
    document.batch(rows.start, rows.len())
}

/// As much of a name as a page has a use for.
fn brief(name: &str) -> String {
    const MOST: usize = 200;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// A name without the folders before it, which are nobody's who gets the page.
fn file_name(name: &str) -> &str {
    let is_end = |c: char| c == '/' || c == std::path::MAIN_SEPARATOR;
    name.trim_end_matches(is_end).rsplit(is_end).next().unwrap_or(name)
}

fn too_large(title: &str, refusal: Refusal) -> Refusal {
    Refusal::TooMuch(format!("{title} is too large to explore: {refusal}"))
}

fn unsuitable(error: EstimatorError) -> Refusal {
    Refusal::Invalid(error.to_string())
}
