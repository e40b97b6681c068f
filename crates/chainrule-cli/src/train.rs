//! `chainrule train`: data in, model file out.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use chainrule::{
    Activation, Ending, Evaluation, Event, Loss, Model, Network, Threads, Trainer, TrainingOptions,
    TrainingPlan, evaluate,
};
use chainrule_data::{Dataset, Preprocessing, choose_target, infer_task, read};
use serde_json::{Value, json};

use crate::arguments::{Part, TrainArguments};
use crate::data::Prepared;
use crate::defaults::{self, Facts};
use crate::memory::{can_hold, refusal};
use crate::output::check_output;
use crate::progress::Progress;
use crate::report::{
    bytes, counted, evaluation_json, grouped, ledger_line, loss_words, metrics_line, network_line,
    network_table, on_terminal, percent, say, say_json, short,
};
use crate::split::{SplitRule, split_rows};

const DEFAULT_VALIDATION: f64 = 0.1;
const DEFAULT_TEST: f64 = 0.2;

/// The data of a run, prepared.
struct Data {
    dataset: Dataset,
    preprocessing: Preprocessing,
    notes: Vec<String>,
    rule: SplitRule,
    training: Prepared<f32>,
    validation: Option<Prepared<f32>>,
    test: Option<Prepared<f32>>,
}

/// Runs the command.
pub(crate) fn run(arguments: &TrainArguments) -> Result<ExitCode> {
    let started = Instant::now();
    let path = model_path(arguments)?;
    let data = prepare(arguments)?;
    let facts = Facts {
        rows: data.training.rows(),
        preprocessing: &data.preprocessing,
        class_counts: data.training.class_counts(data.preprocessing.class_names().map_or(0, <[String]>::len)),
        has_validation: data.validation.is_some(),
    };
    let loss = defaults::loss(arguments, &facts)?;
    let network = defaults::network(arguments, &facts, &loss)?;
    let options = defaults::options(arguments, &facts)?;
    let plan = plan(arguments, &network, &options, &data)?;
    let mut trainer = make_trainer(arguments, &network, &loss, &options)?;
    trainer.set_plan(plan.clone());
    let threads = arguments.common.threads();
    if !arguments.common.json {
        describe(&data, &network, &loss, &options, &threads, &plan)?;
    }

    let training_started = Instant::now();
    let ending = match fit(arguments, &mut trainer, &threads, &data) {
        Ok(ending) => ending,
        Err(error) => return Err(keep_last_good(error, &trainer, &data, &path)),
    };
    let seconds = training_started.elapsed().as_secs_f64();

    let measure = |prepared: &Option<Prepared<f32>>| -> Result<Option<(Evaluation, usize)>> {
        let Some(prepared) = prepared else { return Ok(None) };
        let parameters = trainer.parameters();
        let mut evaluation = evaluate(&threads, &network, parameters, &loss, prepared.samples())?;
        let scale = data.preprocessing.target_scale().map_or(1.0, |scale| scale.standard_deviation);
        evaluation.metrics = evaluation.metrics.rescaled(scale);
        Ok(Some((evaluation, prepared.rows())))
    };
    let (validation, test) = (measure(&data.validation)?, measure(&data.test)?);
    let as_json = |measured: &Option<(Evaluation, usize)>| match measured {
        Some((evaluation, rows)) => evaluation_json(evaluation, *rows),
        None => Value::Null,
    };
    let mut summary = json!({
        "data": data.dataset.name,
        "training_rows": data.training.rows(),
        "validation": as_json(&validation),
        "test": as_json(&test),
        "epochs": trainer.epochs(),
        "best_epoch": trainer.best_epoch(),
        "ending": ending,
    });
    let model = model_of(&trainer, &data, &summary)?;
    model.save(&path)?;

    summary["seconds"] = json!(seconds);
    summary["total_seconds"] = json!(started.elapsed().as_secs_f64());
    summary["rows_per_second"] = json!((trainer.epochs() * data.training.rows()) as f64 / seconds);
    summary["parameters"] = json!(network.parameter_count());
    summary["threads"] = json!(threads.count());
    summary["memory"] = json!({
        "bytes": plan.bytes(),
        "recomputed": plan.step.recomputed(),
        "microbatches": plan.step.model().microbatches(),
        "ledger": plan.ledger().entries,
    });
    summary["notes"] = json!(data.notes);
    summary["model"] = json!(path.display().to_string());
    if arguments.common.json {
        say_json(&summary)?;
    } else {
        say_result(&data, &trainer, ending, seconds, &validation, &test, &path)?;
    }
    Ok(if ending == Ending::Interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// Where the model goes, and every other file, checked.
fn model_path(arguments: &TrainArguments) -> Result<PathBuf> {
    let path = match &arguments.output {
        Some(path) => path.clone(),
        None => {
            let name = Path::new(&arguments.data).file_name().unwrap_or("model".as_ref());
            let name = name.to_string_lossy();
            let stem = name.trim_end_matches(".gz").trim_end_matches(".csv").trim_end_matches(".tsv");
            PathBuf::from(format!("{stem}.safetensors"))
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

/// Reads and splits the data, and fits its preprocessing on the training rows.
fn prepare(arguments: &TrainArguments) -> Result<Data> {
    let dataset = read(&arguments.data)?;
    let target = choose_target(&dataset, arguments.target.as_deref())?;
    let task = infer_task(&dataset, target, arguments.task)?;
    let share = |part: &Option<Part>, default: f64| match part {
        None => default,
        Some(Part::Share(share)) => *share,
        Some(Part::Data(_)) => 0.0,
    };
    let names_test_rows = dataset.test_rows.is_some() && arguments.test.is_none();
    let rule = SplitRule {
        validation: share(&arguments.validation, DEFAULT_VALIDATION),
        test: (!names_test_rows).then(|| share(&arguments.test, DEFAULT_TEST)),
        seed: arguments.seed,
    };
    let split = split_rows(&dataset, arguments.target.as_deref(), task, &rule)?;
    let standardize = standardizes_target(arguments);
    let (preprocessing, notes) =
        Preprocessing::fit(&dataset, arguments.target.as_deref(), Some(task), standardize, &split.training)?;
    if preprocessing.input_width() == 0 {
        bail!("{}: there is no column to learn from beside the target", dataset.name);
    }
    let part = |part: &Option<Part>, rows: &[usize]| -> Result<Option<Prepared<f32>>> {
        if let Some(Part::Data(source)) = part {
            let other = read(source)?;
            let rows: Vec<usize> = (0..other.rows()).collect();
            return Prepared::new(&preprocessing, &other, &rows).map(Some);
        }
        let present = !rows.is_empty();
        present.then(|| Prepared::new(&preprocessing, &dataset, rows)).transpose()
    };
    let training = Prepared::new(&preprocessing, &dataset, &split.training)?;
    let validation = part(&arguments.validation, &split.validation)?;
    let test = part(&arguments.test, &split.test)?;
    Ok(Data { dataset, preprocessing, notes, rule, training, validation, test })
}

/// Numbers are learned as deviations from their mean in standard deviations, where loss and output allow.
fn standardizes_target(arguments: &TrainArguments) -> bool {
    let any_number = match &arguments.loss {
        None => true,
        Some(loss) => !matches!(loss, Loss::Poisson | Loss::BinaryCrossEntropy | Loss::CrossEntropy { .. }),
    };
    any_number && arguments.output_activation.is_none_or(|activation| activation == Activation::Identity)
}

/// What training will hold, within the limit; refused before anything of it is taken.
fn plan(
    arguments: &TrainArguments,
    network: &Network,
    options: &TrainingOptions,
    data: &Data,
) -> Result<TrainingPlan> {
    let limit = arguments.memory.limit::<f32>(network)?;
    let threads = arguments.common.thread_count();
    let rows = |prepared: &Option<Prepared<f32>>| prepared.as_ref().map_or(0, Prepared::rows);
    let measured = rows(&data.validation).max(rows(&data.test));
    let samples = data.training.samples();
    let plan = TrainingPlan::new(network, options, samples, measured, threads, limit.as_ref());
    let plan = plan.map_err(refusal)?;
    if !can_hold(plan.bytes()) {
        bail!(
            "the network has {} parameters, and training it takes {}, more than this machine has; \
             give --memory auto, smaller --layers or a smaller --batch-size",
            grouped(network.parameter_count() as u64),
            bytes(plan.bytes())
        );
    }
    Ok(plan)
}

fn make_trainer(
    arguments: &TrainArguments,
    network: &Network,
    loss: &Loss,
    options: &TrainingOptions,
) -> Result<Trainer<f32>> {
    let Some(path) = &arguments.resume else {
        let parameters = match arguments.initialization {
            Some(rule) => network.initialize_with(rule, options.seed),
            None => network.initialize(options.seed),
        };
        return Ok(Trainer::new(network, loss, parameters, options.clone())?);
    };
    let trainer = Trainer::<f32>::resume(path, Some(options.epochs))?;
    let same = [
        ("network", trainer.network() == network),
        ("loss", trainer.loss() == loss),
        ("training options", trainer.options() == options),
    ];
    if let Some((what, _)) = same.iter().find(|(_, same)| !same) {
        bail!(
            "{}: the run written down there has another {what} than this command line; \
             repeat the flags it was started with (only --epochs may differ)",
            path.display()
        );
    }
    Ok(trainer)
}

/// Trains until the end or Ctrl-C.
fn fit(
    arguments: &TrainArguments,
    trainer: &mut Trainer<f32>,
    threads: &Threads,
    data: &Data,
) -> Result<Ending> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || {
        // The second time the user does not want to wait for the step to end.
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })
    .context("Ctrl-C cannot be caught")?;
    let quiet = arguments.common.json;
    let mut progress = Progress::new(trainer.options().epochs, data.training.rows(), trainer.epochs(), quiet);
    let mut failure = None;
    let result = trainer.fit(
        threads,
        data.training.samples(),
        data.validation.as_ref().map(Prepared::samples),
        &mut |event| {
            match event {
                Event::Step { epoch, samples, loss } => progress.step(*epoch, *samples, *loss),
                Event::Epoch { report, run } => {
                    progress.epoch(report);
                    if let Some(Err(error)) = arguments.checkpoint.as_ref().map(|path| run.save(path)) {
                        failure = Some(error);
                        return ControlFlow::Break(());
                    }
                }
                _ => {}
            }
            if interrupted.load(Ordering::SeqCst) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    progress.finish();
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(result?),
    }
}

fn model_of(trainer: &Trainer<f32>, data: &Data, summary: &Value) -> Result<Model<f32>> {
    let mut record = summary.clone();
    record["rows"] = json!(data.dataset.rows());
    record["split"] = serde_json::to_value(data.rule)?;
    record["options"] = serde_json::to_value(trainer.options())?;
    Ok(Model {
        network: trainer.network().clone(),
        loss: trainer.loss().clone(),
        parameters: trainer.parameters().clone(),
        preprocessing: Some(serde_json::to_value(&data.preprocessing)?),
        training: Some(record),
    })
}

/// After a run that diverged: what was good is kept beside the model's place, which stays as it is.
fn keep_last_good(error: anyhow::Error, trainer: &Trainer<f32>, data: &Data, path: &Path) -> anyhow::Error {
    let diverged = matches!(error.downcast_ref(), Some(chainrule::Error::NonFinite { .. }));
    if !diverged || trainer.epochs() == 0 {
        return error;
    }
    let place = path.with_extension("last-good.safetensors");
    let record = json!({ "data": data.dataset.name, "epochs": trainer.epochs(), "ending": "diverged" });
    let saved = model_of(trainer, data, &record).and_then(|model| Ok(model.save(&place)?));
    match saved {
        Ok(()) => error.context(format!(
            "the best model so far, of epoch {}, is in {}",
            trainer.best_epoch(),
            place.display()
        )),
        Err(saving) => error.context(format!("{saving:#}")),
    }
}

/// What was read, and what will be trained.
fn describe(
    data: &Data,
    network: &Network,
    loss: &Loss,
    options: &TrainingOptions,
    threads: &Threads,
    plan: &TrainingPlan,
) -> Result<()> {
    let rows = |prepared: &Option<Prepared<f32>>| prepared.as_ref().map_or(0, Prepared::rows);
    say(format!("{}: {}", data.dataset.name, data.dataset.description))?;
    let task = match data.preprocessing.class_names() {
        Some(classes) => format!("{} classes of '{}'", classes.len(), data.preprocessing.target_name()),
        None => format!("the number '{}'", data.preprocessing.target_name()),
    };
    say(format!(
        "learning {task} from {}; {} to validate, {} to test",
        counted(data.training.rows(), "row"),
        grouped(rows(&data.validation) as u64),
        grouped(rows(&data.test) as u64),
    ))?;
    for note in &data.notes {
        say(format!("note: {note}"))?;
    }
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
        counted(threads.count(), "thread"),
    ))?;
    say(format!("memory {}", ledger_line(&plan.ledger())))?;
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

fn say_result(
    data: &Data,
    trainer: &Trainer<f32>,
    ending: Ending,
    seconds: f64,
    validation: &Option<(Evaluation, usize)>,
    test: &Option<(Evaluation, usize)>,
    path: &Path,
) -> Result<()> {
    let (epochs, best) = (trainer.epochs(), trainer.best_epoch());
    let rate = grouped(((epochs * data.training.rows()) as f64 / seconds) as u64);
    let how = match ending {
        Ending::Finished => "trained",
        Ending::StoppedEarly => "stopped early: trained",
        Ending::Interrupted => "interrupted: trained",
    };
    let kept = if best < epochs || ending == Ending::Interrupted {
        format!("; the model is the best one, of epoch {best}")
    } else {
        String::new()
    };
    say(format!("{how} {} in {} s, {rate} rows/s{kept}", counted(epochs, "epoch"), short(seconds)))?;
    for (name, measured) in [("validation", validation), ("test", test)] {
        if let Some((evaluation, rows)) = measured {
            let metrics = metrics_line(evaluation.loss, &evaluation.metrics);
            say(format!("{name:<10} {metrics} ({})", counted(*rows, "row")))?;
        }
    }
    let model = path.display();
    say(format!("model      {model}"))?;
    let program = std::env::args().next().unwrap_or("chainrule".to_owned());
    say(format!("next       {program} predict {model} DATA"))?;
    say(format!("           {program} trace {model} {}", data.dataset.name))
}
