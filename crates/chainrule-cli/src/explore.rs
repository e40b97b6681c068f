//! `chainrule explore`: a page that walks through a training step, on this machine or as one file; or the step as a film.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use chainrule::write_file;
use chainrule_data::Note;
use chainrule_estimator::Predictor;
use chainrule_explorer::{Explorer, of_predictor, page_with};
use chainrule_explorer_core::film::{Film, Kind, Theme};
use chainrule_explorer_core::{DEFAULT, Document, example};
use serde_json::json;

use crate::arguments::ExploreArguments;
use crate::output::{check_output, input_files};
use crate::reading::say_notes;
use crate::report::{bytes, counted};
use crate::signals;
use crate::terminal::{on_terminal, say, say_json};

/// Runs the command.
pub(crate) fn run(arguments: &ExploreArguments) -> Result<ExitCode> {
    if let Some(path) = &arguments.film
        && path.extension().is_none_or(|extension| extension != "svg")
    {
        bail!("--film {}: the film is an SVG file; give a name that ends with .svg", path.display());
    }
    if let Some(path) = arguments.export.as_ref().or(arguments.film.as_ref()) {
        let data = arguments.data.iter().flat_map(|data| input_files(data));
        check_output(path, &arguments.model.iter().cloned().chain(data).collect::<Vec<_>>())?;
    }
    let mut notes = Vec::new();
    let (document, label) = match (&arguments.model, &arguments.data) {
        (None, _) => (example(DEFAULT)?, format!("example {DEFAULT}")),
        (Some(model), None) => bail!(
            "{}: give the data too, as in chainrule explore {} digits; its rows go through the network",
            model.display(),
            model.display()
        ),
        (Some(model), Some(data)) => {
            let rows = arguments.rows.as_ref().map(|rows| rows.0.clone());
            let predictor = Predictor::<f64>::load_as(model)?;
            let title = model.file_name().unwrap_or(model.as_os_str()).to_string_lossy();
            let options = predictor.read_options(arguments.reading.options(None)?);
            let dataset = arguments.reading.read(data, &options)?;
            notes.extend(dataset.notes.iter().cloned());
            let document = of_predictor(&predictor, &dataset, &title, rows, &mut notes)?;
            (Arc::new(document), format!("{} with {data}", model.display()))
        }
    };
    say_notes(&notes);
    if let Some(path) = &arguments.export {
        return export(path, &document, arguments.json, &notes);
    }
    if let Some(path) = &arguments.film {
        return film(path, &document, arguments, &notes);
    }
    let explorer = Explorer::bind(document, label, arguments.port)?;
    let stopper = explorer.stopper();
    let mut is_first = true;
    signals::handle(move |_| {
        stopper.stop();
        std::mem::take(&mut is_first)
    });
    let address = explorer.address();
    if arguments.json {
        say_json(&json!({ "address": address, "port": explorer.port(), "notes": notes }))?;
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

/// Writes the page as one file.
fn export(path: &Path, document: &Document, as_json: bool, notes: &[Note]) -> Result<ExitCode> {
    let page = page_with(document)?;
    write_file(path, page.as_bytes())?;
    let output = path.display().to_string();
    let (rows, parameters) = (document.inputs.rows(), document.parameters.count());
    if as_json {
        say_json(
            &json!({ "output": output, "bytes": page.len(), "rows": rows, "parameters": parameters, "notes": notes }),
        )?;
    } else {
        say(format!(
            "{output}: {}; any browser opens it, without a server and without a network",
            bytes(page.len() as u64)
        ))?;
        if document.pool.example.is_none() {
            let (rows, parameters) = (counted(rows, "row"), counted(parameters, "parameter"));
            say(format!("in it: {parameters} and {rows} of data, which whoever gets it can read"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the step as a film.
fn film(path: &Path, document: &Document, arguments: &ExploreArguments, notes: &[Note]) -> Result<ExitCode> {
    let kind = match arguments.film_kind.as_str() {
        "lesson" => Kind::Lesson,
        _ => Kind::Pass,
    };
    let film = Film::new(document, &document.step()?, kind, 0)?;
    let picture = film.animated(Theme::Light);
    write_file(path, picture.as_bytes())?;
    let (output, seconds) = (path.display().to_string(), film.duration());
    if arguments.json {
        say_json(
            &json!({ "output": output, "bytes": picture.len(), "seconds": (seconds * 100.0).round() / 100.0, "notes": notes }),
        )?;
    } else {
        say(format!(
            "{output}: {seconds:.0} seconds, {}; any browser plays it",
            bytes(picture.len() as u64)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a browser can show itself: elsewhere than on macOS and Windows a display has a name.
fn has_display() -> bool {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(target_os = "macos", windows)) || named("DISPLAY") || named("WAYLAND_DISPLAY")
}
