#!/usr/bin/env bash
# timm 1.0.31, torch-optimizer 0.3.0, optax 0.2.8: three optimizers called LAMB, of the same paper and with the same
# hyperparameters, take three different steps.
#
# Behaviour: in the paper (You et al. 2020, algorithm 2) a tensor moves by the learning rate times its own norm.
#   optax.lamb does that.
#   timm.optim.Lamb clips the norm of all gradients to 1 unless max_grad_norm=None is given, and where the weight decay is 0
#   it leaves the norms out: then it is Adam.
#   torch_optimizer.Lamb takes a norm above 10 for 10, without an argument to change that, and leaves out the correction of the
#   moments' bias.
#
# Seen (a tensor of norm 20, two steps in f64 with gradients of norm 0.2 and 20, learning rate 0.01; how far it has come):
#     decay 0:     formula 0.2844, optax 0.2844, timm 0.0193, torch_optimizer 0.1421, Adam 0.0177
#     decay 0.01:  formula 0.2585, optax 0.2585, timm 0.2866, torch_optimizer 0.1385, timm with max_grad_norm=None 0.2585
#
# Expected: one of them for all, at the arguments that they share.
#
# Touches: whoever takes a learning rate for LAMB from another library, or checks an implementation against one. Chainrule's
# is the formula, and so are its expected values in oracle/make_values.py.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.15.0 numpy==2.4.6 timm==1.0.31 torch-optimizer==0.3.0 optax==0.2.8

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import jax
import numpy as np
import optax
import timm.optim
import torch
import torch_optimizer

jax.config.update("jax_enable_x64", True)
RATE, BETA1, BETA2, EPSILON = 0.01, 0.9, 0.999, 1e-6
START = np.array([12.0, -16.0])
GRADIENTS = [np.array([0.12, 0.16]), np.array([-16.0, 12.0])]


def by_the_formula(decay):
    w, m, v = START.copy(), np.zeros(2), np.zeros(2)
    for t, g in enumerate(GRADIENTS, 1):
        m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g
        r = m / (1 - BETA1**t) / (np.sqrt(v / (1 - BETA2**t)) + EPSILON) + decay * w
        w = w - RATE * np.linalg.norm(w) / np.linalg.norm(r) * r
    return w


def by_optax(decay):
    rule = optax.lamb(RATE, b1=BETA1, b2=BETA2, eps=EPSILON, weight_decay=decay)
    w = jax.numpy.asarray(START)
    state = rule.init(w)
    for g in GRADIENTS:
        updates, state = rule.update(jax.numpy.asarray(g), state, w)
        w = optax.apply_updates(w, updates)
    return np.asarray(w)


def by_torch(optimizer, decay, **options):
    w = torch.tensor(START, requires_grad=True)
    rule = optimizer([w], lr=RATE, betas=(BETA1, BETA2), eps=EPSILON, weight_decay=decay, **options)
    for g in GRADIENTS:
        w.grad = torch.tensor(g)
        rule.step()
    return w.detach().numpy()


def moved(w):
    return np.linalg.norm(w - START)


for decay in (0.0, 0.01):
    found = {
        "formula": by_the_formula(decay),
        "optax": by_optax(decay),
        "timm": by_torch(timm.optim.Lamb, decay),
        "timm with max_grad_norm=None": by_torch(timm.optim.Lamb, decay, max_grad_norm=None),
        "torch_optimizer": by_torch(torch_optimizer.Lamb, decay),
        "Adam": by_torch(torch.optim.Adam, decay),
    }
    print(f"decay {decay}: " + ", ".join(f"{name} {moved(w):.4f}" for name, w in found.items()))
    same = {name for name, w in found.items() if np.allclose(w, found["formula"], rtol=0, atol=1e-9)}
    expected = {"formula", "optax"} | ({"timm with max_grad_norm=None"} if decay else set())
    assert same == expected, f"behaviour changed: {same}"
    if decay == 0.0:
        assert np.allclose(found["timm with max_grad_norm=None"], found["Adam"], rtol=0, atol=1e-6), "behaviour changed"
        assert moved(found["torch_optimizer"]) < 0.6 * moved(found["formula"]), "behaviour changed"
PYTHON
