//! One training step with burn on its CPU backend flex: a module of `Linear` layers, a loss of `burn::nn`, `Sgd`.

use anyhow::Result;
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::nn::loss::{
    BinaryCrossEntropyLoss, BinaryCrossEntropyLossConfig, CrossEntropyLoss, CrossEntropyLossConfig, MseLoss,
    Reduction,
};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, tanh};
use burn::tensor::{Device, Int, Tensor, TensorData};
use peers::protocol::{Learner, serve};
use peers::workload::{Activation, Layer, Loss, Targets, Workload};

fn main() -> Result<()> {
    serve("burn 0.22.1 flex", Burn::new(Workload::from_arguments()?))
}

#[derive(Module, Debug)]
struct Network {
    layers: Vec<Linear>,
}

impl Network {
    fn outputs(&self, inputs: Tensor<2>, activation: Activation) -> Tensor<2> {
        let mut values = inputs;
        for (index, layer) in self.layers.iter().enumerate() {
            values = layer.forward(values);
            if index + 1 < self.layers.len() {
                values = match activation {
                    Activation::Relu => relu(values),
                    Activation::Tanh => tanh(values),
                };
            }
        }
        values
    }
}

/// A loss with the targets of its kind.
enum Goal {
    BinaryCrossEntropy(BinaryCrossEntropyLoss, Tensor<2, Int>),
    CrossEntropy(CrossEntropyLoss, Tensor<1, Int>),
    MeanSquaredError(MseLoss, Tensor<2>),
}

impl Goal {
    fn new(loss: Loss, targets: Targets, batch: usize, device: &Device) -> Self {
        match (loss, targets) {
            (_, Targets::Classes(classes)) => {
                let classes: Vec<i32> = classes.into_iter().map(|class| class as i32).collect();
                let targets = Tensor::from_data(TensorData::new(classes, [batch]), device);
                Goal::CrossEntropy(CrossEntropyLossConfig::new().init(device), targets)
            }
            (Loss::BinaryCrossEntropy, Targets::Values(values)) => {
                let labels: Vec<i32> = values.into_iter().map(|value| value as i32).collect();
                let outputs = labels.len() / batch;
                let targets = Tensor::from_data(TensorData::new(labels, [batch, outputs]), device);
                let loss = BinaryCrossEntropyLossConfig::new().with_logits(true).init(device);
                Goal::BinaryCrossEntropy(loss, targets)
            }
            (_, Targets::Values(values)) => {
                let outputs = values.len() / batch;
                let targets = Tensor::from_data(TensorData::new(values, [batch, outputs]), device);
                Goal::MeanSquaredError(MseLoss::new(), targets)
            }
        }
    }

    fn loss(&self, outputs: Tensor<2>) -> Tensor<1> {
        match self {
            Goal::BinaryCrossEntropy(loss, targets) => loss.forward(outputs, targets.clone()),
            Goal::CrossEntropy(loss, targets) => loss.forward(outputs, targets.clone()),
            Goal::MeanSquaredError(loss, targets) => loss.forward(outputs, targets.clone(), Reduction::Mean),
        }
    }
}

struct Burn {
    /// Taken and put back by each step: the optimizer wants to own it.
    network: Option<Network>,
    activation: Activation,
    goal: Goal,
    optimizer: ModuleOptimizer,
    inputs: Tensor<2>,
}

impl Burn {
    fn new(workload: Workload) -> Self {
        let device = Device::flex().autodiff();
        let description = workload.description;
        let layers = workload.layers.into_iter().map(|layer| linear(layer, &device)).collect();
        let columns = workload.inputs.len() / description.batch;
        let inputs = TensorData::new(workload.inputs, [description.batch, columns]);
        Burn {
            network: Some(Network { layers }),
            activation: description.activation,
            goal: Goal::new(description.loss, workload.targets, description.batch, &device),
            optimizer: SgdConfig::new().init(),
            inputs: Tensor::from_data(inputs, &device),
        }
    }
}

impl Learner for Burn {
    type Loss = Tensor<1>;

    fn step(&mut self, learning_rate: f64) -> Result<Tensor<1>> {
        let network = self.network.take().expect("each step puts the network back");
        let loss = self.goal.loss(network.outputs(self.inputs.clone(), self.activation));
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        self.network = Some(self.optimizer.step(learning_rate, network, gradients));
        Ok(loss)
    }

    fn value(loss: Tensor<1>) -> Result<f64> {
        Ok(f64::from(loss.into_scalar::<f32>()))
    }
}

/// burn keeps the weight as [inputs, outputs].
fn linear(layer: Layer, device: &Device) -> Linear {
    let weight: Tensor<2> =
        Tensor::from_data(TensorData::new(layer.weight, [layer.outputs, layer.inputs]), device);
    let weight: TensorData = weight.transpose().into_data();
    let bias = TensorData::new(layer.bias, [layer.outputs]);
    Linear { weight: Param::from_data(weight, device), bias: Some(Param::from_data(bias, device)) }
}
