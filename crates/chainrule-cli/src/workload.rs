//! What `chainrule bench` times: networks with a loss and a batch size, and data made up for them.

use anyhow::Result;
use chainrule::{Activation, Loss, Matrix, Network, Samples, Scalar, Targets};

use crate::widths::{in_runs, made_network};

/// A network, its loss and the rows of a step.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// n_0 to n_L.
    pub(crate) widths: Vec<usize>,
    /// Of the hidden layers; the output layer has the one that suits the loss.
    pub(crate) activation: Activation,
    pub(crate) loss: Loss,
    pub(crate) batch: usize,
}

impl Workload {
    /// The workloads that are timed where none is named, from the smallest to the largest.
    pub(crate) fn standard() -> Vec<Workload> {
        let workload = |name, widths: &[usize], activation, loss, batch| Workload {
            name,
            widths: widths.to_vec(),
            activation,
            loss,
            batch,
        };
        let relu = Activation::Relu;
        vec![
            workload("playground", &[2, 8, 8, 1], Activation::Tanh, Loss::BinaryCrossEntropy, 32),
            workload("digits", &[64, 64, 10], relu, Loss::cross_entropy(), 64),
            workload("tabular", &[32, 256, 256, 256, 1], relu, Loss::MeanSquaredError, 256),
            workload("mnist", &[784, 512, 256, 10], relu, Loss::cross_entropy(), 128),
            workload("wide", &[1024; 6], relu, Loss::MeanSquaredError, 512),
            workload("deep", &[256; 65], relu, Loss::MeanSquaredError, 1024),
            workload("huge", &[4096; 5], relu, Loss::MeanSquaredError, 1024),
        ]
    }

    /// The network.
    pub(crate) fn network(&self) -> Result<Network> {
        made_network(&self.widths, self.activation, 0.0, &self.loss)
    }

    /// The widths as `--layers` takes them: 32,256x3,1.
    pub(crate) fn layers(&self) -> String {
        in_runs(&self.widths)
    }
}

/// Inputs of mean 0 and variance 1, and targets that the loss can use; always the same.
pub(crate) struct Data<T> {
    inputs: Matrix<T>,
    targets: OwnedTargets<T>,
}

enum OwnedTargets<T> {
    Values(Matrix<T>),
    Classes(Vec<u32>),
}

impl<T: Scalar> Data<T> {
    pub(crate) fn new(workload: &Workload) -> Self {
        let (rows, last) = (workload.batch, workload.widths.len() - 1);
        let outputs = workload.widths[last];
        let mut numbers = SplitMix64(1);
        let inputs = numbers.matrix(rows, workload.widths[0]);
        let values = |number: &mut dyn FnMut() -> f64| {
            let mut values = Matrix::zeros(rows, outputs);
            values.as_mut_slice().fill_with(|| T::from_f64(number()));
            OwnedTargets::Values(values)
        };
        let targets = match workload.loss {
            Loss::CrossEntropy { .. } => {
                let classes = (0..rows).map(|_| (numbers.unit() * outputs as f64) as u32);
                OwnedTargets::Classes(classes.collect())
            }
            // Labels, or counts.
            Loss::BinaryCrossEntropy | Loss::Poisson => values(&mut || numbers.unit().round()),
            _ => values(&mut || numbers.standard()),
        };
        Data { inputs, targets }
    }

    pub(crate) fn samples(&self) -> Samples<'_, T> {
        let targets = match &self.targets {
            OwnedTargets::Values(values) => Targets::Values(values.view()),
            OwnedTargets::Classes(classes) => Targets::Classes(classes),
        };
        Samples { inputs: self.inputs.view().into(), targets, sample_weights: None }
    }
}

/// Inputs of mean 0 and variance 1 alone, those of [`Data`].
pub(crate) fn made_inputs<T: Scalar>(rows: usize, columns: usize) -> Matrix<T> {
    SplitMix64(1).matrix(rows, columns)
}

/// Random numbers (SplitMix64: Steele, Lea, Flood 2014).
struct SplitMix64(u64);

impl SplitMix64 {
    /// Uniform in 0..1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((word ^ (word >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform, with mean 0 and variance 1.
    fn standard(&mut self) -> f64 {
        (self.unit() - 0.5) * 12.0_f64.sqrt()
    }

    /// Numbers of [`SplitMix64::standard`], row by row.
    fn matrix<T: Scalar>(&mut self, rows: usize, columns: usize) -> Matrix<T> {
        let mut matrix = Matrix::zeros(rows, columns);
        matrix.as_mut_slice().fill_with(|| T::from_f64(self.standard()));
        matrix
    }
}
