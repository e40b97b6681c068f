"""Fashion-MNIST with JAX: fashion_jax.py DIRECTORY SEED.

The whole set is one array; each step is one jitted call that takes its rows from it, with donated parameters.
Adam is written out. The last batch of an epoch, of 96 rows, is a second shape and compiled on its own.
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy
from jax import Array
from jax import numpy as jnp

from data import read_fashion, report

WIDTHS = (784, 512, 256, 10)
EPOCHS, BATCH, LEARNING_RATE = 10, 128, 0.001
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8

Parameters = list[tuple[Array, Array]]


class State(NamedTuple):
    parameters: Parameters
    first_moment: Parameters
    second_moment: Parameters
    steps: Array


def main() -> None:
    directory, seed = Path(sys.argv[1]), int(sys.argv[2])
    training, test = read_fashion(directory)
    state, random = first_state(seed), numpy.random.default_rng(seed)
    images, labels = jnp.array(training.images), jnp.array(training.labels)
    start = time.perf_counter()
    for _ in range(EPOCHS):
        order = random.permutation(len(training.images))
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            state = step(state, images, labels, rows)
    jax.block_until_ready(state)
    seconds = time.perf_counter() - start

    guesses = logits(state.parameters, jnp.array(test.images)).argmax(axis=1)
    report(seconds, float((guesses == test.labels).mean()))


def first_state(seed: int) -> State:
    """He's initialization."""
    parameters = []
    for key, inputs, outputs in zip(jax.random.split(jax.random.key(seed), len(WIDTHS)), WIDTHS, WIDTHS[1:]):
        weight = jax.random.normal(key, (inputs, outputs)) * (2 / inputs) ** 0.5
        parameters.append((weight, jnp.zeros(outputs)))
    first_moment, second_moment = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
    return State(parameters, first_moment, second_moment, jnp.array(0.0))


def logits(parameters: Parameters, values: Array) -> Array:
    for weight, bias in parameters[:-1]:
        values = jax.nn.relu(values @ weight + bias)
    weight, bias = parameters[-1]
    return values @ weight + bias


def loss_of(parameters: Parameters, inputs: Array, targets: Array) -> Array:
    log_probability = jax.nn.log_softmax(logits(parameters, inputs))
    return -jnp.take_along_axis(log_probability, targets[:, None], axis=1).mean()


@partial(jax.jit, donate_argnums=0)
def step(state: State, images: Array, labels: Array, rows: Array) -> State:
    gradients = jax.grad(loss_of)(state.parameters, images[rows], labels[rows])
    steps = state.steps + 1
    first = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, state.first_moment, gradients)
    second = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, state.second_moment, gradients)
    rate = LEARNING_RATE / (1 - BETA_1**steps)
    correction = 1 - BETA_2**steps
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v / correction) + EPSILON), state.parameters, first, second
    )
    return State(parameters, first, second, steps)


if __name__ == "__main__":
    main()
