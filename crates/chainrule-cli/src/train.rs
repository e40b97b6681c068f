//! `chainrule train`: data in, model file out.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use anyhow::{Result, anyhow};
use chainrule::{Model, OutputFile, is_same_file};
use chainrule_estimator::{Ending, Estimator, EstimatorError, Event, Fitted, Predictor, Preparation, Run};
use serde_json::{Value, json};

use crate::arguments::{ShareOrData, TrainArguments};
use crate::flags::{estimator_options, in_flags};
use crate::is_closed_output;
use crate::output::{check_default_output, check_output, input_files, is_ours, spare_place};
use crate::progress::{Progress, waited};
use crate::reading::say_notes;
use crate::report::{
    bytes, counted, grouped, ledger_line, loss_words, measurement_lines, network_line, network_table,
    percent, shell_word, short,
};
use crate::signals::{self, exit_code};
use crate::terminal::{on_standard_output, on_terminal, one_line, say, say_json, tell, tell_error};

/// Runs the command.
pub(crate) fn run(arguments: &TrainArguments) -> Result<ExitCode> {
    let started = Instant::now();
    let paths = ModelPaths::check(arguments)?;
    let preparation = prepare(arguments)?;
    let run = preparation.start().map_err(in_flags)?;
    let asked = Arc::new(AtomicI32::new(0));
    watch_for_the_end(&asked);
    // Whoever closes standard output, or fills it, does not lose the model for that.
    let described = if arguments.common.json { Ok(()) } else { describe(&preparation) };
    let fitted = fit(arguments, &preparation, run, &asked).map_err(|error| keep_last_good(error, &paths))?;
    if !paths.is_file {
        // Whoever reads a pipe may let it wait, and then one signal is enough.
        signals::handle(|_| false);
    }
    let signal = asked.load(Ordering::SeqCst);
    let (kept, problem) = keep(&fitted, &paths, signal != 0);
    let said = match arguments.common.json {
        true => say_summary(&preparation, &fitted, &kept, started),
        false => described.and_then(|()| say_result(arguments, &preparation, &fitted, &kept)),
    };
    let not_measured = fitted.not_measured.first().map(|problem| {
        anyhow!("the model is trained and saved, but its measurement is no number: {problem}")
    });
    match (fitted.ending, problem.or(not_measured).or_else(|| unsaid(said, &kept))) {
        (Ending::Interrupted, problem) => {
            problem.iter().for_each(tell_error);
            Ok(ExitCode::from(exit_code(signal)))
        }
        (_, Some(problem)) => Err(problem),
        (_, None) => Ok(ExitCode::SUCCESS),
    }
}

/// Why not everything could be printed, with the place of the model. Who closes standard output knows enough.
fn unsaid(said: Result<()>, kept: &Kept) -> Option<anyhow::Error> {
    let error = said.err().filter(|error| !is_closed_output(error))?;
    Some(match kept {
        Kept::Model(path) => {
            error.context(format!("the model is in {}, but not everything could be printed", path.display()))
        }
        Kept::Earlier | Kept::Nothing => error,
    })
}

/// Reads and prepares the data. What was read is gone when training begins.
fn prepare(arguments: &TrainArguments) -> Result<Preparation> {
    let dataset =
        arguments.reading.read(&arguments.data, &arguments.reading.options(arguments.common.threads)?)?;
    let options = estimator_options(arguments, &dataset)?;
    let mut notes = Vec::new();
    let estimator = Estimator::new(options);
    // Planning within a limit of memory takes seconds where layers are thousands.
    let preparation = waited("planning", || estimator.prepare_noting(&dataset, &mut notes));
    say_notes(&notes);
    preparation.map_err(in_flags)
}

/// Where files go, checked.
struct ModelPaths {
    /// Where the model goes.
    model: PathBuf,
    /// Whether that is a regular file, or will be.
    is_file: bool,
    /// Where a file may stand beside it: there, or in the folder that the program runs in, where it is no regular file.
    beside: PathBuf,
    /// Every other file that is read or written.
    others: Vec<PathBuf>,
}

impl ModelPaths {
    fn check(arguments: &TrainArguments) -> Result<Self> {
        let model = match &arguments.output {
            Some(path) => path.clone(),
            None => {
                let path = default_model_path(&arguments.data);
                check_default_output(&path)?;
                path
            }
        };
        let mut others = input_files(&arguments.data);
        for part in [&arguments.validation, &arguments.test] {
            if let Some(ShareOrData::Data(source)) = part {
                others.extend(input_files(source));
            }
        }
        if let Some(checkpoint) = &arguments.checkpoint {
            // Another run that writes there is found now, and not after the data were read.
            check_output(checkpoint, &others)?.lock()?;
            others.push(checkpoint.clone());
        }
        others.extend(arguments.resume.clone());
        let is_file = check_output(&model, &others)?.file().is_some();
        let name = model.file_name().map(PathBuf::from);
        let beside = if is_file { model.clone() } else { name.unwrap_or_else(|| model.clone()) };
        Ok(ModelPaths { model, is_file, beside, others })
    }
}

/// NAME.safetensors for data of that name.
fn default_model_path(data: &str) -> PathBuf {
    let name = Path::new(data).file_name().unwrap_or("model".as_ref());
    let name = name.to_string_lossy();
    let stem = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let stem = [".csv", ".tsv", ".txt"].iter().fold(stem, |stem, end| stem.trim_end_matches(end));
    PathBuf::from(format!("{stem}.safetensors"))
}

/// Has the first signal noted, after which training ends with its step. With the second one the program ends.
fn watch_for_the_end(asked: &Arc<AtomicI32>) {
    let asked = Arc::clone(asked);
    signals::handle(move |signal| {
        let is_first = asked.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if is_first && std::io::stderr().is_terminal() {
            tell("ending after this step; once more ends at once and saves nothing");
        }
        is_first
    });
}

/// Trains until the end or until the flag is set.
fn fit(
    arguments: &TrainArguments,
    preparation: &Preparation,
    run: Run<'_>,
    asked: &AtomicI32,
) -> Result<Fitted, EstimatorError> {
    let (epochs, rows) = (preparation.training_options().epochs, preparation.training_rows());
    let shows_metrics = preparation.preprocessing().target_names().len() == 1;
    let mut progress = Progress::new(epochs, rows, run.epochs(), arguments.common.json, shows_metrics);
    let fitted = run.fit(&mut |event| {
        match event {
            Event::Step { epoch, samples, loss } => progress.step(*epoch, *samples, *loss),
            Event::Epoch { report, .. } => progress.epoch(report),
            Event::Noticed(note) => progress.note(note),
            _ => {}
        }
        if asked.load(Ordering::SeqCst) != 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    progress.finish();
    fitted
}

/// After a run that diverged: what was good is kept beside the model's place, which stays as it is, or where it can be.
fn keep_last_good(error: EstimatorError, paths: &ModelPaths) -> anyhow::Error {
    let EstimatorError::Diverged { epoch, last_good, .. } = &error else { return in_flags(error) };
    let is_other = |path: &Path| paths.others.iter().any(|other| is_same_file(path, other));
    let place = paths.beside.with_extension("last-good.safetensors");
    let place = spare_place(&place, |path| is_ours(path) && !is_other(path));
    let best = format!("the best model so far, of epoch {epoch},");
    let context = match last_good.save(&place) {
        Ok(()) => format!("{best} is in {}", place.display()),
        Err(saving) => match save_elsewhere(last_good, &place) {
            Some(elsewhere) => {
                let elsewhere = elsewhere.display();
                format!("{best} is in {elsewhere}, since its place cannot be written ({saving})")
            }
            None => format!("{best} could not be saved anywhere ({saving})"),
        },
    };
    anyhow::Error::from(error).context(context)
}

/// What became of the model.
enum Kept {
    /// It was saved there.
    Model(PathBuf),
    /// It was not worth what was there before, which stays.
    Earlier,
    /// There was nothing yet.
    Nothing,
}

/// Saves the model: at its place or, where that cannot be, in another folder, with the reason. Before the end of the first
/// epoch what was learned replaces nothing. Who has asked for the end waits for nobody.
fn keep(fitted: &Fitted, paths: &ModelPaths, is_asked: bool) -> (Kept, Option<anyhow::Error>) {
    let path = &paths.model;
    if fitted.best_epoch == 0 {
        if paths.is_file && path.exists() {
            return (Kept::Earlier, None);
        }
        if fitted.rows_seen == 0 {
            return (Kept::Nothing, None);
        }
    }
    let Err(error) = save(&fitted.predictor, path, is_asked) else {
        return (Kept::Model(path.clone()), None);
    };
    let error = anyhow::Error::from(error);
    match save_elsewhere(fitted.predictor.model(), path) {
        Some(place) => {
            let context = format!("the model is in {}, since its place cannot be written", place.display());
            (Kept::Model(place), Some(error.context(context)))
        }
        None => (Kept::Nothing, Some(error.context("the model could not be saved anywhere"))),
    }
}

/// Saves the model at its place, into a pipe only if somebody reads it where the end `is_asked` for.
fn save(predictor: &Predictor, path: &Path, is_asked: bool) -> Result<(), EstimatorError> {
    // Open until the model is written: whoever reads the pipe takes it for all there is once it is closed.
    let _pipe = if is_asked { OutputFile::at(path)?.open_pipe()? } else { None };
    predictor.save(path)
}

/// Saves a model whose place cannot be written, under a name like it that is free: in the folder that the program runs in or,
/// where that cannot be, in the one of temporary files. Says where.
fn save_elsewhere(model: &Model<f32>, place: &Path) -> Option<PathBuf> {
    let name = place.file_name().unwrap_or_default();
    [PathBuf::from("."), std::env::temp_dir()].into_iter().find_map(|folder| {
        let place = spare_place(&folder.join(name), |_| false);
        model.save(&place).is_ok().then_some(place)
    })
}

/// What was learned and how, for programs.
fn summary(preparation: &Preparation, fitted: &Fitted) -> Value {
    let notes: Vec<_> = preparation.notes().iter().chain(&fitted.notes).collect();
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
        "epochs_before": fitted.epochs_before,
        "rows_per_second": fitted.rows_seen as f64 / seconds,
        "parameters": preparation.network().parameter_count(),
        "threads": preparation.threads().count(),
        "memory": {
            "bytes": plan.bytes(),
            "recomputed": plan.step.recomputed(),
            "microbatches": plan.step.model().microbatches(),
            "ledger": plan.ledger().entries,
            "data": { "training": training_bytes, "validation": validation_bytes, "test": test_bytes },
        },
        "notes": notes,
    })
}

fn say_summary(preparation: &Preparation, fitted: &Fitted, kept: &Kept, started: Instant) -> Result<()> {
    let mut summary = summary(preparation, fitted);
    summary["model"] = match kept {
        Kept::Model(path) => json!(path.display().to_string()),
        Kept::Earlier | Kept::Nothing => Value::Null,
    };
    summary["total_seconds"] = json!(started.elapsed().as_secs_f64());
    say_json(&summary)
}

/// What was read, and what will be trained.
fn describe(preparation: &Preparation) -> Result<()> {
    let (network, loss, options) =
        (preparation.network(), preparation.loss(), preparation.training_options());
    let (preprocessing, plan) = (preparation.preprocessing(), preparation.plan());
    say(format!("{}: {}", preparation.data(), preparation.description()))?;
    let targets: Vec<_> = preprocessing.target_names().into_iter().map(one_line).collect();
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
    on_standard_output(std::io::stdout().flush())
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

fn say_result(
    arguments: &TrainArguments,
    preparation: &Preparation,
    fitted: &Fitted,
    kept: &Kept,
) -> Result<()> {
    let Fitted { epochs, epochs_before, best_epoch, rows_seen, .. } = *fitted;
    let how = match fitted.ending {
        Ending::StoppedEarly => "stopped early: trained",
        Ending::Interrupted => "interrupted: trained",
        _ => "trained",
    };
    let of_this_run = match epochs_before {
        0 => String::new(),
        before => format!(", {} of them in this run,", grouped((epochs - before) as u64)),
    };
    let seconds = fitted.training_time.as_secs_f64();
    let rate = match rows_seen {
        0 => String::new(),
        rows => format!(", {} rows/s", grouped((rows as f64 / seconds) as u64)),
    };
    let which = match best_epoch {
        0 => String::new(),
        best if best < epochs || fitted.ending == Ending::Interrupted => {
            format!("; the model is the best one, of epoch {best}")
        }
        _ => String::new(),
    };
    say(format!("{how} {}{of_this_run} in {} s{rate}{which}", counted(epochs, "epoch"), short(seconds)))?;
    let model = match kept {
        Kept::Earlier => return say("the first epoch did not end: the earlier model stays as it was"),
        Kept::Nothing => return say("there is no model to save"),
        Kept::Model(path) => path.display().to_string(),
    };
    if best_epoch == 0 {
        say("the first epoch did not end: the model is what was learned of it")?;
    }
    for (name, measured) in [("validation", &fitted.validation), ("test", &fitted.test)] {
        if let Some(measurement) = measured {
            say(format!("{name:<10} {}", measurement_lines(measurement)))?;
        }
    }
    let program = shell_word(&std::env::args().next().unwrap_or("chainrule".to_owned()));
    let (in_shell, data) = (shell_word(&model), shell_word(preparation.data()));
    if fitted.ending == Ending::Interrupted && preparation.test_rows() > 0 {
        let evaluated = match &arguments.test {
            Some(ShareOrData::Data(source)) => shell_word(source),
            _ => format!("{data} --part test"),
        };
        say(format!("test       not measured; {program} evaluate {in_shell} {evaluated} does it"))?;
    }
    say(format!("model      {model}"))?;
    say(format!("next       {program} predict {in_shell} DATA"))?;
    say(format!("           {program} trace {in_shell} {data}"))
}
