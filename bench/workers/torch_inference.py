"""Inference with PyTorch, eager and in its inference mode: torch_inference.py DIRECTORY THREADS."""

import sys
from pathlib import Path

import torch
from torch import nn

from inference_protocol import Array, serve_inference
from torch_step import make_network
from workload import read_workload


def main() -> None:
    directory, threads = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    workload = read_workload(directory)
    network = nn.Sequential(make_network(workload), nn.Softmax(dim=1)).eval()

    def infer(rows: Array) -> Array:
        # Neither way copies: both sides look at the same numbers.
        with torch.inference_mode():
            return network(torch.from_numpy(rows)).numpy()

    serve_inference(f"PyTorch {torch.__version__}", infer, workload.inputs, directory)


if __name__ == "__main__":
    main()
