"""How far back a network learns to remember, and what long sequences take to train.

python benchmarks/memory.py [--part adding truncation] [--steps 100 400 1000] [--seeds 1]

adding: the adding problem (Hochreiter & Schmidhuber 1997) on fresh sequences until the mean
squared error on others is below 0.01. Published for their LSTM: about 74,000 sequences at
100 steps and 853,000 at 1,000, of a harder variant in which an online algorithm saw one at a
time. Always answering the mean has an error of 0.167. A plain recurrent network gets as many
sequences as the LSTM needed, at each of two learning rates.

truncation: the peak memory of a fit above that of a process that is ready for it, and the
time of an epoch, with `bptt_steps` and without; each fit in a process of its own. The C
library is told to give large blocks back when they are freed: glibc before 2.38 loses track
of aligned ones, and the peak would be that of its holes.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from sklstm import LSTMRegressor
from sklstm.datasets import make_adding_problem

SOLVED = 0.01
MOST_SEQUENCES = 200_000
FRESH, TEST = 2_000, 2_000
SETTINGS = {
    "hidden_size": 32,
    "n_filters": 0,
    "pooling": "last",
    "forget_bias": "chrono",
    "dropout": 0.0,
    "jitter": 0.0,
    "weight_decay": 0.0,
    "clip_grad_norm": 1.0,
    "standardize": False,
    "batch_size": 100,
    "device": "cpu",
}
RATES = {"lstm": [0.01], "rnn": [0.01, 0.001]}
ROW = "{:>6} {:<5} {:>6} {:>5} {:>10} {:>8} {:>8}"


def learn(n_timesteps, cell, lr, seed, most):
    """Train on fresh sequences until solved; return their number, the error and seconds."""
    rng = np.random.RandomState(seed)
    X_test, y_test = make_adding_problem(TEST, n_timesteps, random_state=rng)
    model = LSTMRegressor(cell=cell, lr=lr, random_state=seed, **SETTINGS)
    n_sequences, seconds, error = 0, 0.0, np.inf
    while n_sequences < most and error >= SOLVED:
        X, y = make_adding_problem(FRESH, n_timesteps, random_state=rng)
        start = time.perf_counter()
        model.partial_fit(X, y)
        seconds += time.perf_counter() - start
        n_sequences += FRESH
        error = np.mean((model.predict(X_test) - y_test) ** 2)
    return n_sequences, error, seconds


def print_adding(options):
    """Print how many sequences the LSTM needs, and how far a plain network gets with them."""
    print(ROW.format("steps", "cell", "rate", "seed", "sequences", "error", "seconds"))
    for n_timesteps in options.steps:
        for seed in range(options.seeds):
            most = MOST_SEQUENCES
            for cell, rates in RATES.items():
                for lr in rates:
                    n, error, seconds = learn(n_timesteps, cell, lr, seed, most)
                    figures = (f"{n:,}", f"{error:.4f}", f"{seconds:.0f}")
                    print(ROW.format(n_timesteps, cell, lr, seed, *figures), flush=True)
                most = n


TRUNCATION_SCRIPT = """
import sys
import numpy as np
import torch
from peak import peak_bytes
from sklstm import LSTMClassifier

torch.set_num_threads(1)
n_timesteps, bptt_steps = int(sys.argv[1]), int(sys.argv[2]) or None
params = {"n_filters": 0, "jitter": 0.0, "max_epochs": 1, "random_state": 0, "device": "cpu"}
clf = LSTMClassifier(64, bptt_steps=bptt_steps, **params)
warm_up = np.zeros((8, 1 + (bptt_steps or 4), 4))  # long enough to be cut into chunks
clf.fit(warm_up, np.arange(8) % 2)
X = np.random.default_rng(0).standard_normal((8, n_timesteps, 4), dtype=np.float32)
before = peak_bytes()
clf.fit(X, np.arange(8) % 2)
print(X.nbytes, peak_bytes() - before, clf.history_[0]["dur"])
"""


def print_truncation(options):
    """Print peak memory and time of a fit to 8 sequences of 4 features, 64 units."""
    row = "{:>6} {:>10} {:>10} {:>10} {:>10}"
    print(row.format("steps", "bptt_steps", "data (MB)", "peak (MB)", "epoch (s)"))
    for n_timesteps in (1_000, 10_000, 50_000):
        for bptt_steps in (0, 500, 100):
            command = [sys.executable, "-c", TRUNCATION_SCRIPT, n_timesteps, bptt_steps]
            done = subprocess.run(
                [str(part) for part in command],
                check=True,
                capture_output=True,
                text=True,
                env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"},
                cwd=Path(__file__).parent,
            )
            data, peak, seconds = map(float, done.stdout.split())
            figures = (f"{data / 1e6:.1f}", f"{peak / 1e6:.0f}", f"{seconds:.2f}")
            print(row.format(n_timesteps, bptt_steps or "None", *figures), flush=True)


PARTS = {"adding": print_adding, "truncation": print_truncation}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--steps", nargs="+", type=int, default=[100, 400, 1000])
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for part in options.part:
        PARTS[part](options)


if __name__ == "__main__":
    main()
