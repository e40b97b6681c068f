"""The digits with scikit-learn: digits_scikit_learn.py SEED.

64-128-128-10, ReLU, 200 epochs of 32 rows as in `chainrule train digits`, but with Adam at a constant rate: it
has no AdamW, no one-cycle rate and no label smoothing, and does not validate here.
"""

import sys
import time
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from data import read_digits, report

EPOCHS, BATCH, LEARNING_RATE = 200, 32, 0.001


def main() -> None:
    seed = int(sys.argv[1])
    training, _, test = read_digits(seed)
    classifier = MLPClassifier(
        hidden_layer_sizes=(128, 128),
        solver="adam",
        learning_rate_init=LEARNING_RATE,
        batch_size=BATCH,
        max_iter=EPOCHS,
        # Never before the last epoch.
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
