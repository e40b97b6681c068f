"""Shows how a model made in PyTorch becomes a Chainrule model file.

Writes, next to this script,

from_pytorch.safetensors   the model: tensors `layers.{i}.weight` and `layers.{i}.bias`, i counting
                           the dense layers from 0, and its description under the metadata key `chainrule`
from_pytorch.json          six input rows, and the class probabilities that PyTorch computes for them in f32
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).resolve().parent
torch.set_num_threads(1)
torch.backends.mkldnn.set_flags(False)
torch.manual_seed(20)

# Stands for a trained model: with the initial weights alone, all probabilities would be close to 1/3.
model = nn.Sequential(nn.Linear(4, 7), nn.GELU(), nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 3))
with torch.no_grad():
    for parameter in model.parameters():
        parameter.mul_(3)

# The part to copy, down to save_file. A Linear and the activation after it are one dense layer. PyTorch's
# cross-entropy contains the softmax; Chainrule has it in the network, as the last layer's activation.
activations = ["gelu", "tanh", "softmax"]

tensors, layers = {}, []
for i, linear in enumerate(m for m in model if isinstance(m, nn.Linear)):
    tensors[f"layers.{i}.weight"] = linear.weight.detach()
    tensors[f"layers.{i}.bias"] = linear.bias.detach()
    layers.append({"dense": {"width": linear.out_features, "activation": activations[i], "bias": True}})
network = {"input_width": 4, "layers": layers}
description = {"format": 1, "network": network, "loss": {"cross_entropy": {}}}
save_file(tensors, HERE / "from_pytorch.safetensors", metadata={"chainrule": json.dumps(description)})

# What a reader of that file must compute.
inputs = 2 * torch.randn(6, 4)
with torch.no_grad():
    outputs = torch.softmax(model(inputs), dim=1)


def rows(matrix):
    """One line per row; reading a number as f64 gives the f32 value exactly."""
    return "[\n  " + ",\n  ".join(json.dumps(row) for row in matrix.double().tolist()) + "\n ]"


(HERE / "from_pytorch.json").write_text(
    f'{{\n "inputs": {rows(inputs)},\n "outputs": {rows(outputs)}\n}}\n'
)
