"""Time of fit and predict beside what a PyTorch user would have written.

    python benchmarks/speed.py [--line NAME ...] [--runs 5]

Both sides use the same data, epochs, steps, optimiser and precision, and run in turn.
The ratio is the median time of sklstm over the median time of the other side. Where both
train, the training loss of sklstm may not be more than 5 % above that of the other side.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass, replace

import loops
import numpy as np
from skorch.callbacks import LRScheduler

from sklstm import LSTMClassifier

ROW = "{:<52} {:>9} {:>9} {:>7} {:>6}  {}"


@dataclass(frozen=True)
class Problem:
    """A binary problem, and how to train on it."""

    n_samples: int
    n_timesteps: int
    n_features: int
    hidden_size: int
    batch_size: int
    epochs: int
    shortest: int | None = None
    bidirectional: bool = False
    lr: float = 1e-3

    def data(self, n_samples=None):
        """X, an array or a list of arrays of random lengths, and y."""
        rng = np.random.default_rng(0)
        n_samples = n_samples or self.n_samples
        shape = (n_samples, self.n_timesteps, self.n_features)
        X = rng.standard_normal(shape, dtype=np.float32)
        if self.shortest is None:
            return X, (X[:, :, 0].mean(axis=1) > 0).astype(np.int64)
        lengths = rng.integers(self.shortest, self.n_timesteps + 1, n_samples)
        X = [x[:length] for x, length in zip(X, lengths, strict=True)]
        return X, np.array([x[:, 0].mean() > 0 for x in X]).astype(np.int64)


SMALL = Problem(1000, 24, 8, hidden_size=32, batch_size=32, epochs=10)
MEDIUM = Problem(5000, 50, 16, hidden_size=64, batch_size=64, epochs=8)
STEPS_250 = Problem(2000, 250, 8, hidden_size=64, batch_size=32, epochs=1)
STEPS_1000 = Problem(500, 1000, 8, hidden_size=64, batch_size=32, epochs=1)
RAGGED = Problem(5000, 100, 16, hidden_size=64, batch_size=64, epochs=1, shortest=5)
TINY = Problem(100, 10, 4, hidden_size=32, batch_size=32, epochs=1)


def classifier(problem, seed, **params):
    """An estimator that trains as the loops do, at a constant rate."""
    constant = LRScheduler(policy="LambdaLR", lr_lambda=lambda epoch: 1.0)
    return LSTMClassifier(
        problem.hidden_size,
        bidirectional=problem.bidirectional,
        pooling="last",
        n_filters=0,
        n_members=1,
        dropout=0.0,
        jitter=0.0,
        max_epochs=problem.epochs,
        batch_size=problem.batch_size,
        lr=problem.lr,
        weight_decay=0.0,
        clip_grad_norm=None,
        early_stopping=False,
        callbacks=[constant],
        device="cpu",
        random_state=seed,
    ).set_params(**params)


def fit_sklstm(problem, X, y, seed):
    """Fit, and return the estimator and its last training loss."""
    estimator = classifier(problem, seed).fit(X, y)
    return estimator, estimator.history_[-1]["train_loss"]


def compare(sides, n_runs):
    """Time functions of the number of a run in turn; return medians and all results."""
    seconds, results = np.empty((n_runs + 1, len(sides))), []
    for run in range(n_runs + 1):
        for i, side in enumerate(sides):
            start = time.perf_counter()
            results.append(side(run))
            seconds[run, i] = time.perf_counter() - start
    return np.median(seconds[1:], axis=0), results  # the first run warms up


def report(name, seconds, aim, more=""):
    """Print a line of the table."""
    ours, other = seconds
    ratio = f"{ours / other:.2f}"
    print(ROW.format(name, f"{ours:.4f}", f"{other:.4f}", ratio, aim, more), flush=True)


def compare_fits(name, problem, fit_other, aim, n_runs):
    """Time training, and hold the losses of both sides against each other."""
    X, y = problem.data()
    sides = [lambda run: fit_sklstm(problem, X, y, run)[1]]
    sides.append(lambda run: fit_other(problem, X, y, run)[1])
    seconds, losses = compare(sides, n_runs)
    ours, other = np.mean(losses[::2]), np.mean(losses[1::2])
    assert problem is TINY or ours <= 1.05 * other, (ours, other)
    extra = f"{1e3 * (seconds[0] - seconds[1]):+.1f} ms, loss {ours:.4f} / {other:.4f}"
    report(name, seconds, aim, extra)


def compare_predictions(name, problem, fit_other, predict_other, aim, n_runs):
    """Time probabilities of 20,000 sequences."""
    X, y = problem.data(20_000)
    part = slice(None, 500)
    estimator, _ = fit_sklstm(problem, X[part], y[part], 0)
    network, _ = fit_other(problem, X[part], y[part], 0)
    sides = [lambda run: estimator.predict_proba(X), lambda run: predict_other(network, X)]
    seconds, _ = compare(sides, n_runs)
    report(name, seconds, aim)


def compare_searches(name, problem, aim, n_runs):
    """Time a grid search in two processes beside the same in one."""
    from sklearn.model_selection import GridSearchCV

    X, y = problem.data()
    sizes = [problem.hidden_size - 8, problem.hidden_size]
    grid = {"lr": [1e-3, 2e-3, 3e-3], "hidden_size": sizes}

    def search(n_jobs):
        estimator = classifier(problem, 0, callbacks=None)
        GridSearchCV(estimator, grid, cv=3, n_jobs=n_jobs, refit=False).fit(X, y)

    seconds, _ = compare([lambda run: search(2), lambda run: search(1)], n_runs)
    report(name, seconds, aim, f"{seconds[1] / 18:.1f} s a fit in one process")


def compare_imports(name, aim, n_runs):
    """Time the import of sklstm beside that of the packages it builds on."""
    commands = ("import sklstm", "import torch, sklearn.base, skorch")
    sides = [
        lambda run, command=command: subprocess.run(
            [sys.executable, "-c", command], check=True
        )
        for command in commands
    ]
    seconds, _ = compare(sides, n_runs)
    report(name, seconds, aim, f"{1e3 * (seconds[0] - seconds[1]):+.1f} ms")


LINES = {
    "small": lambda n: compare_fits(
        "fit 1000x24x8, 32 units, batch 32 / loop", SMALL, loops.fit_loop, "1.0", n
    ),
    "medium": lambda n: compare_fits(
        "fit 5000x50x16, 64 units, batch 64 / loop", MEDIUM, loops.fit_loop, "0.95", n
    ),
    "steps-250": lambda n: compare_fits(
        "fit 2000x250x8, 64 units, batch 32, first epoch / loop",
        STEPS_250,
        loops.fit_loop,
        "0.2",
        n,
    ),
    "steps-1000": lambda n: compare_fits(
        "fit 500x1000x8, 64 units, batch 32 / loop", STEPS_1000, loops.fit_loop, "0.35", n
    ),
    "ragged": lambda n: compare_fits(
        "fit ragged 5000x(5..100)x16, 64 units / packed loop",
        RAGGED,
        loops.fit_packed_loop,
        "0.25",
        n,
    ),
    "ragged-bidirectional": lambda n: compare_fits(
        "the same, bidirectional / packed loop",
        replace(RAGGED, bidirectional=True),
        loops.fit_packed_loop,
        "0.25",
        n,
    ),
    "small-skorch": lambda n: compare_fits(
        "fit 1000x24x8, 32 units, batch 32 / skorch", SMALL, loops.fit_skorch, "0.8", n
    ),
    "medium-skorch": lambda n: compare_fits(
        "fit 5000x50x16, 64 units, batch 64 / skorch", MEDIUM, loops.fit_skorch, "0.8", n
    ),
    "predict": lambda n: compare_predictions(
        "predict 20000x50x16 / loop, batch 256",
        MEDIUM,
        loops.fit_loop,
        loops.predict_loop,
        "1.0",
        n,
    ),
    "predict-ragged": lambda n: compare_predictions(
        "predict ragged 20000 / packed loop",
        RAGGED,
        loops.fit_packed_loop,
        loops.predict_packed_loop,
        "0.4",
        n,
    ),
    "fixed": lambda n: compare_fits(
        "fit 100x10x4, one epoch / loop", TINY, loops.fit_loop, "+10 ms", n
    ),
    "search": lambda n: compare_searches(
        "search 6 x 3, 3000x50x16, n_jobs=2 / n_jobs=1",
        replace(MEDIUM, n_samples=3000, epochs=12),
        "0.6",
        n,
    ),
    "search-small": lambda n: compare_searches(
        "search 6 x 3, 6000x24x8, n_jobs=2 / n_jobs=1",
        replace(SMALL, n_samples=6000, epochs=10),
        "0.6",
        n,
    ),
    "import": lambda n: compare_imports("import / torch, scikit-learn and skorch", "1.1", n),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--line", nargs="+", choices=LINES, default=list(LINES))
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(ROW.format("line", "ours (s)", "other (s)", "ratio", "aim", "more"))
    for line in options.line:
        LINES[line](options.runs)


if __name__ == "__main__":
    main()
