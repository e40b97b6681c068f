#!/usr/bin/env bash
# PyTorch 2.15.0: torch.autograd.grad adds to the .grad of intermediate tensors that retain it, and to no other.
#
# Behaviour: torch.autograd.grad returns gradients and leaves the .grad of leaves as it is. But an intermediate tensor on which
# retain_grad() was called gets the gradient of that call too, whether or not it was asked for, and backward() then adds its
# own to it. One call to look at a slope on the way makes every retained gradient below it wrong, without a word; those of
# the parameters stay right, so that training does not show it.
#
# Seen (z = 2 x and a = tanh(z), both retained; then grad(a.sum(), x), then (5 a).sum().backward()):
#     after grad:      x.grad None, z.grad tanh'(z), a.grad 1
#     after backward:  x.grad 10 tanh'(z), as it should be; z.grad 6 tanh'(z) and a.grad 6, where 5 is right
#
# Expected: the same for both kinds of tensors: grad returns and writes nowhere.
#
# Touches: whoever checks deltas against retained gradients, as the scripts do that the explorer gives to take away: they take
# the slopes of the activations from a copy of z outside of the graph.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 numpy==2.4.6

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch

torch.set_default_dtype(torch.float64)
x = torch.tensor([0.3, -0.8], requires_grad=True)
z = 2 * x
a = torch.tanh(z)
for tensor in (z, a):
    tensor.retain_grad()
slope = 1 - torch.tanh(z.detach()) ** 2

(by_x,) = torch.autograd.grad(a.sum(), x, retain_graph=True)
print("after grad:    ", "x", x.grad, "z", (z.grad / slope).tolist(), "a", a.grad.tolist())
torch.testing.assert_close(by_x, 2 * slope)
assert x.grad is None, "the leaf was written to"
torch.testing.assert_close(z.grad, slope)
torch.testing.assert_close(a.grad, torch.ones(2))

(5 * a).sum().backward()
print("after backward:", "x", (x.grad / slope).tolist(), "z", (z.grad / slope).tolist(), "a", a.grad.tolist())
torch.testing.assert_close(x.grad, 10 * slope)
torch.testing.assert_close(z.grad, 6 * slope)
torch.testing.assert_close(a.grad, torch.full((2,), 6.0))
PYTHON
echo "PyTorch 2.15.0 still adds what torch.autograd.grad finds to retained gradients"
