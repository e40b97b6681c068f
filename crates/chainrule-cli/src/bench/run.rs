//! One run over workloads: each is measured in its turn, with the machine's peak before, between and behind, and a bar
//! that shows the time left.

use anyhow::Result;
use chainrule::{Scalar, Threads};
use serde_json::{Value, json};

use super::machine::Machine;
use super::peak::PeakOfRun;
use crate::arguments::BenchArguments;
use crate::progress::time_bar;
use crate::workload::Workload;

/// What a run has found.
pub(super) struct Run<M> {
    pub(super) machine: Machine,
    pub(super) peak: PeakOfRun,
    /// One for each workload.
    pub(super) measurements: Vec<M>,
}

/// A workload on its turn.
pub(super) struct Turn<'a, C> {
    pub(super) workload: Workload,
    /// What was made of it before the run.
    pub(super) chosen: C,
    pub(super) peak: &'a mut PeakOfRun,
    /// Hears how many rounds are done.
    pub(super) progress: &'a dyn Fn(f64),
}

impl<M> Run<M> {
    /// Measures each of the workloads. `expected` tells how many seconds a round may take on so many FLOPs a second.
    pub(super) fn over<T: Scalar, C>(
        arguments: &BenchArguments,
        threads: &Threads,
        chosen: Vec<(Workload, C)>,
        expected: impl Fn(&Workload, &C, f64) -> f64,
        mut measure: impl FnMut(Turn<'_, C>) -> Result<M>,
    ) -> Result<Self> {
        let mut peak = PeakOfRun::start::<T>(threads);
        // What is to be expected is about half of the peak.
        let speed = 0.5e9 * peak.sustained();
        let milliseconds: Vec<f64> =
            chosen.iter().map(|(workload, made)| 1e3 * expected(workload, made, speed)).collect();
        let rounds = f64::from(arguments.rounds);
        let bar = time_bar((rounds * milliseconds.iter().sum::<f64>()) as u64);
        let mut measurements = Vec::new();
        let mut behind = 0.0;
        for ((workload, chosen), milliseconds) in chosen.into_iter().zip(milliseconds) {
            bar.set_prefix(workload.name);
            let progress = |rounds_done: f64| bar.set_position((behind + milliseconds * rounds_done) as u64);
            peak.take_if_due::<T>(threads);
            measurements.push(measure(Turn { workload, chosen, peak: &mut peak, progress: &progress })?);
            peak.take::<T>(threads);
            behind += milliseconds * rounds;
        }
        bar.finish_and_clear();
        Ok(Run { machine: Machine::with(threads)?, peak, measurements })
    }

    /// All of it: the fields of the one measurement, or of each in a list `workloads`, and those of the run.
    pub(super) fn as_json(&self, arguments: &BenchArguments, fields: impl Fn(&M) -> Value) -> Value {
        let mut entries: Vec<Value> = self.measurements.iter().map(fields).collect();
        let mut value =
            if let [entry] = &mut entries[..] { entry.take() } else { json!({ "workloads": entries }) };
        self.peak.add_to(&mut value);
        self.machine.add_to(&mut value);
        value["dtype"] = json!(arguments.dtype);
        value
    }
}
