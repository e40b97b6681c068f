"""Fashion-MNIST with scikit-learn: fashion_scikit_learn.py DIRECTORY SEED."""

import sys
import time
import warnings
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from data import read_fashion, report

EPOCHS, BATCH, LEARNING_RATE = 10, 128, 0.001


def main() -> None:
    directory, seed = Path(sys.argv[1]), int(sys.argv[2])
    training, test = read_fashion(directory)
    classifier = MLPClassifier(
        hidden_layer_sizes=(512, 256),
        solver="adam",
        alpha=0.0,
        learning_rate_init=LEARNING_RATE,
        batch_size=BATCH,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        random_state=seed,
    )
    start = time.perf_counter()
    classifier.fit(training.images, training.labels)
    seconds = time.perf_counter() - start
    report(seconds, classifier.score(test.images, test.labels))


if __name__ == "__main__":
    # It is meant to end after its epochs.
    warnings.simplefilter("ignore", ConvergenceWarning)
    main()
