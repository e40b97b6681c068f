"""Writes oracle/values.json: what PyTorch computes, for the Rust tests to compare against.

The file has three lists.

networks    a network, a batch, a loss and parameters; then the loss, the outputs and
            every gradient, computed once in f64 and once in f32
optimizers  the losses of ten full-batch steps from a network's parameters, each taken
            before its update, and the parameters after the tenth
schedules   the learning rate at index 0..19

Parameters, inputs, targets and weights are drawn in f32, so both precisions start from
exactly the same numbers. Every number in the file is written so that reading it as f64
gives back the exact value; an f32 result is a value that f32 can hold.

The generator of each network is seeded from its name: adding a network changes no other.
Run it with `oracle/.venv/bin/python oracle/make_values.py`.
"""

import json
import math
import zlib
from pathlib import Path

import torch
import torch.nn.functional as F

DESTINATION = Path(__file__).resolve().parent / "values.json"
STEPS = 10

# Left to themselves, threads and oneDNN may change the last bits from machine to machine.
torch.set_num_threads(1)
torch.backends.mkldnn.set_flags(False)


# ---------------------------------------------------------------- activations and losses


def kind(spec):
    """Splits "relu" or {"elu": {"alpha": 1.0}} into its name and its settings."""
    if isinstance(spec, str):
        return spec, {}
    ((name, settings),) = spec.items()
    return name, settings


def hard_sigmoid(z):
    """torch.nn.Hardsigmoid, except that its backward multiplies by an f32 1/6, even in f64.

    That is off by 3e-8, which would hide errors that f64 is there to show.
    """
    a = torch.clamp(z + 3, 0, 6) / 6
    torch.testing.assert_close(a, F.hardsigmoid(z))
    return a


ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "hard_sigmoid": hard_sigmoid,
    "softmax": lambda z: torch.softmax(z, dim=1),
}

# Where sigma or its derivative jumps.
ACTIVATION_KINKS = {
    "relu": [0.0],
    "leaky_relu": [0.0],
    "elu": [0.0],
    "selu": [0.0],
    "hard_sigmoid": [-3.0, 3.0],
}


def embedded(spec, tensors, x):
    """What becomes of the numbers of a piece, [batch, numbers, outputs of each]. A missing number takes part in nothing."""
    name, settings = kind(spec)
    known = torch.nan_to_num(x)
    if name == "as_is":
        values = known[:, :, None]
    elif name == "table":
        # One more row, of zeros, for what is no category.
        table = F.pad(tensors["weight"], (0, 0, 0, 1))
        is_row = (x >= 0) & (x < settings["categories"]) & (x == x.floor())
        return F.embedding(torch.where(is_row, known, settings["categories"]).long(), table)
    elif name == "periodic":
        width, outputs, hidden = settings["width"], settings["outputs"], settings["hidden"]
        cosines = torch.cos(2 * math.pi * tensors["frequency"] * known[:, :, None] + tensors["offset"])
        weight = tensors["weight"].view(width, outputs, hidden)
        functions = torch.einsum("bwh,woh->bwo", cosines, weight) + tensors["bias"].view(width, outputs)
        values = torch.cat([known[:, :, None], functions], dim=2)
    else:
        functions, first = [], 0
        for number, boundaries in enumerate(settings["boundaries"]):
            b = torch.tensor(boundaries).to(x)
            shares = (known[:, number, None] - b[:-1]) / (b[1:] - b[:-1])
            bins = shares.shape[1]
            low = torch.tensor([0.0 if index > 0 else -math.inf for index in range(bins)]).to(x)
            high = torch.tensor([1.0 if index + 1 < bins else math.inf for index in range(bins)]).to(x)
            functions.append(torch.clamp(shares, low, high) @ tensors["weight"][first : first + bins])
            first += bins
        values = torch.cat([known[:, :, None], torch.stack(functions, dim=1)], dim=2)
    if settings.get("missing"):
        values = torch.where(torch.isnan(x)[:, :, None], tensors["missing"].view(values.shape[1:]), values)
    return values


def columns(pieces, parameters, prefix, inputs):
    """All pieces side by side."""
    results, first = [], 0
    for index, piece in enumerate(pieces):
        start = f"{prefix}pieces.{index}."
        tensors = {key.removeprefix(start): value for key, value in parameters.items() if key.startswith(start)}
        width = inputs_of(piece)
        results.append(embedded(piece, tensors, inputs[:, first : first + width]).flatten(1))
        first += width
    return torch.cat(results, dim=1)


def inputs_of(piece):
    name, settings = kind(piece)
    return {"table": 1, "piecewise_linear": len(settings.get("boundaries", []))}.get(name) or settings["width"]


def outputs_of(piece):
    """How many numbers become of each."""
    name, settings = kind(piece)
    return {"as_is": 1, "table": settings.get("outputs")}.get(name) or 1 + settings["outputs"]


def forward(network, parameters, inputs):
    """Returns the pre-activations of all layers with an activation, and the output a(L)."""
    a, pre_activations = inputs, []
    for index, layer in enumerate(network["layers"]):
        if "columns" in layer:
            a = columns(layer["columns"]["pieces"], parameters, f"layers.{index}.", a)
            continue
        weight = parameters[f"layers.{index}.weight"]
        # Without "bias" there is no such parameter, and F.linear takes None for it.
        bias = parameters.get(f"layers.{index}.bias")
        if "scale" in layer:
            a = a * weight
            continue
        if "learned_activation" in layer:
            pre_activations.append(a)
            name, settings = kind(layer["learned_activation"]["activation"])
            a = a + weight * (ACTIVATIONS[name](a, **settings) - a)
            continue
        if "layer_norm" in layer:
            a = F.layer_norm(a, a.shape[1:], weight, bias, layer["layer_norm"]["epsilon"])
            continue
        z = F.linear(a, weight, bias)
        name, settings = kind(layer["dense"]["activation"])
        a = ACTIVATIONS[name](z, **settings)
        pre_activations.append(z)
    return pre_activations, a


def weighted_mean(losses, weights):
    """sum_i weights_i losses_i / sum_i weights_i; `losses` has one entry per sample."""
    return losses.mean() if weights is None else (weights * losses).sum() / weights.sum()


def dense_layers(network):
    return [layer["dense"] for layer in network["layers"] if "dense" in layer]


def activated_layers(network):
    return [settings for layer in network["layers"] for settings in layer.values() if "activation" in settings]


def log_probabilities(output_activation, z, a):
    """What cross-entropy reads from the output layer."""
    if output_activation == "softmax":
        return F.log_softmax(z, dim=1)
    if output_activation == "sigmoid":
        return F.logsigmoid(z)
    assert output_activation != "hard_sigmoid", "no definition of this pair"
    return F.log_softmax(a, dim=1)  # a holds logits


def cross_entropy(log_p, targets, sample_weights, label_smoothing=0.0, class_weights=None):
    """PyTorch's definition, extended by sample weights.

    A class index counts in the mean with sample weight times class weight,
    a distribution with the sample weight alone.
    """
    classes = log_p.shape[1]
    w = torch.ones(classes) if class_weights is None else torch.tensor(class_weights)
    w = w.to(log_p)
    if targets.dtype == torch.int64:
        picked = -(w * log_p).gather(1, targets[:, None])[:, 0]
        spread = -(w * log_p).sum(dim=1)
        losses = (1 - label_smoothing) * picked + label_smoothing / classes * spread
        s = torch.ones(len(targets)).to(log_p) if sample_weights is None else sample_weights
        return (s * losses).sum() / (s * w[targets]).sum()
    smoothed = (1 - label_smoothing) * targets + label_smoothing / classes
    return weighted_mean(-(w * smoothed * log_p).sum(dim=1), sample_weights)


def binary_cross_entropy(output_activation, z, a, y):
    """The elements of the loss: a is a probability where the output activation makes one, else a logit."""
    if output_activation == "sigmoid":
        return F.binary_cross_entropy_with_logits(z, y, reduction="none")
    if output_activation in ("softmax", "hard_sigmoid"):
        return F.binary_cross_entropy(a, y, reduction="none")
    return F.binary_cross_entropy_with_logits(a, y, reduction="none")


def loss_value(loss, output_activation, z, a, y, sample_weights):
    """The weighted mean of the loss over the batch, with z and a of the output layer."""
    name, settings = kind(loss)
    if name == "cross_entropy":
        log_p = log_probabilities(output_activation, z, a)
        return cross_entropy(log_p, y, sample_weights, **settings)
    if name == "half_squared_error":
        losses = 0.5 * ((a - y) ** 2).sum(dim=1)
    elif name == "mean_squared_error":
        losses = ((a - y) ** 2).mean(dim=1)
    elif name == "mean_absolute_error":
        losses = (a - y).abs().mean(dim=1)
    elif name == "huber":
        losses = F.huber_loss(a, y, reduction="none", **settings).mean(dim=1)
    elif name == "quantile":
        q = settings["quantile"]
        losses = torch.maximum(q * (y - a), (q - 1) * (y - a)).mean(dim=1)
    elif name == "poisson":
        losses = (torch.exp(a) - y * a).mean(dim=1)
    elif name == "binary_cross_entropy":
        losses = binary_cross_entropy(output_activation, z, a, y).sum(dim=1)
    else:
        raise ValueError(name)
    return weighted_mean(losses, sample_weights)


def torch_loss(loss, output_activation, z, a, y):
    """The same loss from PyTorch's own unweighted mean, or None where PyTorch has none."""
    name, settings = kind(loss)
    width = a.shape[1]
    if name == "half_squared_error":
        return F.mse_loss(a, y) * width / 2
    if name == "mean_squared_error":
        return F.mse_loss(a, y)
    if name == "mean_absolute_error":
        return F.l1_loss(a, y)
    if name == "huber":
        return F.huber_loss(a, y, **settings)
    if name == "poisson":
        return F.poisson_nll_loss(a, y, log_input=True, full=False)
    if name == "binary_cross_entropy":
        if output_activation in ("sigmoid", "softmax", "hard_sigmoid"):
            return F.binary_cross_entropy(a, y) * width
        return F.binary_cross_entropy_with_logits(a, y) * width
    if name == "cross_entropy" and output_activation != "sigmoid":
        weights = settings.get("class_weights")
        return F.cross_entropy(
            z if output_activation == "softmax" else a,
            y,
            weight=None if weights is None else torch.tensor(weights).to(a),
            label_smoothing=settings.get("label_smoothing", 0.0),
        )
    return None


def distance_to_kink(network, loss, pre_activations, outputs, targets):
    """How near the nearest pre-activation or residual is to a point without a derivative."""
    distances = [math.inf]
    for layer, z in zip(activated_layers(network), pre_activations, strict=True):
        for kink in ACTIVATION_KINKS.get(kind(layer["activation"])[0], []):
            distances.append((z - kink).abs().min().item())
    name, settings = kind(loss)
    if name in ("mean_absolute_error", "quantile"):
        distances.append((outputs - targets).abs().min().item())
    if name == "huber":
        distances.append(((outputs - targets).abs() - settings["delta"]).abs().min().item())
    return min(distances)


# ---------------------------------------------------------------- the networks

LEAKY = {"leaky_relu": {"negative_slope": 0.01}}
LEAKY_STEEP = {"leaky_relu": {"negative_slope": 0.2}}
ELU = {"elu": {"alpha": 1.0}}
ELU_LOW = {"elu": {"alpha": 0.7}}

SCALE = {"scale": {}}
LAYER_NORM = {"layer_norm": {"epsilon": 1e-5}}
LAYER_NORM_WIDE = {"layer_norm": {"epsilon": 0.25}}

HALF, MSE, MAE = "half_squared_error", "mean_squared_error", "mean_absolute_error"
POISSON, BCE = "poisson", "binary_cross_entropy"


def huber(delta):
    return {"huber": {"delta": delta}}


def quantile(q):
    return {"quantile": {"quantile": q}}


def ce(label_smoothing=0.0, class_weights=None):
    return {"cross_entropy": {"label_smoothing": label_smoothing, "class_weights": class_weights}}


# name: (widths from the inputs to the outputs, activations, batch size, loss, targets, options)
# Targets: how to draw them, see `draw_targets`.
# Options: weights (per sample), no_bias (indices of dense layers without one), scale (of the weights),
# before (other layers in front of the dense layer of that index), learned (the learned activation behind it), pieces (of columns
# in front of everything).
NETWORKS = {
    "depth1_identity_half_squared_error":
        ([5, 3], ["identity"], 4, HALF, "real", {}),
    "depth1_softmax_cross_entropy":
        ([6, 4], ["softmax"], 7, ce(), "classes", {}),
    "depth1_sigmoid_binary_cross_entropy_weighted":
        ([4, 3], ["sigmoid"], 5, BCE, "labels", {"weights": [0.5, 2.0, 1.0, 0.25, 3.0]}),
    "depth2_relu_identity_mean_squared_error":
        ([5, 7, 3], ["relu", "identity"], 4, MSE, "real", {"no_bias": [0]}),
    "depth2_tanh_identity_half_squared_error_weighted":
        ([3, 6, 2], ["tanh", "identity"], 5, HALF, "real", {"weights": [1.0, 0.5, 2.0, 1.5, 0.25]}),
    "depth2_gelu_softmax_cross_entropy_smoothed":
        ([4, 8, 3], ["gelu", "softmax"], 6, ce(0.1), "classes", {}),
    "depth2_silu_identity_mean_absolute_error":
        ([6, 5, 3], ["silu", "identity"], 4, MAE, "real", {}),
    "depth2_mish_identity_huber":
        ([4, 7, 3], ["mish", "identity"], 6, huber(1.5), "real_wide", {}),
    "depth2_softplus_identity_quantile":
        ([5, 6, 2], ["softplus", "identity"], 7, quantile(0.9), "real", {}),
    "depth2_selu_identity_poisson":
        ([4, 6, 3], ["selu", "identity"], 5, POISSON, "counts", {}),
    "depth2_gelu_tanh_sigmoid_binary_cross_entropy":
        ([5, 7, 4], ["gelu_tanh", "sigmoid"], 3, BCE, "labels", {}),
    "depth2_elu_softmax_cross_entropy_class_weights":
        ([3, 7, 5], ["elu_1", "softmax"], 6, ce(0.0, [0.5, 2.0, 1.0, 1.25, 3.0]), "classes", {}),
    "depth2_leaky_relu_softmax_cross_entropy_distribution":
        ([6, 5, 4], ["leaky", "softmax"], 3, ce(), "distribution", {}),
    "depth2_hard_sigmoid_identity_cross_entropy_weighted":
        ([4, 6, 3], ["hard_sigmoid", "identity"], 5, ce(), "classes",
         {"weights": [1.0, 2.0, 0.5, 1.5, 0.25]}),
    "depth2_sigmoid_identity_mean_squared_error_batch_of_1":
        ([5, 8, 3], ["sigmoid", "identity"], 1, MSE, "real", {"no_bias": [0, 1]}),
    "depth2_identity_tanh_mean_squared_error":
        ([4, 5, 2], ["identity", "tanh"], 6, MSE, "real", {}),
    "depth2_relu_sigmoid_cross_entropy_distribution":
        ([4, 6, 3], ["relu", "sigmoid"], 5, ce(), "distribution", {}),
    "depth2_silu_identity_cross_entropy_distribution_class_weights":
        ([3, 6, 4], ["silu", "identity"], 5, ce(0.0, [1.5, 0.5, 2.0, 0.75]), "distribution", {}),
    "depth2_softplus_tanh_cross_entropy_class_weights_weighted":
        ([5, 4, 3], ["softplus", "tanh"], 7, ce(0.0, [0.5, 1.5, 2.0]), "classes",
         {"weights": [1.0, 0.5, 2.0, 0.75, 1.25, 3.0, 0.25]}),
    "depth2_mish_identity_binary_cross_entropy_weighted":
        ([3, 5, 4], ["mish", "identity"], 6, BCE, "probabilities",
         {"weights": [1.0, 0.5, 2.0, 1.5, 0.25, 0.75]}),
    "depth2_selu_tanh_binary_cross_entropy":
        ([4, 5, 2], ["selu", "tanh"], 3, BCE, "labels", {"no_bias": [1]}),
    "depth2_tanh_gelu_tanh_huber":
        ([3, 7, 4], ["tanh", "gelu_tanh"], 5, huber(0.5), "real_wide", {}),
    "depth2_relu_silu_mean_absolute_error":
        ([4, 8, 3], ["relu", "silu"], 7, MAE, "real", {}),
    "depth2_gelu_mish_quantile":
        ([5, 6, 3], ["gelu", "mish"], 4, quantile(0.25), "real", {}),
    "depth3_relu_tanh_softmax_mean_squared_error_weighted":
        ([4, 6, 5, 3], ["relu", "tanh", "softmax"], 7, MSE, "distribution",
         {"weights": [0.5, 1.0, 2.0, 1.5, 0.25, 3.0, 0.75]}),
    "depth3_gelu_silu_softmax_half_squared_error":
        ([5, 4, 6, 3], ["gelu", "silu", "softmax"], 2, HALF, "distribution", {}),
    "depth3_mish_sigmoid_softmax_binary_cross_entropy":
        ([3, 5, 6, 4], ["mish", "sigmoid", "softmax"], 7, BCE, "distribution", {}),
    "depth3_elu_gelu_softmax_binary_cross_entropy_weighted":
        ([4, 6, 3, 5], ["elu_1", "gelu", "softmax"], 2, BCE, "labels", {"weights": [0.5, 1.25]}),
    "depth3_softplus_selu_sigmoid_cross_entropy_smoothed_weighted":
        ([4, 5, 6, 3], ["softplus", "selu", "sigmoid"], 7, ce(0.1), "classes",
         {"weights": [1.0, 0.5, 2.0, 1.5, 0.25, 3.0, 0.75]}),
    "depth3_leaky_relu_elu_sigmoid_half_squared_error_weighted":
        ([6, 4, 5, 2], ["leaky_steep", "elu_low", "sigmoid"], 3, HALF, "probabilities",
         {"weights": [0.5, 2.0, 1.25]}),
    "depth3_gelu_tanh_hard_sigmoid_hard_sigmoid_binary_cross_entropy":
        ([4, 6, 5, 3], ["gelu_tanh", "hard_sigmoid", "hard_sigmoid"], 2, BCE, "labels", {}),
    "depth3_identity_gelu_softmax_cross_entropy_smoothed_class_weights_weighted":
        ([5, 4, 6, 3], ["identity", "gelu", "softmax"], 7, ce(0.1, [0.5, 1.5, 2.0]), "classes",
         {"weights": [1.0, 0.5, 2.0, 1.5, 0.25, 3.0, 0.75], "no_bias": [0, 1, 2]}),
    "depth3_tanh_identity_softmax_cross_entropy_smoothed_class_weights":
        ([3, 6, 4, 5], ["tanh", "identity", "softmax"], 7, ce(0.2, [0.5, 1.5, 2.0, 1.0, 0.25]),
         "classes", {}),
    "depth4_tanh_relu_silu_softmax_cross_entropy_distribution_smoothed_class_weights_weighted":
        ([4, 5, 6, 3, 4], ["tanh", "relu", "silu", "softmax"], 7,
         ce(0.1, [0.5, 1.5, 2.0, 1.0]), "distribution",
         {"weights": [1.0, 0.5, 2.0, 0.0, 1.5, 3.0, 0.75]}),
    "depth4_elu_selu_mish_relu_mean_absolute_error_weighted":
        ([3, 4, 6, 5, 4], ["elu_1", "selu", "mish", "relu"], 2, MAE, "real",
         {"weights": [0.5, 2.0]}),
    "depth4_sigmoid_softplus_leaky_relu_leaky_relu_huber_weighted":
        ([4, 5, 6, 5, 3], ["sigmoid", "softplus", "leaky", "leaky_steep"], 7, huber(1.0), "real_wide",
         {"weights": [1.0, 0.5, 2.0, 1.5, 0.25, 3.0, 0.75]}),
    "depth4_hard_sigmoid_gelu_identity_elu_quantile_weighted":
        ([5, 6, 4, 5, 3], ["hard_sigmoid", "gelu", "identity", "elu_low"], 7, quantile(0.9), "real",
         {"weights": [1.0, 0.5, 2.0, 1.5, 0.25, 3.0, 0.75]}),
    "depth5_tanh_gelu_relu_silu_softplus_poisson_weighted":
        ([4, 5, 3, 5, 4, 3], ["tanh", "gelu", "relu", "silu", "softplus"], 6, POISSON, "counts",
         {"weights": [1.0, 0.5, 2.0, 1.5, 0.25, 0.75]}),
    "depth5_gelu_tanh_mish_elu_sigmoid_selu_mean_squared_error_weighted":
        ([3, 5, 4, 5, 4, 3], ["gelu_tanh", "mish", "elu_1", "sigmoid", "selu"], 7, MSE, "real",
         {"weights": [1.0, 0.5, 2.0, 1.5, 0.25, 3.0, 0.75]}),
    "depth5_leaky_relu_softplus_hard_sigmoid_selu_gelu_half_squared_error_weighted":
        ([4, 3, 5, 6, 4, 2], ["leaky_steep", "softplus", "hard_sigmoid", "selu", "gelu"], 7, HALF,
         "real", {"weights": [1.0, 0.5, 2.0, 1.5, 0.25, 3.0, 0.75], "no_bias": [1, 3]}),
    "scaled_tanh_scaled_softmax_cross_entropy":
        ([5, 7, 4], ["tanh", "softmax"], 6, ce(), "classes", {"before": {0: [SCALE], 1: [SCALE]}}),
    "layer_norm_gelu_layer_norm_identity_mean_squared_error_weighted":
        ([6, 5, 3], ["gelu", "identity"], 4, MSE, "real",
         {"before": {0: [LAYER_NORM], 1: [LAYER_NORM_WIDE]}, "weights": [0.5, 2.0, 1.25, 1.0]}),
    "depth3_mish_layer_norm_scale_relu_softmax_cross_entropy_smoothed":
        ([4, 8, 6, 3], ["mish", "relu", "softmax"], 7, ce(0.1), "classes",
         {"before": {1: [LAYER_NORM, SCALE]}, "no_bias": [1]}),
    "learned_mish_learned_selu_identity_half_squared_error_weighted":
        ([4, 6, 5, 2], ["identity", "identity", "identity"], 7, HALF, "real",
         {"learned": {0: "mish", 1: "selu"}, "weights": [1.0, 0.5, 2.0, 1.5, 0.25, 3.0, 0.75]}),
    "columns_tanh_softmax_cross_entropy":
        ([7, 5, 3], ["tanh", "softmax"], 8, ce(), "classes", {"pieces": [
            {"periodic": {"width": 2, "hidden": 3, "outputs": 2, "deviation": 0.5}},
            {"as_is": {"width": 1}},
            {"table": {"categories": 3, "outputs": 2}},
            {"piecewise_linear": {"boundaries": [[-1.0, 0.0, 0.5, 1.5], [-0.5, 0.75]], "outputs": 2}},
        ]}),
    "columns_missing_learned_selu_identity_mean_squared_error":
        ([6, 5, 2], ["identity", "identity"], 9, MSE, "real", {"learned": {0: "selu"}, "pieces": [
            {"as_is": {"width": 2, "missing": True}},
            {"periodic": {"width": 2, "hidden": 4, "outputs": 1, "deviation": 0.5, "missing": True}},
            {"piecewise_linear": {"boundaries": [[-1.0, 0.25, 1.0]], "outputs": 3, "missing": True}},
            {"table": {"categories": 4, "outputs": 1}},
        ]}),
    # Logits far beyond where exp overflows in f32 (88), and probabilities that are exactly 0
    # or 1: only a loss computed in its stable form survives these.
    "depth1_softmax_cross_entropy_large_logits":
        ([5, 3], ["softmax"], 4, ce(), "classes", {"scale": 100.0}),
    "depth1_sigmoid_binary_cross_entropy_large_logits":
        ([4, 3], ["sigmoid"], 5, BCE, "labels", {"scale": 100.0}),
    "depth1_sigmoid_cross_entropy_large_logits":
        ([6, 3], ["sigmoid"], 5, ce(), "classes", {"scale": 100.0}),
    "depth1_hard_sigmoid_binary_cross_entropy_saturated":
        ([4, 3], ["hard_sigmoid"], 5, BCE, "labels", {"scale": 4.0}),
}

NAMED_ACTIVATIONS = {"leaky": LEAKY, "leaky_steep": LEAKY_STEEP, "elu_1": ELU, "elu_low": ELU_LOW}


def draw_targets(how, batch, width, generator):
    def normal():
        return torch.randn(batch, width, generator=generator)

    if how == "real":
        return normal()
    if how == "real_wide":  # residuals on both sides of the Huber loss's delta
        return 2 * normal()
    if how == "counts":
        return torch.randint(0, 5, (batch, width), generator=generator).float()
    if how == "labels":  # any number of ones in a row
        return torch.randint(0, 2, (batch, width), generator=generator).float()
    if how == "probabilities":
        return torch.rand(batch, width, generator=generator)
    if how == "distribution":
        # Rows sum to 1 exactly, because they count sixteenths.
        picks = torch.randint(0, width, (batch, 16), generator=generator)
        return F.one_hot(picks, width).sum(dim=1).float() / 16
    if how == "classes":
        return torch.randint(0, width, (batch,), generator=generator)
    raise ValueError(how)


def draw_inputs(pieces, batch, generator):
    """Where numbers may be missing, a quarter is; and one index is that of no category."""
    parts = []
    for piece in pieces:
        name, settings = kind(piece)
        if name == "table":
            indices = torch.randint(0, settings["categories"], (batch, 1), generator=generator).float()
            indices[-1] = settings["categories"]
            parts.append(indices)
            continue
        numbers = torch.randn(batch, inputs_of(piece), generator=generator)
        if settings.get("missing"):
            numbers[torch.rand(numbers.shape, generator=generator) < 0.25] = math.nan
        parts.append(numbers)
    return torch.cat(parts, dim=1)


def shapes_of(piece):
    """The names and shapes of a piece's tensors, in order."""
    name, settings = kind(piece)
    width, outputs = inputs_of(piece), settings.get("outputs")
    shapes = {}
    if name == "table":
        shapes["weight"] = (settings["categories"], outputs)
    elif name == "piecewise_linear":
        shapes["weight"] = (sum(len(b) - 1 for b in settings["boundaries"]), outputs)
    elif name == "periodic":
        hidden = settings["hidden"]
        shapes |= {"frequency": (width, hidden), "offset": (width, hidden)}
        shapes |= {"weight": (width * outputs, hidden), "bias": (width * outputs,)}
    if settings.get("missing"):
        shapes["missing"] = (width * outputs_of(piece),)
    return shapes


def draw(name, attempt):
    """Draws one case in f32. Returns the network description and the tensors."""
    widths, activations, batch, loss, how, options = NETWORKS[name]
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) + attempt)
    network = {"input_width": widths[0], "layers": []}
    parameters = {}
    pieces = options.get("pieces", [])
    if pieces:
        network = {"input_width": sum(map(inputs_of, pieces)), "layers": [{"columns": {"pieces": pieces}}]}
        for index, piece in enumerate(pieces):
            for tensor, shape in shapes_of(piece).items():
                key = f"layers.0.pieces.{index}.{tensor}"
                parameters[key] = 0.5 * torch.randn(shape, generator=generator)
        widths = [sum(inputs_of(piece) * outputs_of(piece) for piece in pieces), *widths[1:]]
    for index, (fan_in, width, activation) in enumerate(zip(widths, widths[1:], activations)):
        for layer in options.get("before", {}).get(index, []):
            place = len(network["layers"])
            network["layers"].append(layer)
            parameters[f"layers.{place}.weight"] = 1 + 0.5 * torch.randn(fan_in, generator=generator)
            if "layer_norm" in layer:
                parameters[f"layers.{place}.bias"] = 0.5 * torch.randn(fan_in, generator=generator)
        place, bias = len(network["layers"]), index not in options.get("no_bias", [])
        activation = NAMED_ACTIVATIONS.get(activation, activation)
        network["layers"].append({"dense": {"width": width, "activation": activation, "bias": bias}})
        # Large enough that the gradient of a deep network's first layer does not fade.
        scale = options.get("scale", 1.5) / math.sqrt(fan_in)
        parameters[f"layers.{place}.weight"] = scale * torch.randn(width, fan_in, generator=generator)
        if bias:
            parameters[f"layers.{place}.bias"] = 0.5 * torch.randn(width, generator=generator)
        if index in options.get("learned", {}):
            network["layers"].append({"learned_activation": {"activation": options["learned"][index]}})
            parameters[f"layers.{place + 1}.weight"] = 0.5 + torch.rand(width, generator=generator)
    weights = options.get("weights")
    return {
        "name": name,
        "network": network,
        "loss": loss,
        "inputs": draw_inputs(pieces, batch, generator) if pieces
        else torch.randn(batch, widths[0], generator=generator),
        "targets": draw_targets(how, batch, widths[-1], generator),
        "sample_weights": None if weights is None else torch.tensor(weights),
        "parameters": parameters,
    }


def cast(tensor, dtype):
    """Class indices stay integers; an absent tensor stays absent."""
    if tensor is None or tensor.dtype == torch.int64:
        return tensor
    return tensor.to(dtype)


def trainable(case, dtype):
    return {n: p.to(dtype).clone().requires_grad_() for n, p in case["parameters"].items()}


def run_forward(case, parameters, dtype):
    """Returns the loss, the outputs, and the distance to the nearest kink."""
    y, s = cast(case["targets"], dtype), cast(case["sample_weights"], dtype)
    z, a = forward(case["network"], parameters, cast(case["inputs"], dtype))
    output = kind(case["network"]["layers"][-1]["dense"]["activation"])[0]
    loss = loss_value(case["loss"], output, z[-1], a, y, s)
    if s is None:
        expected = torch_loss(case["loss"], output, z[-1], a, y)
        if expected is not None:
            tolerance = 1e-13 if dtype == torch.float64 else 2e-6
            # With logits this large, PyTorch's loss of a probability is not this loss.
            if not case["name"].endswith("large_logits") or output != "sigmoid":
                torch.testing.assert_close(loss, expected, rtol=tolerance, atol=tolerance)
    for layer, pre_activation in zip(activated_layers(case["network"]), z, strict=True):
        # Beyond 20, PyTorch's softplus is z, which differs from ln(1 + e^z) by up to 2e-9.
        assert layer["activation"] not in ("softplus", "mish") or pre_activation.max() < 20
    return loss, a, distance_to_kink(case["network"], case["loss"], z, a, y)


def evaluate(case, dtype):
    """The loss, the outputs and every gradient in one precision, and the distance to the nearest kink."""
    parameters = trainable(case, dtype)
    loss, outputs, distance = run_forward(case, parameters, dtype)
    loss.backward()
    result = {
        "loss": loss.detach(),
        "outputs": outputs.detach(),
        "gradients": {n: p.grad for n, p in parameters.items()},
    }
    return result, distance


def is_telling(case, result, distance):
    """Whether a drawn case is fit to be an expected value."""
    # A rounding error must not be able to cross a kink.
    if distance < 1e-3:
        return False
    # A wrong gradient must be visible in every parameter tensor.
    if any(g.abs().max() < 5e-3 for g in result["gradients"].values()):
        return False
    name, settings = kind(case["loss"])
    if name in ("mean_absolute_error", "quantile", "huber"):
        # Both branches of the loss must be taken.
        residuals = result["outputs"] - case["targets"].double()
        branch = residuals.abs() > settings["delta"] if name == "huber" else residuals > 0
        if branch.all() or not branch.any():
            return False
    if case["name"].endswith("saturated"):
        # Wanted: wrong and right saturated outputs, next to outputs that are not saturated.
        a, y = result["outputs"], case["targets"]
        return bool(((a == 0) & (y == 1)).any() and ((a == 1) & (y == 1)).any() and ((a > 0) & (a < 1)).any())
    if case["targets"].dtype == torch.int64:
        return case["targets"].unique().numel() >= 3
    return True


def make_network(name):
    for attempt in range(1000):
        case = draw(name, attempt)
        in_f64, distance = evaluate(case, torch.float64)
        if is_telling(case, in_f64, distance):
            break
    else:
        raise RuntimeError(f"{name}: no draw was fit")
    assert distance > 1e-3
    in_f32, _ = evaluate(case, torch.float32)
    check_precisions_agree(name, in_f64, in_f32, 1e-5)
    return case, {**case, "f64": in_f64, "f32": in_f32}


def check_precisions_agree(name, in_f64, in_f32, tolerance):
    """f32 must be f64 up to rounding; a case where it is not would only test luck."""
    for key, wide in in_f64.items():
        if isinstance(wide, dict):
            check_precisions_agree(f"{name} {key}", wide, in_f32[key], tolerance)
        else:
            error = (wide - in_f32[key].double()).abs().max() / wide.abs().max()
            assert error < tolerance, f"{name} {key}: relative error {error:.1e}"


# ---------------------------------------------------------------- the optimizers


def sgd(learning_rate, momentum=0.0, dampening=0.0, nesterov=False, weight_decay=0.0):
    return {"sgd": {
        "learning_rate": learning_rate, "momentum": momentum, "dampening": dampening,
        "nesterov": nesterov, "weight_decay": weight_decay,
    }}


def adam(learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
    return {"adam": {
        "learning_rate": learning_rate, "beta1": beta1, "beta2": beta2,
        "epsilon": epsilon, "weight_decay": weight_decay,
    }}


def adamw(learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    return {"adamw": adam(learning_rate, beta1, beta2, epsilon, weight_decay)["adam"]}


def rmsprop(learning_rate, alpha=0.99, epsilon=1e-8, momentum=0.0, centered=False, weight_decay=0.0):
    return {"rmsprop": {
        "learning_rate": learning_rate, "alpha": alpha, "epsilon": epsilon,
        "momentum": momentum, "centered": centered, "weight_decay": weight_decay,
    }}


def adagrad(learning_rate, learning_rate_decay=0.0, epsilon=1e-10, initial_accumulator=0.0, weight_decay=0.0):
    return {"adagrad": {
        "learning_rate": learning_rate, "learning_rate_decay": learning_rate_decay,
        "epsilon": epsilon, "initial_accumulator": initial_accumulator, "weight_decay": weight_decay,
    }}


def amsgrad(learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
    return {"amsgrad": adam(learning_rate, beta1, beta2, epsilon, weight_decay)["adam"]}


def nadam(learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=4e-3, weight_decay=0.0):
    return {"nadam": {
        "learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon,
        "momentum_decay": momentum_decay, "weight_decay": weight_decay,
    }}


def lion(learning_rate, beta1=0.9, beta2=0.99, weight_decay=0.0):
    return {"lion": {
        "learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "weight_decay": weight_decay,
    }}


def lamb(learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-6, weight_decay=0.01):
    return {"lamb": {
        "learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon, "weight_decay": weight_decay,
    }}


class Lion(torch.optim.Optimizer):
    """PyTorch has no Lion: program 1 of Chen et al. 2023, line by line."""

    def __init__(self, parameters, lr, betas, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = torch.sign(beta1 * m + (1 - beta1) * p.grad)
                m.copy_(beta2 * m + (1 - beta2) * p.grad)
                p.sub_(group["lr"] * (update + group["weight_decay"] * p))


class Lamb(torch.optim.Optimizer):
    """PyTorch has no LAMB: algorithm 2 of You et al. 2020, line by line, with phi(z) = z."""

    def __init__(self, parameters, lr, betas, eps, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                t = state["t"] = state.get("t", 0) + 1
                m, v = (state.setdefault(key, torch.zeros_like(p)) for key in "mv")
                m.mul_(beta1).add_((1 - beta1) * p.grad)
                v.mul_(beta2).add_((1 - beta2) * p.grad**2)
                r = m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + group["eps"])
                u = r + group["weight_decay"] * p
                p.sub_(group["lr"] * p.norm() / u.norm() * u)


TANH = "depth2_tanh_identity_half_squared_error_weighted"
GELU = "depth2_gelu_softmax_cross_entropy_smoothed"
MULTI_LABEL = "depth2_gelu_tanh_sigmoid_binary_cross_entropy"
NO_BIAS = "depth3_identity_gelu_softmax_cross_entropy_smoothed_class_weights_weighted"
DEEP = "depth3_gelu_silu_softmax_half_squared_error"
RELU = "depth2_relu_identity_mean_squared_error"

LAYER_NORMS = "layer_norm_gelu_layer_norm_identity_mean_squared_error_weighted"

# name, network, optimizer, clip, and factors of rate, decay and epsilon for vectors, if any. The default arguments above
# are PyTorch's defaults, Lion's the paper's; LAMB's are those of the libraries that have it.
OPTIMIZERS = [
    ("sgd", TANH, sgd(0.1), None),
    ("sgd_relu", RELU, sgd(0.05), None),
    ("sgd_momentum", GELU, sgd(0.1, momentum=0.9), None),
    ("sgd_nesterov_weight_decay", MULTI_LABEL, sgd(0.05, momentum=0.9, nesterov=True, weight_decay=0.01), None),
    ("sgd_dampening", TANH, sgd(0.1, momentum=0.8, dampening=0.3), None),
    ("sgd_weight_decay_clip_value", TANH, sgd(0.1, weight_decay=0.05), {"value": 0.25}),
    ("sgd_momentum_clip_global_norm", NO_BIAS, sgd(0.1, momentum=0.9), {"global_norm": 0.5}),
    ("adam", GELU, adam(0.05), None),
    ("adam_other_hyperparameters", TANH, adam(0.05, beta1=0.8, beta2=0.95, epsilon=1e-3), None),
    ("adam_l2", MULTI_LABEL, adam(0.05, weight_decay=0.1), None),
    ("adam_clip_global_norm", TANH, adam(0.05), {"global_norm": 0.75}),
    ("adamw", GELU, adamw(0.05), None),
    ("adamw_strong_decay", TANH, adamw(0.05, weight_decay=0.2), None),
    ("rmsprop", MULTI_LABEL, rmsprop(0.01), None),
    ("rmsprop_centered_momentum", TANH, rmsprop(0.01, alpha=0.9, momentum=0.5, centered=True), None),
    ("rmsprop_weight_decay", GELU, rmsprop(0.02, alpha=0.9, epsilon=1e-4, weight_decay=0.1), None),
    ("adagrad", GELU, adagrad(0.1), None),
    ("adagrad_decay_initial_accumulator", TANH,
     adagrad(0.1, learning_rate_decay=0.05, initial_accumulator=0.1, weight_decay=0.02), None),
    ("amsgrad", GELU, amsgrad(0.05), None),
    ("amsgrad_l2", TANH, amsgrad(0.05, beta1=0.8, beta2=0.7, weight_decay=0.1), None),
    ("nadam", GELU, nadam(0.05), None),
    ("nadam_other_hyperparameters", TANH,
     nadam(0.05, beta1=0.8, beta2=0.95, epsilon=1e-3, momentum_decay=0.5, weight_decay=0.05), None),
    ("lion", GELU, lion(0.01), None),
    ("lion_weight_decay", MULTI_LABEL, lion(0.02, beta1=0.8, beta2=0.95, weight_decay=0.3), None),
    ("lamb", GELU, lamb(0.05), None),
    ("lamb_weight_decay_clip_global_norm", TANH,
     lamb(0.1, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.3), {"global_norm": 0.75}),
    ("adam_layer_norm", LAYER_NORMS, adam(0.05), None),
    ("adamw_weights_decay_alone", GELU, adamw(0.05, weight_decay=0.2), None,
     {"rate": 1.0, "decay": 0.0, "epsilon": 1.0}),
    ("adam_vectors_at_half_the_rate", LAYER_NORMS, adam(0.05, epsilon=1e-3), None,
     {"rate": 0.5, "decay": 1.0, "epsilon": 10.0}),
]


def torch_optimizer(spec, parameters, vectors):
    name, s = kind(spec)
    common = {"lr": s["learning_rate"], "weight_decay": s["weight_decay"], "foreach": False}
    if vectors is not None:
        own = {
            "lr": vectors["rate"] * s["learning_rate"],
            "weight_decay": vectors["decay"] * s["weight_decay"],
            "eps": vectors["epsilon"] * s["epsilon"],
        }
        parameters = [
            {"params": [p for p in parameters if p.dim() > 1]},
            {"params": [p for p in parameters if p.dim() == 1], **own},
        ]
    if name == "sgd":
        return torch.optim.SGD(
            parameters, momentum=s["momentum"], dampening=s["dampening"], nesterov=s["nesterov"], **common)
    if name in ("adam", "adamw", "amsgrad"):
        rule = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
        betas, amsgrad = (s["beta1"], s["beta2"]), name == "amsgrad"
        return rule(parameters, betas=betas, eps=s["epsilon"], amsgrad=amsgrad, **common)
    if name == "nadam":
        return torch.optim.NAdam(
            parameters, betas=(s["beta1"], s["beta2"]), eps=s["epsilon"],
            momentum_decay=s["momentum_decay"], **common)
    if name == "lion":
        return Lion(parameters, s["learning_rate"], (s["beta1"], s["beta2"]), s["weight_decay"])
    if name == "lamb":
        return Lamb(parameters, s["learning_rate"], (s["beta1"], s["beta2"]), s["epsilon"], s["weight_decay"])
    if name == "rmsprop":
        return torch.optim.RMSprop(
            parameters, alpha=s["alpha"], eps=s["epsilon"], momentum=s["momentum"],
            centered=s["centered"], **common)
    if name == "adagrad":
        return torch.optim.Adagrad(
            parameters, lr_decay=s["learning_rate_decay"], eps=s["epsilon"],
            initial_accumulator_value=s["initial_accumulator"], **common)
    raise ValueError(name)


def clip_gradients(clip, parameters):
    """Clips in place, before any weight decay. Returns whether that changed something."""
    before = [p.grad.clone() for p in parameters]
    name, limit = kind(clip)
    if name == "value":
        torch.nn.utils.clip_grad_value_(parameters, limit, foreach=False)
    else:
        torch.nn.utils.clip_grad_norm_(parameters, limit, foreach=False)
    return any((p.grad != b).any() for p, b in zip(parameters, before))


def train(case, spec, clip, vectors, dtype):
    parameters = trainable(case, dtype)
    # NAdam keeps the product of its momenta in the default type, which would round it to f32 also where all else is f64.
    torch.set_default_dtype(dtype)
    optimizer = torch_optimizer(spec, list(parameters.values()), vectors)
    losses, steps_clipped = [], 0
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss, _, distance = run_forward(case, parameters, dtype)
        # The weights of a later step carry rounding errors, of about 1e-6 in f32.
        assert distance > 1e-4, f"{case['name']}: {distance:.1e} from a kink"
        loss.backward()
        if clip is not None:
            steps_clipped += clip_gradients(clip, list(parameters.values()))
        optimizer.step()
        losses.append(loss.detach())
    torch.set_default_dtype(torch.float32)
    # A limit that is never reached tests nothing; steps that stay below it are welcome.
    assert clip is None or steps_clipped >= 3
    return {"losses": torch.stack(losses), "parameters": {n: p.detach() for n, p in parameters.items()}}


def make_optimizer(cases, name, network, spec, clip, vectors=None):
    in_f64 = train(cases[network], spec, clip, vectors, torch.float64)
    in_f32 = train(cases[network], spec, clip, vectors, torch.float32)
    check_precisions_agree(name, in_f64, in_f32, 1e-4)
    for key, start in cases[network]["parameters"].items():
        moved = (in_f64["parameters"][key] - start).abs().max()
        assert moved > 1e-2, f"{name}: {key} hardly moves ({moved:.1e})"
    own = {} if vectors is None else {"vectors": vectors}
    return {
        "name": name, "network": network, "optimizer": spec, "clip": clip, **own, "f64": in_f64, "f32": in_f32,
    }


# ---------------------------------------------------------------- the schedules

RATES = 20

# Validation losses with a plateau of exactly `patience` epochs (no change of the rate), longer
# ones, improvements smaller than the threshold, and a rise.
SCORES = [
    1.0, 0.9, 0.95, 0.92, 0.85, 0.85, 0.84995, 0.84993, 0.84992, 0.7,
    0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.6, 0.5, 0.55, 0.49999,
]


def rates_of(scheduler_class, base, **settings):
    """The rates that a PyTorch scheduler puts in force for index 0..19."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    scheduler = scheduler_class(optimizer, **settings)
    rates = []
    for index in range(RATES):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if index + 1 < RATES:
            scheduler.step()
    return rates


def plateau_rates(base, scores):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", factor=0.5, patience=2, threshold=1e-4, threshold_mode="rel")
    rates = []
    for score in scores:
        optimizer.step()
        scheduler.step(score)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def make_schedules():
    lr = torch.optim.lr_scheduler
    base, minimum = 0.1, 1e-4
    # PyTorch computes the cosine by a recursion that collects rounding errors: the file has
    # the formula's values, and the recursion confirms them.
    cosine = [minimum + (base - minimum) * (1 + math.cos(math.pi * i / RATES)) / 2 for i in range(RATES)]
    recursion = rates_of(lr.CosineAnnealingLR, base, T_max=RATES, eta_min=minimum)
    assert all(math.isclose(c, r, rel_tol=1e-12) for c, r in zip(cosine, recursion))
    plateau = plateau_rates(base, SCORES)
    assert len(set(plateau)) >= 4
    return [
        {"name": "step", "schedule": {"step": {"every": 5, "factor": 0.3}}, "base_learning_rate": base,
         "rates": rates_of(lr.StepLR, base, step_size=5, gamma=0.3)},
        {"name": "cosine", "schedule": {"cosine": {"minimum": minimum}}, "base_learning_rate": base,
         "total": RATES, "rates": cosine},
        {"name": "one_cycle",
         "schedule": {"one_cycle": {"warmup_fraction": 0.3, "initial_divisor": 25.0, "final_divisor": 10000.0}},
         "base_learning_rate": base, "total": RATES,
         "rates": rates_of(lr.OneCycleLR, base, max_lr=base, total_steps=RATES, pct_start=0.3,
                           anneal_strategy="cos", cycle_momentum=False, div_factor=25.0,
                           final_div_factor=1e4)},
        {"name": "reduce_on_plateau", "schedule": {"reduce_on_plateau": {"factor": 0.5, "patience": 2, "threshold": 1e-4}},
         "base_learning_rate": base, "scores": SCORES, "rates": plateau},
    ]


# ---------------------------------------------------------------- coverage and the file


def check_coverage(cases):
    """Fails when an activation, a loss or a shape is no longer exercised."""
    depths = {name: set() for name in ACTIVATIONS}
    outputs, losses, batches = set(), set(), set()
    for case in cases.values():
        layers = dense_layers(case["network"])
        widths = [case["network"]["input_width"]] + [layer["width"] for layer in layers]
        batch = len(case["inputs"])
        parameters = sum(p.numel() for p in case["parameters"].values())
        assert batch not in widths and min(widths) >= 2 and max(widths) <= 9 and parameters <= 150
        assert all(fan_in != width for fan_in, width in zip(widths, widths[1:])), "square weight"
        batches.add(batch)
        for layer in layers[:-1]:
            depths[kind(layer["activation"])[0]].add(len(layers))
        outputs.add(kind(layers[-1]["activation"])[0])
        losses.add((kind(case["loss"])[0], case["targets"].dtype, case["sample_weights"] is not None))
    del depths["softmax"]
    assert all(len(d) >= 2 for d in depths.values()), depths
    assert set().union(*depths.values()) == {2, 3, 4, 5}
    assert outputs == set(ACTIVATIONS), set(ACTIVATIONS) - outputs
    assert 1 in batches
    names = [HALF, MSE, MAE, "huber", "quantile", POISSON, BCE, "cross_entropy"]
    for weighted in (False, True):
        for name in names:
            assert (name, torch.float32, weighted) in losses, (name, weighted)
        assert ("cross_entropy", torch.int64, weighted) in losses


def plain(value):
    """Tensors as nested lists of f64, or of integers; what is missing as None."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, torch.Tensor) and value.is_floating_point() and value.isnan().any():
        return plain(value.double().tolist())
    if isinstance(value, torch.Tensor):
        return value.tolist() if value.dtype == torch.int64 else value.double().tolist()
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def layout(value, indent=0):
    """JSON with one line per row of numbers and per small object, so that a diff can be read."""
    one_line = json.dumps(value, allow_nan=False)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    nested = any(isinstance(item, (dict, list)) for item in items)
    if not nested or (isinstance(value, dict) and len(one_line) <= 120):
        return one_line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        lines = [f"{pad}{json.dumps(key)}: {layout(v, indent + 1)}" for key, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + layout(v, indent + 1) for v in value) + "\n" + " " * indent + "]"


def main():
    cases, networks = {}, []
    for name in NETWORKS:
        cases[name], entry = make_network(name)
        values = entry["targets"]
        key = "classes" if values.dtype == torch.int64 else "values"
        networks.append({**entry, "targets": {key: values}})
    check_coverage(cases)
    content = plain({
        "torch": torch.__version__.split("+")[0],
        "networks": networks,
        "optimizers": [make_optimizer(cases, *row) for row in OPTIMIZERS],
        "schedules": make_schedules(),
    })
    text = layout(content) + "\n"
    assert json.loads(text) == content
    DESTINATION.write_text(text)
    print(f"{DESTINATION.name}: {len(networks)} networks, {len(OPTIMIZERS)} optimizers, {len(text)} bytes")


if __name__ == "__main__":
    main()
