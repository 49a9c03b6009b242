"""Time of fit and predict beside the loop that a PyTorch user would have written.

    python benchmarks/speed.py [--line NAME ...] [--runs 5]

Both sides use the same data, epochs, steps, optimiser and precision, and run in turn.
The ratio is the median time of sklstm over the median time of the loop.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from skorch.callbacks import LRScheduler

from sklstm import LSTMClassifier

ROW = "{:<46} {:>10} {:>10} {:>8} {:>9}"


@dataclass(frozen=True)
class Problem:
    """A binary problem on full sequences, and how to train on it."""

    n_samples: int
    n_timesteps: int
    n_features: int
    hidden_size: int
    batch_size: int
    epochs: int

    def data(self):
        rng = np.random.default_rng(0)
        shape = (self.n_samples, self.n_timesteps, self.n_features)
        X = rng.standard_normal(shape, dtype=np.float32)
        return X, (X[:, :, 0].mean(axis=1) > 0).astype(np.int64)


SMALL = Problem(1000, 24, 8, hidden_size=32, batch_size=32, epochs=10)
TINY = Problem(100, 10, 4, hidden_size=32, batch_size=32, epochs=1)


def fit_sklstm(problem, X, y, seed):
    """Fit by sklstm, at the loop's constant rate, and return its last training loss."""
    constant = LRScheduler(policy="LambdaLR", lr_lambda=lambda epoch: 1.0)
    estimator = LSTMClassifier(
        problem.hidden_size,
        pooling="last",
        dropout=0.0,
        max_epochs=problem.epochs,
        batch_size=problem.batch_size,
        lr=1e-3,
        weight_decay=0.0,
        clip_grad_norm=None,
        early_stopping=False,
        callbacks=[constant],
        device="cpu",
        random_state=seed,
    )
    return estimator.fit(X, y).history_[-1]["train_loss"]


class LoopNetwork(torch.nn.Module):
    """An LSTM and a linear layer on its last state."""

    def __init__(self, n_features, hidden_size):
        super().__init__()
        self.lstm = torch.nn.LSTM(n_features, hidden_size, batch_first=True)
        self.head = torch.nn.Linear(hidden_size, 1)

    def forward(self, x):
        outputs, _ = self.lstm(x)
        return self.head(outputs[:, -1])[:, 0]


def fit_loop(problem, X, y, seed):
    """Fit by a loop over tensors in memory and return its last training loss."""
    torch.manual_seed(seed)
    X, y = torch.from_numpy(X), torch.from_numpy(y).float()
    X = (X - X.mean((0, 1))) / X.std((0, 1))
    network = LoopNetwork(problem.n_features, problem.hidden_size)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss_function = torch.nn.BCEWithLogitsLoss()
    for _ in range(problem.epochs):
        total = 0.0
        for rows in torch.randperm(len(X)).split(problem.batch_size):
            optimizer.zero_grad()
            loss = loss_function(network(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
    return total / len(X)


def compare_fits(name, problem, n_runs):
    """Print the median times of both sides, and return them in seconds."""
    X, y = problem.data()
    sides = (fit_sklstm, fit_loop)
    seconds, losses = np.empty((n_runs + 1, 2)), np.empty((n_runs + 1, 2))
    for run in range(n_runs + 1):
        for side, fit in enumerate(sides):
            start = time.perf_counter()
            losses[run, side] = fit(problem, X, y, run)
            seconds[run, side] = time.perf_counter() - start
    ours, loop = np.median(seconds[1:], axis=0)  # the first run warms up
    loss, loop_loss = losses.mean(axis=0)
    assert problem.epochs == 1 or loss <= 1.05 * loop_loss, (loss, loop_loss)
    difference = f"{1e3 * (ours - loop):+.1f} ms"
    print(ROW.format(name, f"{ours:.4f}", f"{loop:.4f}", f"{ours / loop:.2f}", difference))


def compare_imports(name, n_runs):
    """Print the time to import sklstm beside that of the packages it builds on."""
    commands = ("import sklstm", "import torch, sklearn.base, skorch")
    seconds = np.empty((n_runs + 1, 2))
    for run in range(n_runs + 1):
        for side, command in enumerate(commands):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", command], check=True)
            seconds[run, side] = time.perf_counter() - start
    ours, others = np.median(seconds[1:], axis=0)
    difference = f"{1e3 * (ours - others):+.1f} ms"
    print(ROW.format(name, f"{ours:.4f}", f"{others:.4f}", f"{ours / others:.2f}", difference))


LINES = {
    "fit": lambda n: compare_fits("fit 1000x24x8, 32 units, batch 32, 10 epochs", SMALL, n),
    "fixed": lambda n: compare_fits("fit 100x10x4, one epoch", TINY, n),
    "import": lambda n: compare_imports("import, beside torch, scikit-learn and skorch", n),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--line", nargs="+", choices=LINES, default=list(LINES))
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(ROW.format("line", "sklstm (s)", "other (s)", "ratio", "more"))
    for line in options.line:
        LINES[line](options.runs)


if __name__ == "__main__":
    main()
