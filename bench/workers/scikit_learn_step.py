"""One training step with scikit-learn's MLPClassifier: scikit_learn_step.py DIRECTORY.

A step is one call of partial_fit on the whole batch, the only public way to a single step. It also checks the
inputs and turns the classes into rows of 0 and 1, each time.
"""

import sys
import warnings
from pathlib import Path

import numpy
import sklearn
from sklearn.neural_network import MLPClassifier

from protocol import serve
from workload import Workload, read_workload


def main() -> None:
    workload = read_workload(Path(sys.argv[1]))
    classes = workload.targets.ravel().astype(numpy.int64)
    classifier = make_classifier(workload, classes)

    def step(learning_rate: float) -> float:
        # SGD keeps the rate of its first call; this is where it looks.
        classifier._optimizer.learning_rate = learning_rate
        classifier.partial_fit(workload.inputs, classes)
        return classifier.loss_

    serve(f"scikit-learn {sklearn.__version__}", step, float)


def make_classifier(workload: Workload, classes: numpy.ndarray) -> MLPClassifier:
    """A classifier with the workload's parameters: no momentum, no weight decay, no shuffling."""
    classifier = MLPClassifier(
        hidden_layer_sizes=[len(layer.bias) for layer in workload.layers[:-1]],
        activation=workload.activation,
        solver="sgd",
        momentum=0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=len(workload.inputs),
        shuffle=False,
    )
    outputs = max(2, len(workload.layers[-1].bias))
    # The first call makes the parameters, in the type of the inputs.
    classifier.partial_fit(workload.inputs, classes, classes=numpy.arange(outputs))
    for layer, weight, bias in zip(workload.layers, classifier.coefs_, classifier.intercepts_):
        assert weight.dtype == bias.dtype == numpy.float32
        weight[:], bias[:] = layer.weight.T, layer.bias
    return classifier


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
