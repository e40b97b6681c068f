//! `chainrule train`: data in, model file out.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use chainrule_estimator::{Ending, Estimator, EstimatorError, Event, Fitted, Preparation, Run};
use serde_json::{Value, json};

use crate::arguments::{Part, TrainArguments};
use crate::flags::{estimator_options, in_flags};
use crate::output::{check_default_output, check_output};
use crate::progress::Progress;
use crate::reading::say_notes;
use crate::report::{
    bytes, counted, grouped, ledger_line, loss_words, measurement_lines, network_line, network_table,
    on_terminal, percent, say, say_json, short,
};

/// Runs the command.
pub(crate) fn run(arguments: &TrainArguments) -> Result<ExitCode> {
    let started = Instant::now();
    let path = model_path(arguments)?;
    let preparation = prepare(arguments)?;
    let run = preparation.start().map_err(in_flags)?;
    if !arguments.common.json {
        describe(&preparation)?;
    }
    let interrupted = catch_interrupts()?;
    let fitted =
        fit(arguments, &preparation, run, &interrupted).map_err(|error| keep_last_good(error, &path))?;
    fitted.predictor.save(&path)?;
    if arguments.common.json {
        let mut summary = summary(&preparation, &fitted);
        summary["model"] = json!(path.display().to_string());
        summary["total_seconds"] = json!(started.elapsed().as_secs_f64());
        say_json(&summary)?;
    } else {
        say_result(&preparation, &fitted, &path)?;
    }
    Ok(if fitted.ending == Ending::Interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// Reads and prepares the data. What was read is gone when training begins.
fn prepare(arguments: &TrainArguments) -> Result<Preparation> {
    let dataset =
        arguments.reading.read(&arguments.data, &arguments.reading.options(arguments.common.threads)?)?;
    let options = estimator_options(arguments, &dataset)?;
    let mut notes = Vec::new();
    let preparation = Estimator::new(options).prepare_noting(&dataset, &mut notes);
    say_notes(&notes);
    preparation.map_err(in_flags)
}

/// Where the model goes, and every other file, checked.
fn model_path(arguments: &TrainArguments) -> Result<PathBuf> {
    let path = match &arguments.output {
        Some(path) => path.clone(),
        None => {
            let name = Path::new(&arguments.data).file_name().unwrap_or("model".as_ref());
            let name = name.to_string_lossy();
            let stem = name.trim_end_matches(".gz").trim_end_matches(".zst");
            let stem = [".csv", ".tsv", ".txt"].iter().fold(stem, |stem, end| stem.trim_end_matches(end));
            let path = PathBuf::from(format!("{stem}.safetensors"));
            check_default_output(&path)?;
            path
        }
    };
    let mut others = vec![Path::new(&arguments.data)];
    for part in [&arguments.validation, &arguments.test] {
        if let Some(Part::Data(source)) = part {
            others.push(Path::new(source));
        }
    }
    if let Some(checkpoint) = &arguments.checkpoint {
        check_output(checkpoint, &others)?;
        others.push(checkpoint);
    }
    check_output(&path, &others)?;
    Ok(path)
}

/// A flag that Ctrl-C sets.
fn catch_interrupts() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || {
        // The second time the user does not want to wait for the step to end.
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })
    .context("Ctrl-C cannot be caught")?;
    Ok(interrupted)
}

/// Trains until the end or until the flag is set.
fn fit(
    arguments: &TrainArguments,
    preparation: &Preparation,
    run: Run<'_>,
    interrupted: &AtomicBool,
) -> Result<Fitted, EstimatorError> {
    let (epochs, rows) = (preparation.training_options().epochs, preparation.training_rows());
    let shows_metrics = preparation.preprocessing().target_names().len() == 1;
    let mut progress = Progress::new(epochs, rows, run.epochs(), arguments.common.json, shows_metrics);
    let fitted = run.fit(&mut |event| {
        match event {
            Event::Step { epoch, samples, loss } => progress.step(*epoch, *samples, *loss),
            Event::Epoch { report, .. } => progress.epoch(report),
            _ => {}
        }
        if interrupted.load(Ordering::SeqCst) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    progress.finish();
    fitted
}

/// After a run that diverged: what was good is kept beside the model's place, which stays as it is.
fn keep_last_good(error: EstimatorError, path: &Path) -> anyhow::Error {
    let EstimatorError::Diverged { epoch, last_good, .. } = &error else { return in_flags(error) };
    let place = path.with_extension("last-good.safetensors");
    let context = match last_good.save(&place) {
        Ok(()) => format!("the best model so far, of epoch {epoch}, is in {}", place.display()),
        Err(saving) => saving.to_string(),
    };
    anyhow::Error::from(error).context(context)
}

/// What was learned and how, for programs.
fn summary(preparation: &Preparation, fitted: &Fitted) -> Value {
    let seconds = fitted.training_time.as_secs_f64();
    let plan = preparation.plan();
    let [training_bytes, validation_bytes, test_bytes] = preparation.data_bytes();
    json!({
        "data": preparation.data(),
        "training_rows": preparation.training_rows(),
        "validation": fitted.validation,
        "test": fitted.test,
        "epochs": fitted.epochs,
        "best_epoch": fitted.best_epoch,
        "ending": fitted.ending,
        "seconds": seconds,
        "rows_per_second": (fitted.epochs * preparation.training_rows()) as f64 / seconds,
        "parameters": preparation.network().parameter_count(),
        "threads": preparation.threads().count(),
        "memory": {
            "bytes": plan.bytes(),
            "recomputed": plan.step.recomputed(),
            "microbatches": plan.step.model().microbatches(),
            "ledger": plan.ledger().entries,
            "data": { "training": training_bytes, "validation": validation_bytes, "test": test_bytes },
        },
        "notes": preparation.notes(),
    })
}

/// What was read, and what will be trained.
fn describe(preparation: &Preparation) -> Result<()> {
    let (network, loss, options) =
        (preparation.network(), preparation.loss(), preparation.training_options());
    let (preprocessing, plan) = (preparation.preprocessing(), preparation.plan());
    say(format!("{}: {}", preparation.data(), preparation.description()))?;
    let targets = preprocessing.target_names();
    let task = match (preprocessing.class_names(), targets.as_slice()) {
        (Some(classes), _) => format!("{} classes of '{}'", classes.len(), targets[0]),
        (None, [target]) => format!("the number '{target}'"),
        (None, targets) => format!("the numbers '{}'", targets.join("', '")),
    };
    say(format!(
        "learning {task} from {}; {} to validate, {} to test",
        counted(preparation.training_rows(), "row"),
        grouped(preparation.validation_rows() as u64),
        grouped(preparation.test_rows() as u64),
    ))?;
    let parameters = network.parameter_count();
    if on_terminal() {
        say(network_table(network))?;
    } else {
        say(format!("network: {}", network_line(network)))?;
    }
    say(format!(
        "{} parameters ({}), {}",
        grouped(parameters as u64),
        bytes(4 * parameters as u64),
        loss_words(loss),
    ))?;
    say(format!(
        "{} at {} ({}), batches of {}, {}",
        options.optimizer.name(),
        options.optimizer.learning_rate(),
        options.schedule.name().replace('_', " "),
        options.batch_size,
        counted(preparation.threads().count(), "thread"),
    ))?;
    say(format!("memory {}; and {}", ledger_line(&plan.ledger()), data_line(preparation)))?;
    let (parts, recomputed) = (plan.step.model().microbatches(), plan.step.recomputed());
    if parts > 1 || recomputed > 0.0 {
        say(format!(
            "each batch in {}, recomputing {} of a forward pass ({})",
            counted(parts, "part"),
            percent(recomputed),
            plan.step.certificate()
        ))?;
    }
    Ok(std::io::stdout().flush()?)
}

/// What is held of the data: 52.1 MiB of data: training 40.0 MiB, ...
fn data_line(preparation: &Preparation) -> String {
    let parts = ["training", "validation", "test"].into_iter().zip(preparation.data_bytes());
    let shown: Vec<String> = parts
        .clone()
        .filter(|(_, held)| *held > 0)
        .map(|(name, held)| format!("{name} {}", bytes(held)))
        .collect();
    format!("{} of data: {}", bytes(parts.map(|(_, held)| held).sum()), shown.join(", "))
}

fn say_result(preparation: &Preparation, fitted: &Fitted, path: &Path) -> Result<()> {
    let (epochs, best) = (fitted.epochs, fitted.best_epoch);
    let seconds = fitted.training_time.as_secs_f64();
    let rate = grouped(((epochs * preparation.training_rows()) as f64 / seconds) as u64);
    let how = match fitted.ending {
        Ending::Finished => "trained",
        Ending::StoppedEarly => "stopped early: trained",
        Ending::Interrupted => "interrupted: trained",
    };
    let kept = if best < epochs || fitted.ending == Ending::Interrupted {
        format!("; the model is the best one, of epoch {best}")
    } else {
        String::new()
    };
    say(format!("{how} {} in {} s, {rate} rows/s{kept}", counted(epochs, "epoch"), short(seconds)))?;
    for (name, measured) in [("validation", &fitted.validation), ("test", &fitted.test)] {
        if let Some(measurement) = measured {
            say(format!("{name:<10} {}", measurement_lines(measurement)))?;
        }
    }
    let model = path.display();
    say(format!("model      {model}"))?;
    let program = std::env::args().next().unwrap_or("chainrule".to_owned());
    say(format!("next       {program} predict {model} DATA"))?;
    say(format!("           {program} trace {model} {}", preparation.data()))
}
