//! `chainrule explore`: a local page that walks through a training step.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chainrule::{Matrix, Targets};
use chainrule_data::InputPreprocessing;
use chainrule_explorer::{DEFAULT, Document, Explorer, Image, Pool, SUITED, example, limits};
use serde_json::json;

use crate::arguments::ExploreArguments;
use crate::data::{Prepared, chosen_rows, inputs, load};
use crate::report::{grouped, on_terminal, say, say_json};

/// The learning rate of plain gradient descent that a model starts with: large enough to see.
const LEARNING_RATE: f64 = 0.1;

/// The rows that are shown where none are named, or all if there are fewer.
const BATCH: usize = 8;

/// Runs the command.
pub(crate) fn run(arguments: &ExploreArguments) -> Result<ExitCode> {
    let (document, label) = match (&arguments.model, &arguments.data) {
        (None, _) => (example(DEFAULT)?, format!("example {DEFAULT}")),
        (Some(model), None) => bail!(
            "{}: give the data too, as in chainrule explore {} digits; its rows go through the network",
            model.display(),
            model.display()
        ),
        (Some(model), Some(data)) => {
            let rows = arguments.rows.as_ref().map(|rows| rows.0.clone());
            (Arc::new(of_model(model, data, rows)?), format!("{} with {data}", model.display()))
        }
    };
    let explorer = Explorer::bind(document, label, arguments.port)?;
    let stopper = explorer.stopper();
    ctrlc::set_handler(move || stopper.stop()).context("Ctrl-C cannot be caught")?;
    let address = explorer.address();
    if arguments.json {
        say_json(&json!({ "address": address, "port": explorer.port() }))?;
    } else {
        say(format!("The explorer is at {address}"))?;
        say("Ctrl-C ends it")?;
        if !arguments.no_open && on_terminal() && has_display() {
            // Whoever sees no page has the address above.
            let _ = open::that_detached(&address);
        }
    }
    explorer.run();
    Ok(ExitCode::SUCCESS)
}

/// Whether a browser can show itself: elsewhere than on macOS and Windows a display has a name.
fn has_display() -> bool {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(target_os = "macos", windows)) || named("DISPLAY") || named("WAYLAND_DISPLAY")
}

/// A model with rows of data, prepared as for `chainrule trace`.
fn of_model(path: &Path, data: &str, rows: Option<std::ops::Range<usize>>) -> Result<Document> {
    let (model, dataset, preprocessing) = load::<f64>(path, data)?;
    let shown = path.display();
    limits::check_network(&model.network).with_context(|| format!("{shown} is too large to explore"))?;
    let rows = rows.unwrap_or(0..BATCH.min(dataset.rows()));
    chosen_rows(&dataset, &rows, false)?;

    let (n_in, outputs) = (model.network.input_width(), model.network.output_width());
    let count = dataset.rows().min(limits::POOL_NUMBERS / (n_in + outputs));
    if rows.end > count {
        bail!(
            "{data}: rows {}..{} are asked for, but the page holds the first {} rows of these data",
            rows.start,
            rows.end,
            grouped(count as u64)
        );
    }
    let pool: Vec<usize> = (0..count).collect();
    let prepared = Prepared::<f64>::new(&preprocessing, &dataset, &pool)?;
    let targets = match prepared.samples().targets {
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
    let inputs = Arc::new(inputs(&preprocessing, &dataset, &pool)?);
    let pool = Pool { inputs, targets: Arc::new(targets), example: None };
    let parameters = Arc::new(model.parameters);
    let name = path.file_name().unwrap_or(path.as_os_str());
    let image = match &preprocessing.inputs {
        InputPreprocessing::Images(images) => Some(Image { height: images.height, width: images.width }),
        InputPreprocessing::Columns(_) => None,
    };
    let output_names = match preprocessing.class_names() {
        Some(names) if names.len() == outputs => Some(names.into()),
        // Of two classes a single output is the second one's probability.
        Some([_, second]) => Some([second.clone()].as_slice().into()),
        _ if outputs == 1 => Some([preprocessing.target_name().to_owned()].as_slice().into()),
        _ => None,
    };
    let document = Document {
        title: name.to_string_lossy().into_owned(),
        source: format!("{data}: {}", dataset.description),
        network: model.network,
        initial: Arc::clone(&parameters),
        parameters,
        loss: model.loss,
        inputs: Arc::clone(&pool.inputs),
        targets: Arc::clone(&pool.targets),
        learning_rate: LEARNING_RATE,
        iteration: 0,
        initialization: SUITED.to_owned(),
        seed: 0,
        pool,
        first_row: 0,
        input_names: Some(preprocessing.input_names().into()),
        output_names,
        image,
    };
    Ok(document.batch(rows.start, rows.len())?)
}
