"""Writes real_mlp.json: what pytabkit's RealMLP makes of two small tables, which tests of the default preset compare against.

For a table with a class and one with a number as its target:

csv          the table, with missing cells, columns of two, five and twelve categories, and one that is mostly 0
inputs       pytabkit's scaled inputs by column of the table, in single precision as it computes them
start, end   parameters by Chainrule's names and shapes, before and after the steps
losses       the loss of each step
batches      the rows of each step

and, of the schedules, 20 values each.

The network, the scaling, the schedules and the groups of parameters are pytabkit's own; the loop that steps is written out
here, so that it runs in double precision. It has no dropout, and half the squared error, as Chainrule has. In the neural-tangent
form a weight is divided by the root of its inputs where it is used; Chainrule keeps the quotient.
"""

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import torch
from pytabkit.models.realmlp.model import RealMLP, RealMLPConfig
from pytabkit.models.realmlp.train import SCHEDULES, compute_input_stats, cross_entropy, mse

HERE = Path(__file__).resolve().parent
ROWS, BATCH, EPOCHS = 150, 30, 3
COLORS = ["blue", "red"]
SHAPES = ["arc", "box", "cone", "disc", "edge"]
CITIES = [f"city {letter}" for letter in "abcdefghijkl"]


def table(is_classification: bool):
    """The columns of a table, as lists of texts, and the same as pytabkit takes them."""
    rng = np.random.default_rng(5)
    a = rng.normal(3.0, 2.0, ROWS)
    b = np.exp(rng.normal(0.0, 1.5, ROWS))
    b[rng.random(ROWS) < 0.2] = np.nan
    c = np.where(rng.random(ROWS) < 0.85, 0.0, rng.integers(1, 9, ROWS)).astype(float)
    flag = rng.random(ROWS) < 0.3
    color = rng.integers(1, 3, ROWS)
    shape = rng.integers(0, 6, ROWS)
    city = np.concatenate([np.arange(1, 13), rng.integers(1, 13, ROWS - 12)])
    score = np.sin(a) + 0.5 * np.log(np.nan_to_num(b, nan=1.0)) + 0.3 * flag + 0.2 * (shape == 2) + 0.1 * city
    score += rng.normal(0.0, 0.3, ROWS)
    if is_classification:
        target = np.digitize(score, np.quantile(score, [0.4, 0.75]))
        target_cells = [f"kind {value}" for value in target]
    else:
        target = np.round(10.0 * score, 3)
        target_cells = [repr(float(value)) for value in target]
    number = lambda value: "" if math.isnan(value) else repr(float(value))
    cells = {
        "a": [number(value) for value in a],
        "b": [number(value) for value in b],
        "c": [str(int(value)) for value in c],
        "flag": ["yes" if value else "no" for value in flag],
        "color": [COLORS[value - 1] for value in color],
        "shape": ["" if value == 0 else SHAPES[value - 1] for value in shape],
        "city": [CITIES[value - 1] for value in city],
        "target": target_cells,
    }
    numbers = np.stack([a, b, c], axis=1)
    # Category 0 is a missing one.
    categories = np.stack([np.where(flag, 1, 2), color, shape, city], axis=1)
    return cells, numbers, categories, [3, 3, 6, 13], target


def double_model(config, numbers, categories, sizes, target, classes):
    """pytabkit's network in double precision, with its own statistics, and the scaled inputs by column."""
    torch.manual_seed(3)
    model = RealMLP(3, sizes, classes or 1, 1, config, classes > 0)
    x_num, x_cat = torch.as_tensor(numbers).float(), torch.as_tensor(categories)
    features = model.input_features(x_num, x_cat)
    median, scale = compute_input_stats(features, torch.arange(ROWS)[None])
    single = (features - median[0]) * scale[0]
    single = (single / (1 + single.square() / 9).sqrt()).numpy()
    model = model.double()
    exact = torch.cat([torch.as_tensor(numbers), features[:, 3:].double()], dim=1).numpy()
    low, middle, high = np.nanquantile(exact, [0.25, 0.5, 0.75], axis=0)
    extremes = 0.5 * (np.nanmax(exact, axis=0) - np.nanmin(exact, axis=0))
    range_ = np.where(high == low, extremes, high - low)
    assert np.allclose(median.numpy().ravel(), middle, rtol=1e-6, atol=1e-7)
    assert np.allclose(scale.numpy().ravel(), 1 / range_, rtol=1e-6)
    model.x_median.copy_(torch.as_tensor(middle)[None, None])
    model.x_scale.copy_(torch.as_tensor(1 / range_)[None, None])
    if not classes:
        model.y_mean.fill_(float(np.mean(target)))
        model.y_std.fill_(float(np.std(target)))
    # The binary feature and the colors are one input each, the shapes five.
    columns = ["a", "b", "c", "flag", "color", *[f"shape={shape}" for shape in SHAPES]]
    inputs = {
        name: [None if math.isnan(value) else float(value) for value in single[:, index]]
        for index, name in enumerate(columns)
    }
    return model, inputs


def by_chainrule_names(model):
    """The parameters as Chainrule has them. Its columns with gaps come first: b, then a and c, then the rest."""
    numbers = [1, 0, 2]
    get = lambda parameter: parameter.detach().numpy()[0]
    tensors, layer = {}, 0
    f, offset = get(model.plr_weight_1)[:, 0], get(model.plr_bias_1)[:, 0]
    weight, bias = get(model.plr_weight_2), get(model.plr_bias_2)[:, 0]
    for piece, members in [(0, numbers[:1]), (1, numbers[1:])]:
        name = f"layers.0.pieces.{piece}"
        tensors[f"{name}.frequency"] = f[members]
        tensors[f"{name}.offset"] = offset[members]
        tensors[f"{name}.weight"] = np.concatenate([weight[n].T for n in members])
        tensors[f"{name}.bias"] = np.concatenate([bias[n] for n in members])
    missing = np.concatenate([get(model.num_missing)[0, [1]], get(model.plr_missing)[0, 1]])
    tensors["layers.0.pieces.0.missing"] = missing
    tensors["layers.0.pieces.3.weight"] = get(model.cat_emb)[1:]
    # pytabkit has all embeddings, then all numbers, then one-hot inputs and tables.
    order = []
    for n in numbers:
        order += [9 + n, 3 * n, 3 * n + 1, 3 * n + 2]
    order += list(range(12, model.n_mlp_in))
    layer, first, pending = 1, True, None
    for module in model.mlp:
        kind = type(module).__name__
        if kind == "Scale":
            tensors["layers.1.weight"] = get(module.scale)[0, order]
            layer = 2
        elif kind == "Weight":
            pending = get(module.weight) / math.sqrt(module.weight.shape[-2])
            tensors[f"layers.{layer}.weight"] = (pending[order] if first else pending).T
            first = False
        elif kind == "Bias":
            tensors[f"layers.{layer}.bias"] = get(module.bias)[0]
            layer += 1
        elif kind == "Activation":
            tensors[f"layers.{layer}.weight"] = get(module.weight)[0]
            layer += 1
    return {name: {"shape": list(value.shape), "values": value.ravel().tolist()} for name, value in tensors.items()}


def make_case(is_classification: bool):
    cells, numbers, categories, sizes, target = table(is_classification)
    classes = 3 if is_classification else 0
    small = {"hidden_sizes": [7, 6, 5], "p_drop": 0.0}
    config = RealMLPConfig(**small) if classes else RealMLPConfig.td_reg(**small)
    model, inputs = double_model(config, numbers, categories, sizes, target, classes)
    x_num, x_cat = torch.as_tensor(numbers)[None], torch.as_tensor(categories)[None]
    y = torch.as_tensor(target)[None, :, None]
    model.train()
    with torch.no_grad():
        model(x_num[:, :BATCH], x_cat[:, :BATCH], init=True)
        # What starts as 0 or 1 would hide a mistake.
        for parameter in [model.plr_missing, model.num_missing]:
            parameter.uniform_(-0.5, 0.5)
        for module in model.mlp:
            if type(module).__name__ == "Activation":
                module.weight.uniform_(0.5, 1.5)
    groups = {}
    for parameter in model.parameters():
        groups.setdefault((parameter.lr_factor, parameter.wd_factor), []).append(parameter)
    groups = [{"params": members, "rate": rate, "decay": decay} for (rate, decay), members in groups.items()]
    optimizer = torch.optim.AdamW(groups, betas=(config.mom, config.sq_mom))
    start, losses, batches = by_chainrule_names(model), [], []
    rng = np.random.default_rng(9)
    total = EPOCHS * ROWS // BATCH
    for _ in range(EPOCHS):
        for rows in rng.permutation(ROWS).reshape(-1, BATCH):
            t = len(losses) / total
            rate, decay = config.lr * SCHEDULES[config.lr_sched](t), config.wd * SCHEDULES[config.wd_sched](t)
            for group in optimizer.param_groups:
                group["lr"], group["weight_decay"] = rate * group["rate"], decay * group["decay"]
            outputs = model(x_num[:, rows], x_cat[:, rows])
            if classes:
                loss = cross_entropy(outputs, y[:, rows].long())
            else:
                loss = 0.5 * mse(outputs, model.transform_y(y[:, rows]))
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
            losses.append(loss.item())
            batches.append(rows.tolist())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cells)
    writer.writerows(zip(*cells.values()))
    return {
        "name": "classes" if classes else "numbers",
        "csv": text.getvalue(),
        "hidden": config.hidden_sizes,
        "learning_rate": config.lr,
        "inputs": inputs,
        "batches": batches,
        "start": start,
        "losses": losses,
        "end": by_chainrule_names(model),
    }


def main():
    points = 20
    schedules = {name: [SCHEDULES[name](i / points) for i in range(points)] for name in ["coslog4", "flat_cos"]}
    result = {"schedules": schedules, "cases": [make_case(True), make_case(False)]}
    (HERE / "real_mlp.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
