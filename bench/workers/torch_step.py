"""One training step with PyTorch, eager or compiled: torch_step.py DIRECTORY THREADS eager|compiled."""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from protocol import serve
from workload import Workload, read_workload

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}
LOSSES = {
    "binary_cross_entropy": nn.functional.binary_cross_entropy_with_logits,
    "cross_entropy": nn.functional.cross_entropy,
    "mean_squared_error": nn.functional.mse_loss,
}


def main() -> None:
    directory, threads, way = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    torch.set_num_threads(threads)
    workload = read_workload(directory)
    network = make_network(workload)
    inputs, targets = torch.tensor(workload.inputs), make_targets(workload)
    loss_function = LOSSES[workload.loss]
    parameters = list(network.parameters())

    def loss_of(inputs: Tensor, targets: Tensor) -> Tensor:
        return loss_function(network(inputs), targets)

    if way == "compiled":
        loss_of = torch.compile(loss_of)

    def step(learning_rate: float) -> Tensor:
        for parameter in parameters:
            parameter.grad = None
        loss = loss_of(inputs, targets)
        loss.backward()
        # On small networks torch.optim.SGD takes a quarter longer than this.
        with torch.no_grad():
            for parameter in parameters:
                parameter.add_(parameter.grad, alpha=-learning_rate)
        return loss

    serve(f"PyTorch {torch.__version__} {way}", step, lambda loss: loss.item())


def make_network(workload: Workload) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in workload.layers:
        outputs, inputs = layer.weight.shape
        linear = nn.Linear(inputs, outputs)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(layer.weight))
            linear.bias.copy_(torch.tensor(layer.bias))
        modules += [linear, ACTIVATIONS[workload.activation]()]
    return nn.Sequential(*modules[:-1])


def make_targets(workload: Workload) -> Tensor:
    if workload.loss == "cross_entropy":
        return torch.tensor(workload.targets.astype("int64"))
    return torch.tensor(workload.targets)


if __name__ == "__main__":
    main()
