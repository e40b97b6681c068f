"""Trains one library on a table and measures it on another: PEER TRAINING TEST TARGET TASK SEED THREADS.

Prints one JSON object: seconds of fitting and predicting, and accuracy and log loss, or RMSE. Each library has
its defaults. Columns of texts are categories; boosting and networks for tables get them as such, the others one-hot.
"""

import json
import os
import sys
import time
import warnings

PEER, TRAINING, TEST, TARGET, TASK, SEED, THREADS = sys.argv[1:8]
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = THREADS
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

IS_CLASSES = TASK == "classification"
SEED, THREADS = int(SEED), int(THREADS)


def load():
    training, test = pd.read_csv(TRAINING), pd.read_csv(TEST)
    both = pd.concat([training, test], ignore_index=True)
    target = both.pop(TARGET)
    if IS_CLASSES:
        target = target.astype(str)
    for name in both.columns:
        if not pd.api.types.is_numeric_dtype(both[name]):
            known = sorted(set(training[name].dropna().astype(str)))
            # A category that was not there in training is a missing one.
            both[name] = pd.Categorical(both[name].astype("string").astype(object), categories=known)
        else:
            both[name] = both[name].astype(float)
    first = len(training)
    return both[:first], target[:first], both[first:], target[first:]


def one_hot(scaled: bool):
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [SimpleImputer()] + ([StandardScaler()] if scaled else [])
    return make_column_transformer(
        (make_pipeline(*numbers), make_column_selector(dtype_include=float)),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_include="category")),
    )


def make_model():
    """The model, unfitted."""
    if PEER in ("linear", "mlp", "mlp-scaled", "boosting"):
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from sklearn.linear_model import LogisticRegression, RidgeCV
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline

        if PEER == "boosting":
            kind = HistGradientBoostingClassifier if IS_CLASSES else HistGradientBoostingRegressor
            return kind(categorical_features="from_dtype", random_state=SEED)
        if PEER == "linear":
            inner = LogisticRegression(max_iter=2000) if IS_CLASSES else RidgeCV()
        else:
            inner = (MLPClassifier if IS_CLASSES else MLPRegressor)(random_state=SEED)
        return make_pipeline(one_hot(PEER != "mlp"), inner)
    if PEER == "lightgbm":
        import lightgbm

        kind = lightgbm.LGBMClassifier if IS_CLASSES else lightgbm.LGBMRegressor
        return kind(random_state=SEED, n_jobs=THREADS, verbose=-1)
    import pytabkit
    import torch

    torch.set_num_threads(THREADS)
    kinds = {
        "realmlp": (pytabkit.RealMLP_TD_Classifier, pytabkit.RealMLP_TD_Regressor),
        "tabm": (pytabkit.TabM_D_Classifier, pytabkit.TabM_D_Regressor),
    }
    kind = kinds[PEER][0 if IS_CLASSES else 1]
    return kind(random_state=SEED, device="cpu", n_threads=THREADS)


def filled(columns, medians):
    """Without missing numbers, which pytabkit refuses."""
    columns = columns.copy()
    for name in columns.columns:
        if columns[name].dtype == float:
            columns[name] = columns[name].fillna(medians[name])
    return columns


def main() -> None:
    inputs, targets, test_inputs, test_targets = load()
    if PEER in ("realmlp", "tabm"):
        medians = inputs.median(numeric_only=True)
        inputs, test_inputs = filled(inputs, medians), filled(test_inputs, medians)
    model = make_model()
    begin = time.monotonic()
    model.fit(inputs, targets)
    predicted = model.predict_proba(test_inputs) if IS_CLASSES else model.predict(test_inputs)
    result = {"seconds": time.monotonic() - begin}
    if IS_CLASSES:
        classes = [str(name) for name in model.classes_]
        truth = np.array([classes.index(name) for name in test_targets])
        result["accuracy"] = float(np.mean(np.argmax(predicted, axis=1) == truth))
        of_truth = predicted[np.arange(len(truth)), truth].astype(float)
        result["log_loss"] = float(-np.mean(np.log(np.clip(of_truth, 1e-15, 1.0))))
    else:
        result["rmse"] = float(np.sqrt(np.mean((np.ravel(predicted) - test_targets.to_numpy()) ** 2)))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
