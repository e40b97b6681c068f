"""The digits with PyTorch, as `chainrule train digits` learns them: digits_torch.py SEED.

64-128-128-10, ReLU, cross-entropy with label smoothing, AdamW with a one-cycle rate, a validation after each
epoch, and in the end the parameters of the epoch with the lowest validation loss.
"""

import copy
import sys
import time

import torch
from torch import Tensor, nn

from data import Part, read_digits, report

EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY, LABEL_SMOOTHING = 200, 32, 0.003, 0.1, 0.02


def main() -> None:
    seed = int(sys.argv[1])
    torch.manual_seed(seed)
    training, validation, test = (tensors(part) for part in read_digits(seed))
    network = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    start = time.perf_counter()
    train(network, training, validation)
    seconds = time.perf_counter() - start
    with torch.no_grad():
        guesses = network(test[0]).argmax(dim=1)
    report(seconds, (guesses == test[1]).float().mean().item())


def tensors(part: Part) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(part.images), torch.from_numpy(part.labels)


def train(network: nn.Module, training: tuple[Tensor, Tensor], validation: tuple[Tensor, Tensor]) -> None:
    images, labels = training
    loss_of = nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
    steps = EPOCHS * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    lowest, best = float("inf"), {}
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss_of(network(images[rows]), labels[rows]).backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            loss = loss_of(network(validation[0]), validation[1]).item()
        if loss < lowest:
            lowest, best = loss, copy.deepcopy(network.state_dict())
    network.load_state_dict(best)


if __name__ == "__main__":
    main()
