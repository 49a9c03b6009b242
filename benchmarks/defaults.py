"""Cross-validation on the training parts of the reference sets: what chose the defaults.

    python benchmarks/defaults.py --data DIR [--sets NAME ...] [--changes NAME ...]

Each row changes the defaults in one way. Test parts are never read for it.
"""

import numpy as np
from reference_sets import FD001_STRIDE, REFERENCE_SETS, data_parser, load_readers
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

CHANGES = {
    "default": {},
    "pooling=last": {"pooling": "last"},
    "pooling=mean": {"pooling": "mean"},
    "pooling=max": {"pooling": "max"},
    "bidirectional": {"bidirectional": True},
    "forwards": {"bidirectional": False},
    "num_layers=2": {"num_layers": 2},
    "hidden_size=32": {"hidden_size": 32},
    "hidden_size=128": {"hidden_size": 128},
    "n_filters=0": {"n_filters": 0},
    "n_filters=64": {"n_filters": 64},
    "kernel_size=5": {"kernel_size": 5},
    "dropout=0": {"dropout": 0.0},
    "dropout=0.1": {"dropout": 0.1},
    "dropout=0.3": {"dropout": 0.3},
    "dropout=0.5": {"dropout": 0.5},
    "jitter=0": {"jitter": 0.0},
    "jitter=0.1": {"jitter": 0.1},
    "jitter=0.2": {"jitter": 0.2},
    "lr=0.001": {"lr": 0.001},
    "lr=0.01": {"lr": 0.01},
    "batch_size=64": {"batch_size": 64},
    "max_epochs=20": {"max_epochs": 20},
    "max_epochs=60": {"max_epochs": 60},
    "early_stopping=False": {"early_stopping": False},
    "weight_decay=0.3": {"weight_decay": 0.3},
    "standardize=False": {"standardize": False},
    "missing=indicator": {"missing": "indicator"},
    "missing=decay": {"missing": "decay"},
    "n_members=1": {"n_members": 1},
    "n_members=3": {"n_members": 3},
    "cell=gru": {"cell": "gru"},
}


def main():
    parser = data_parser(__doc__.splitlines()[0])
    parser.add_argument("--changes", nargs="+", choices=CHANGES, default=list(CHANGES))
    options = parser.parse_args()
    readers = load_readers(options.data)
    references = {name: REFERENCE_SETS[name](readers) for name in options.sets}
    print("".join(f"{name:<20}" for name in ("change", *references)))
    for change in options.changes:
        print(f"{change:<20}", end="", flush=True)
        for name, reference in references.items():
            scores = cross_validate(name, reference, CHANGES[change])
            text = f"{np.mean(scores):.4g} ± {np.std(scores) / np.sqrt(len(scores)):.2g}"
            print(f"{text:<20}", end="", flush=True)
        print()


def cross_validate(name, reference, change):
    """Return the score of each fold of a training part."""
    X, y = reference.train
    if name == "C-MAPSS FD001":  # neighbouring windows are all but equal
        X, y = X[::FD001_STRIDE], y[::FD001_STRIDE]
    scores = []
    for train, valid in folds(reference, X, y):
        estimator = reference.estimator(random_state=0, **change)
        estimator.fit(take(X, train), y[train])
        scores.append(reference.score(estimator, take(X, valid), y[valid]))
    return scores


def folds(reference, X, y):
    """Return three folds: by engine, by class or at random."""
    ids = getattr(X, "ids", None)
    if ids is not None and len(np.unique(ids)) < len(ids):
        return GroupKFold(3).split(y, y, ids)
    if reference.metric == "RMSE":
        return KFold(3, shuffle=True, random_state=0).split(y)
    y = np.unique(y, return_inverse=True)[1]
    rare = np.bincount(y)[y] < 3  # a class too small for three folds joins the largest
    y = np.where(rare, np.bincount(y).argmax(), y)
    return StratifiedKFold(3, shuffle=True, random_state=0).split(y, y)


def take(X, indices):
    """Return the sequences at `indices` of a list or an array."""
    return [X[i] for i in indices] if isinstance(X, list) else X[indices]


if __name__ == "__main__":
    main()
