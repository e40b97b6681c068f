"""Inference with scikit-learn's MLPClassifier.predict_proba, which also checks its inputs: scikit_learn_inference.py DIRECTORY."""

import sys
import warnings
from pathlib import Path

import numpy
import sklearn

from inference_protocol import serve_inference
from scikit_learn_step import make_classifier
from workload import read_workload


def main() -> None:
    directory = Path(sys.argv[1])
    workload = read_workload(directory)
    classifier = make_classifier(workload, workload.targets.ravel().astype(numpy.int64))
    serve_inference(f"scikit-learn {sklearn.__version__}", classifier.predict_proba, workload.inputs, directory)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
