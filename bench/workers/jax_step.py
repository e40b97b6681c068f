"""One training step with JAX, jitted as a whole, its parameters donated: jax_step.py DIRECTORY."""

import sys
from functools import partial
from pathlib import Path

import jax
from jax import Array
from jax import numpy as jnp

from protocol import serve
from workload import Workload, read_workload

Parameters = list[tuple[Array, Array]]


def main() -> None:
    workload = read_workload(Path(sys.argv[1]))
    # JAX programs keep the weight as [inputs, outputs].
    parameters = [(jnp.array(layer.weight.T), jnp.array(layer.bias)) for layer in workload.layers]
    inputs, targets = jnp.array(workload.inputs), jnp.array(workload.targets)
    update = make_update(workload)

    def step(learning_rate: float) -> Array:
        nonlocal parameters
        parameters, loss = update(parameters, inputs, targets, learning_rate)
        return loss

    serve(f"JAX {jax.__version__} jit", step, float, lambda loss: jax.block_until_ready(parameters))


def make_update(workload: Workload):
    """The step: (parameters, inputs, targets, learning rate) -> (parameters, loss)."""
    sigma = {"relu": jax.nn.relu, "tanh": jnp.tanh}[workload.activation]

    def loss_of(parameters: Parameters, inputs: Array, targets: Array) -> Array:
        values = inputs
        for weight, bias in parameters[:-1]:
            values = sigma(values @ weight + bias)
        weight, bias = parameters[-1]
        return loss_value(values @ weight + bias, targets, workload.loss)

    @partial(jax.jit, donate_argnums=0)
    def update(
        parameters: Parameters, inputs: Array, targets: Array, learning_rate: float
    ) -> tuple[Parameters, Array]:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, inputs, targets)
        parameters = jax.tree.map(lambda p, g: p - learning_rate * g, parameters, gradients)
        return parameters, loss

    return update


def loss_value(z: Array, targets: Array, loss: str) -> Array:
    match loss:
        case "cross_entropy":
            log_probability = jax.nn.log_softmax(z)
            return -jnp.take_along_axis(log_probability, targets[:, None], axis=1).mean()
        case "binary_cross_entropy":
            return (jnp.maximum(z, 0) - z * targets + jnp.log1p(jnp.exp(-jnp.abs(z)))).mean()
        case _:
            return ((z - targets) ** 2).mean()


if __name__ == "__main__":
    main()
