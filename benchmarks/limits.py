"""How near training comes to the machine's limits, and how it grows with the data.

python benchmarks/limits.py [--part rate scale memory] [--runs 5]
"""

import argparse
import itertools
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from speed import MEDIUM, classifier

N_GATES = 4
PASSES = 3
"""A training step multiplies as much again for the inputs' and the weights' gradients."""

MEMORY_SCRIPT = """
import numpy as np
from peak import peak_bytes
from sklstm import LSTMClassifier

small = np.random.default_rng(0).standard_normal((1200, 5, 16), dtype=np.float32)
LSTMClassifier(max_epochs=1).fit(small, np.arange(1200) % 2)
before = peak_bytes()
shape = (62_500, 50, 16)
X = np.empty(shape, dtype=np.float32)
for row in X:
    row[:] = np.random.default_rng(0).standard_normal(shape[1:], dtype=np.float32)
y = np.arange(len(X)) % 2
LSTMClassifier(max_epochs=1).fit(X, y)
print(X.nbytes, peak_bytes() - before)
"""


def multiply_rate(n_runs, size=2048):
    """Return floating-point operations a second of one large matrix product."""
    a = torch.randn(size, size)
    seconds = []
    for _ in range(n_runs + 1):
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / np.median(seconds[1:])


def kernel_seconds(problem, n_runs):
    """Return the time that the recurrent kernel alone takes for an epoch."""
    lstm = torch.nn.LSTM(problem.n_features, problem.hidden_size, batch_first=True)
    x = torch.randn(problem.batch_size, problem.n_timesteps, problem.n_features)
    seconds = []
    for _ in range(10 * n_runs):
        start = time.perf_counter()
        outputs, _ = lstm(x)
        outputs[:, -1].sum().backward()
        seconds.append(time.perf_counter() - start)
    return np.median(seconds) * problem.n_samples / problem.batch_size


def print_rate(n_runs):
    """Print the share of the matrix-product rate that training reaches."""
    print(f"{'units':>6} {'batch':>6} {'Gflop/s':>8} {'of product':>10} {'share':>6}", end=" ")
    print(f"{'kernel alone':>13}")
    wide = replace(MEDIUM, n_samples=2560, n_features=64)
    for hidden_size, batch_size in itertools.product((128, 256), (128, 256)):
        problem = replace(wide, hidden_size=hidden_size, batch_size=batch_size)
        X, y = problem.data()
        epochs = []
        for run in range(n_runs):
            estimator = classifier(problem, run).fit(X, y)
            epochs += [record["dur"] for record in estimator.history_[1:]]
        n_weights = N_GATES * hidden_size * (problem.n_features + hidden_size)
        work = 2 * PASSES * n_weights * problem.n_samples * problem.n_timesteps
        of_product, of_training = multiply_rate(n_runs), work / np.median(epochs)
        of_kernel = work / kernel_seconds(problem, n_runs)
        print(
            f"{hidden_size:>6} {batch_size:>6} {of_training / 1e9:>8.0f} "
            f"{of_product / 1e9:>10.0f} {of_training / of_product:>6.2f} "
            f"{of_kernel / of_product:>13.2f}"
        )


def print_scale(n_runs):
    """Print the time a sample of fit, for more and more short sequences."""
    print(f"{'samples':>9} {'fit (s)':>8} {'us a sample':>12} {'/ first':>8}")
    first = None
    for n_samples in (10**4, 10**5, 10**6):
        problem = replace(
            MEDIUM, n_samples=n_samples, n_timesteps=8, n_features=4, batch_size=256, epochs=1
        )
        X, y = problem.data()
        seconds = []
        for run in range(n_runs if n_samples < 10**6 else min(n_runs, 3)):
            start = time.perf_counter()
            classifier(problem, run).fit(X, y)
            seconds.append(time.perf_counter() - start)
        cost = np.median(seconds) / n_samples
        first = first or cost
        row = f"{n_samples:>9} {np.median(seconds):>8.2f} {1e6 * cost:>12.2f}"
        print(f"{row} {cost / first:>8.2f}", flush=True)


def print_memory(n_runs):
    """Print the peak memory of data and a fit with defaults, over that of the data."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    )
    n_bytes, peak = map(int, done.stdout.split())
    print(f"data {n_bytes / 1e6:.0f} MB, data and fit {peak / 1e6:.0f} MB", end="")
    print(f", ratio {peak / n_bytes:.2f} (aim 1.5)")


PARTS = {"rate": print_rate, "scale": print_scale, "memory": print_memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    for part in options.part:
        PARTS[part](options.runs)


if __name__ == "__main__":
    main()
