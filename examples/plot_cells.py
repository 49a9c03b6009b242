"""
=======================
Five cells side by side
=======================

What is inside a recurrent layer is a choice: `cell`. This example fits the five cells there
are to the same recordings and compares how accurate they are, how many weights they have, and
how long they take.
"""

# %%
# The cells
# ---------
# - "lstm": long short-term memory. A cell is kept or forgotten by a forget gate, written to
#   through an input gate, and shown through an output gate.
# - "gru": gated recurrent units. What is shown is what is kept; one gate decides how much of
#   it is renewed, another one how much of it is looked at for that.
# - "rnn": plain recurrent units. No gates: the whole state is made anew at every step.
# - "peephole": an LSTM whose gates also look at the cell itself.
# - "use_gate": an LSTM told as learn, forget, remember and use. What it shows depends on
#   what it kept, before anything new is added.
#
# The first three run on kernels that do all steps in one call. The last two run step by
# step, which shows in their time.

import time

import matplotlib.pyplot as plt
import numpy as np
from saving import figures_folder, save_figures

from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels

CELLS = ("lstm", "gru", "rnn", "peephole", "use_gate")


# %%
# One real set
# ------------
# Nine speakers are told apart by how they say two vowels: 270 utterances to train on, 370
# to test. All settings are the defaults, but for one network in place of four. A single fit
# depends on its seed: of 370 utterances, five more or less are no difference between two
# cells.


def measure(cell, max_epochs):
    """Return the accuracy on the test set, the time of the fit, and the number of weights."""
    clf = LSTMClassifier(cell=cell, n_members=1, max_epochs=max_epochs, random_state=0)
    X, y = load_japanese_vowels(return_X_y=True)
    start = time.perf_counter()
    clf.fit(X, y)
    seconds = time.perf_counter() - start
    n_weights = sum(weight.numel() for weight in clf.module_.parameters())
    return clf.score(*load_japanese_vowels(subset="test", return_X_y=True)), seconds, n_weights


# %%
# The picture
# -----------
# All five tell the speakers apart. Utterances of 7 to 29 steps are short, and
# even a network without gates remembers them; that is not so where it has to remember for
# longer, as another example shows. On such data, the choice hardly matters: "lstm" is the
# default since it is fast, and its gates can be read.


def plot_cells(results):
    """Draw accuracy, time and size of the cells below each other's names."""
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.2), sharey=True, layout="constrained")
    names = ("accuracy", "time of a fit (s)", "weights (thousands)")
    columns = np.transpose(list(results.values())) * np.array([[1], [1], [1e-3]])
    for k, (ax, name, column) in enumerate(zip(axes, names, columns, strict=True)):
        bars = ax.barh(np.arange(len(results)), column, color=f"C{k}", height=0.6)
        ax.bar_label(bars, fmt="%.3f" if name == "accuracy" else "%.1f", padding=3)
        ax.set_xlabel(name)
        ax.margins(x=0.3)
    axes[0].set(xlim=(0, 1.3), xticks=np.linspace(0, 1, 5))
    axes[0].set_yticks(np.arange(len(results)), list(results))
    axes[0].invert_yaxis()
    return figure


def main(max_epochs=40, figures=None):
    results = {}
    print(f"{'cell':<10}{'accuracy':>9}{'fit (s)':>9}{'weights':>9}")
    for cell in CELLS:
        results[cell] = measure(cell, max_epochs)
        accuracy, seconds, n_weights = results[cell]
        print(f"{cell:<10}{accuracy:>9.3f}{seconds:>9.1f}{n_weights:>9,}")
    save_figures({"cells": plot_cells(results)}, figures)


if __name__ == "__main__":
    main(figures=figures_folder("Compare five recurrent cells."))
