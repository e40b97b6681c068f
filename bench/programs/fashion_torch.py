"""Fashion-MNIST with PyTorch: fashion_torch.py DIRECTORY SEED slicing|loader."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from data import read_fashion, report

EPOCHS, BATCH, LEARNING_RATE = 10, 128, 0.001


def main() -> None:
    directory, seed, way = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    torch.manual_seed(seed)
    training, test = read_fashion(directory)
    images, labels = torch.from_numpy(training.images), torch.from_numpy(training.labels)
    batches = sliced(images, labels) if way == "slicing" else loaded(images, labels)

    network = nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)
    )
    start = time.perf_counter()
    train(network, batches)
    seconds = time.perf_counter() - start

    with torch.no_grad():
        guesses = network(torch.from_numpy(test.images)).argmax(dim=1)
    report(seconds, (guesses == torch.from_numpy(test.labels)).float().mean().item())


def sliced(images: Tensor, labels: Tensor) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    """Batches as rows of the whole set, which is one tensor."""

    def epoch() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.randperm(len(images)).split(BATCH):
            yield images[rows], labels[rows]

    return epoch


def loaded(images: Tensor, labels: Tensor) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    """Batches of a DataLoader, in this process."""
    loader = DataLoader(TensorDataset(images, labels), batch_size=BATCH, shuffle=True)
    return lambda: iter(loader)


def train(network: nn.Module, batches: Callable[[], Iterator[tuple[Tensor, Tensor]]]) -> None:
    # Fused: one kernel for all parameters, the fastest of PyTorch's three ways on a CPU.
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)
    for _ in range(EPOCHS):
        for inputs, targets in batches():
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs), targets).backward()
            optimizer.step()


if __name__ == "__main__":
    main()
