#!/usr/bin/env bash
# PyTorch 2.15.0: NAdam in f64 rounds one factor of every step to f32.
#
# Behaviour: torch.optim.NAdam keeps the product of its momenta as a tensor of the default type, f32, whatever the type of the
# parameters. In f64 the bias correction of every step is then off by up to 6e-8, and so are the parameters, a million
# roundings of f64. With torch.set_default_dtype(torch.float64), called before the first step, it is exact. The other moments of the
# state are f64 either way, and Adam has no such factor.
#
# Seen (ten steps on w^2 / 2 from w = 1, learning rate 0.01, beside the formula of the documentation in plain f64):
#     default f32: mu_product is float32, w is off by 1.2e-10
#     default f64: mu_product is float64, w is the same number
#
# Expected: a state in the type of the parameter that it belongs to.
#
# Touches: whoever checks an optimizer against PyTorch in f64, as oracle/make_values.py does, which sets the default type.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 numpy==2.4.6

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math

import torch

RATE, BETA1, BETA2, EPSILON, DECAY = 0.01, 0.9, 0.999, 1e-8, 4e-3


def by_the_formula():
    w, m, v, product = 1.0, 0.0, 0.0, 1.0
    for t in range(1, 11):
        momentum = [BETA1 * (1 - 0.5 * 0.96 ** (step * DECAY)) for step in (t, t + 1)]
        product *= momentum[0]
        m, v = BETA1 * m + (1 - BETA1) * w, BETA2 * v + (1 - BETA2) * w * w
        average = momentum[1] * m / (1 - product * momentum[1]) + (1 - momentum[0]) * w / (1 - product)
        w -= RATE * average / (math.sqrt(v / (1 - BETA2**t)) + EPSILON)
    return w


def by_torch(default):
    torch.set_default_dtype(default)
    w = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.NAdam([w], lr=RATE)
    for _ in range(10):
        optimizer.zero_grad()
        (w * w / 2).sum().backward()
        optimizer.step()
    kept, off = optimizer.state[w]["mu_product"].dtype, abs(w.item() - by_the_formula())
    print(f"default {default}: mu_product is {kept}, w is off by {off:.1e}")
    return kept, off


kept, off = by_torch(torch.float32)
assert kept == torch.float32 and 1e-12 < off < 1e-8, "behaviour changed"
kept, off = by_torch(torch.float64)
assert kept == torch.float64 and off < 1e-14, "behaviour changed"
PYTHON
