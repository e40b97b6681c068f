//! One training step with candle, as its own examples write it: `Linear` layers, a loss of `candle_nn`, `SGD`.

use anyhow::Result;
use candle_core::{Device, Tensor, Var};
use candle_nn::{Linear, Module, Optimizer, SGD, loss};
use peers::protocol::{Learner, serve};
use peers::workload::{Activation, Layer, Loss, Targets, Workload};

fn main() -> Result<()> {
    serve("candle 0.11.1", Candle::new(Workload::from_arguments()?)?)
}

struct Candle {
    layers: Vec<Linear>,
    activation: Activation,
    loss: Loss,
    optimizer: SGD,
    inputs: Tensor,
    targets: Tensor,
}

impl Candle {
    fn new(workload: Workload) -> Result<Self> {
        let (batch, device) = (workload.description.batch, Device::Cpu);
        let mut variables = Vec::new();
        let layers = workload.layers.into_iter().map(|layer| linear(layer, &mut variables));
        let layers = layers.collect::<Result<Vec<_>>>()?;
        let columns = workload.inputs.len() / batch;
        let targets = match workload.targets {
            Targets::Classes(classes) => Tensor::from_vec(classes, batch, &device)?,
            Targets::Values(values) => {
                let outputs = values.len() / batch;
                Tensor::from_vec(values, (batch, outputs), &device)?
            }
        };
        Ok(Candle {
            layers,
            activation: workload.description.activation,
            loss: workload.description.loss,
            optimizer: SGD::new(variables, 0.0)?,
            inputs: Tensor::from_vec(workload.inputs, (batch, columns), &device)?,
            targets,
        })
    }

    fn outputs(&self) -> Result<Tensor> {
        let mut values = self.inputs.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            values = layer.forward(&values)?;
            if index + 1 < self.layers.len() {
                values = match self.activation {
                    Activation::Relu => values.relu()?,
                    Activation::Tanh => values.tanh()?,
                };
            }
        }
        Ok(values)
    }
}

impl Learner for Candle {
    type Loss = Tensor;

    fn step(&mut self, learning_rate: f64) -> Result<Tensor> {
        let outputs = self.outputs()?;
        let loss = match self.loss {
            Loss::BinaryCrossEntropy => loss::binary_cross_entropy_with_logit(&outputs, &self.targets)?,
            Loss::CrossEntropy => loss::cross_entropy(&outputs, &self.targets)?,
            Loss::MeanSquaredError => loss::mse(&outputs, &self.targets)?,
        };
        self.optimizer.set_learning_rate(learning_rate);
        self.optimizer.backward_step(&loss)?;
        Ok(loss)
    }

    fn value(loss: Tensor) -> Result<f64> {
        Ok(f64::from(loss.to_scalar::<f32>()?))
    }
}

/// A layer whose weight and bias are also `variables` of the optimizer.
fn linear(layer: Layer, variables: &mut Vec<Var>) -> Result<Linear> {
    let weight = Var::from_vec(layer.weight, (layer.outputs, layer.inputs), &Device::Cpu)?;
    let bias = Var::from_vec(layer.bias, layer.outputs, &Device::Cpu)?;
    variables.extend([weight.clone(), bias.clone()]);
    Ok(Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone())))
}
