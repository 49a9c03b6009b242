"""Time of training and prediction on a GPU beside bare loops over cuDNN's kernel.

    python benchmarks/gpu.py [--line NAME ...] [--runs 3]

Absolute times, with the name of the GPU. Both sides of a line use the same data, batches of
the same size, optimiser and precision, and run in turn.
"""

import argparse
import multiprocessing
import time
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from loops import LoopNetwork, standardized
from speed import MEDIUM, Problem, classifier
from torch import nn

from sklstm import LSTMClassifier

STAYS = Problem(200_000, 48, 76, hidden_size=256, batch_size=256, epochs=2)
DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
ROW = "{:<52} {:>9} {:>9} {:>7}"


@cache
def stays():
    """Sequences of the size of a large set of intensive care stays."""
    return STAYS.data()


def train_bare(problem, X, y, precision, on_gpu=True):
    """Train as a careful user would, and return the seconds of the last epoch."""
    home = "cuda" if on_gpu else "cpu"
    X, y = standardized(torch.from_numpy(X)).to(home), torch.from_numpy(y).float().to("cuda")
    network = LoopNetwork(problem.n_features, problem.hidden_size).to("cuda")
    optimizer = torch.optim.AdamW(network.parameters(), lr=problem.lr, fused=True)
    loss_function = nn.BCEWithLogitsLoss()
    for _ in range(problem.epochs):
        start = time.perf_counter()
        total = torch.zeros((), device="cuda")
        for rows in torch.randperm(len(X), device=home).split(problem.batch_size):
            optimizer.zero_grad()
            x = X[rows].to("cuda")
            with torch.autocast("cuda", DTYPES[precision], precision == "bfloat16"):
                scores = network(x).float()
            loss = loss_function(scores, y[rows.to("cuda")])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
        total.item()
    return time.perf_counter() - start


def train_sklstm(problem, X, y, precision):
    """Train the same network, and return the seconds of the last epoch."""
    estimator = classifier(problem, 0, device="cuda", precision=precision)
    return estimator.fit(X, y).history_[-1]["dur"]


def report(name, ours, other=None):
    """Print a line of the table: medians of seconds."""
    ours = np.median(ours)
    other = np.nan if other is None else np.median(other)
    print(ROW.format(name, f"{ours:.3f}", f"{other:.3f}", f"{ours / other:.2f}"), flush=True)


def print_epochs(n_runs, precision):
    X, y = stays()
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        sides = [
            (train_sklstm(STAYS, X, y, precision), train_bare(STAYS, X, y, precision))
            for _ in range(n_runs)
        ]
    report(f"epoch 200000x48x76, 256 units, {precision}", *zip(*sides, strict=True))


def print_epochs_from_main_memory(n_runs):
    """The same where the GPU's memory is too small for the data."""
    X, y = stays()
    free, _ = torch.cuda.mem_get_info()
    taken = torch.empty(free - X.nbytes, dtype=torch.uint8, device="cuda")
    sides = [
        (
            train_sklstm(STAYS, X, y, "bfloat16"),
            train_bare(STAYS, X, y, "bfloat16", on_gpu=False),
        )
        for _ in range(n_runs)
    ]
    del taken
    torch.cuda.empty_cache()
    report("the same, data in main memory, bfloat16", *zip(*sides, strict=True))


def print_predictions(n_runs):
    X, y = stays()
    part = replace(STAYS, epochs=1)
    estimator = classifier(part, 0, device="cuda").fit(X[:2000], y[:2000])
    seconds = []
    for _ in range(n_runs):
        start = time.perf_counter()
        estimator.predict_proba(X)
        seconds.append(time.perf_counter() - start)
    report("predict 200000x48x76, 256 units", seconds)


def print_defaults(n_runs):
    """Fits with defaults on a GPU and on the machine's processor, two epochs."""
    for n_samples in (1000, 20_000):
        X, y = MEDIUM.data(n_samples)
        seconds = {"cuda": [], "cpu": []}
        for _ in range(n_runs):
            for device, of_device in seconds.items():
                start = time.perf_counter()
                LSTMClassifier(max_epochs=2, device=device, random_state=0).fit(X, y)
                of_device.append(time.perf_counter() - start)
        report(f"defaults {n_samples}x50x16, two epochs, GPU / CPU", *seconds.values())


def search(seed):
    """Fit a few candidates, as one process of a search does."""
    X, y = MEDIUM.data()
    for lr in (1e-3, 2e-3, 3e-3):
        classifier(MEDIUM, seed, device="cuda", lr=lr).fit(X, y)


def print_searches(n_runs):
    """Two searches at once on one GPU beside the same two one after the other."""
    context = multiprocessing.get_context("spawn")
    together, in_turn = [], []
    with context.Pool(2) as pool:
        pool.map(search, [0, 1])
        for _ in range(n_runs):
            start = time.perf_counter()
            pool.map(search, [0, 1])
            together.append(time.perf_counter() - start)
            start = time.perf_counter()
            for seed in (0, 1):
                pool.apply(search, (seed,))
            in_turn.append(time.perf_counter() - start)
    report("two searches in two processes / in turn", together, in_turn)


LINES = {
    "epoch": lambda n: print_epochs(n, "bfloat16"),
    "epoch-float32": lambda n: print_epochs(n, "float32"),
    "epoch-main-memory": print_epochs_from_main_memory,
    "predict": print_predictions,
    "defaults": print_defaults,
    "searches": print_searches,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--line", nargs="+", choices=LINES, default=list(LINES))
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("no CUDA device was found")
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    print(ROW.format("line", "ours (s)", "other (s)", "ratio"))
    for line in options.line:
        LINES[line](options.runs)


if __name__ == "__main__":
    main()
