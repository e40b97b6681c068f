//! `chainrule bench`: how fast training steps or inference are, and how near that is to the machine's peak.

mod inference;
mod machine;
mod peak;
mod rounds;
mod run;
mod steps;

use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule::{Activation, Loss, Scalar};

use self::inference::bench_inference;
use self::steps::bench_steps;
use crate::arguments::BenchArguments;
use crate::defaults::DEFAULT_BATCH;
use crate::report::grouped;
use crate::workload::Workload;

/// Rows of a batch of inference, if `--batch` does not say.
const INFERENCE_ROWS: usize = 4096;

/// The workload whose inference is timed where none is named.
const INFERENCE_WORKLOAD: &str = "mnist";

/// Runs the command.
pub(crate) fn run(arguments: &BenchArguments) -> Result<ExitCode> {
    match arguments.dtype.as_str() {
        "f64" => bench::<f64>(arguments)?,
        _ => bench::<f32>(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn bench<T: Scalar>(arguments: &BenchArguments) -> Result<()> {
    let workloads = workloads(arguments)?;
    match arguments.inference {
        true => bench_inference::<T>(arguments, workloads),
        false => bench_steps::<T>(arguments, workloads),
    }
}

/// The workloads that were named, the network that was described, or those that are timed where nothing is said, with as
/// many rows as there shall be.
fn workloads(arguments: &BenchArguments) -> Result<Vec<Workload>> {
    let rows = arguments.batch.map(|batch| batch as usize);
    let mut chosen = match &arguments.layers {
        Some(widths) => vec![Workload {
            name: "own",
            widths: widths.0.clone(),
            activation: arguments.activation.unwrap_or(Activation::Relu),
            loss: arguments.loss.clone().unwrap_or(Loss::MeanSquaredError),
            batch: rows.unwrap_or(DEFAULT_BATCH),
        }],
        None => named(arguments),
    };
    if arguments.inference {
        for workload in &mut chosen {
            workload.batch = rows.unwrap_or(INFERENCE_ROWS);
        }
    } else if let (Some(rows), None) = (arguments.batch, &arguments.layers) {
        bail!(
            "--batch {}: without --inference it cannot be used with workloads, each of which has a batch of its own; \
             give --layers, or leave --batch out",
            grouped(u64::from(rows))
        );
    }
    Ok(chosen)
}

fn named(arguments: &BenchArguments) -> Vec<Workload> {
    let standard = Workload::standard();
    let find = |name: &str| standard.iter().find(|workload| workload.name == name).cloned();
    match (&arguments.workloads[..], arguments.inference) {
        ([], true) => find(INFERENCE_WORKLOAD).into_iter().collect(),
        ([], false) => standard,
        (names, _) => names.iter().filter_map(|name| find(name)).collect(),
    }
}
