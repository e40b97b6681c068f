//! A workload as `bench/workers/make_workload.py` writes it: a network, its first parameters and one batch.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// The file `workload.json`.
#[derive(Deserialize)]
pub struct Description {
    /// n_0 to n_L.
    pub widths: Vec<usize>,
    /// Of the hidden layers.
    pub activation: Activation,
    pub loss: Loss,
    /// B, the rows of the batch.
    pub batch: usize,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    Relu,
    Tanh,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Of the sigmoid of one output.
    BinaryCrossEntropy,
    /// Of the softmax of the outputs.
    CrossEntropy,
    /// Mean over the batch and the outputs.
    MeanSquaredError,
}

/// W(l), [n_l, n_(l-1)], and b(l), [n_l].
pub struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

pub enum Targets {
    /// [B, n_L]
    Values(Vec<f32>),
    /// [B]
    Classes(Vec<u32>),
}

pub struct Workload {
    pub description: Description,
    pub layers: Vec<Layer>,
    /// [B, n_0]
    pub inputs: Vec<f32>,
    pub targets: Targets,
}

impl Workload {
    /// Reads the directory that the only argument of the program names.
    pub fn from_arguments() -> Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [directory] = &arguments[..] else {
            bail!("usage: PROGRAM DIRECTORY, where DIRECTORY was written by make_workload.py");
        };
        Self::read(Path::new(directory))
    }

    fn read(directory: &Path) -> Result<Self> {
        let path = directory.join("workload.json");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let description: Description = serde_json::from_str(&text)?;
        let layers = read_layers(directory, &description)?;
        let inputs = numbers(&directory.join("inputs.f32"), f32::from_le_bytes)?;
        let targets = match description.loss {
            Loss::CrossEntropy => {
                Targets::Classes(numbers(&directory.join("targets.u32"), u32::from_le_bytes)?)
            }
            _ => Targets::Values(numbers(&directory.join("targets.f32"), f32::from_le_bytes)?),
        };
        Ok(Workload { description, layers, inputs, targets })
    }
}

/// W(1), b(1), W(2), ... from one file.
fn read_layers(directory: &Path, description: &Description) -> Result<Vec<Layer>> {
    let values = numbers(&directory.join("parameters.f32"), f32::from_le_bytes)?;
    let mut rest = &values[..];
    let mut layers = Vec::new();
    for pair in description.widths.windows(2) {
        let (inputs, outputs) = (pair[0], pair[1]);
        ensure!(rest.len() >= outputs * (inputs + 1), "parameters.f32 is too short");
        let (weight, after) = rest.split_at(outputs * inputs);
        let (bias, after) = after.split_at(outputs);
        layers.push(Layer { inputs, outputs, weight: weight.to_vec(), bias: bias.to_vec() });
        rest = after;
    }
    ensure!(rest.is_empty(), "parameters.f32 is too long");
    Ok(layers)
}

fn numbers<T>(path: &Path, from_bytes: fn([u8; 4]) -> T) -> Result<Vec<T>> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let (words, rest) = bytes.as_chunks::<4>();
    ensure!(rest.is_empty(), "{} is not made of words of four bytes", path.display());
    Ok(words.iter().map(|&word| from_bytes(word)).collect())
}
