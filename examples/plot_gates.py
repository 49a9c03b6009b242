"""
=========================
What a network remembers
=========================

An LSTM reads a chart hour by hour and keeps a few numbers of its own, its cells, from one hour
to the next. Three gates decide about each of them at every hour: how much of the old number is
kept (forget gate), how much of the new chart entry is written (input gate), and how much is
shown to the rest of the network (output gate). All of them lie between 0 and 1 and can be
looked at. The charts are those of the PhysioNet/Computing in Cardiology Challenge 2012 (Silva
et al., 2012).
"""

# %%
# A small model of hospital mortality
# -----------------------------------
# Eight cells are enough to be looked at one by one. With `pooling="last"` the risk is
# computed from the state after the last hour alone: whatever counts has to be remembered
# until then.

import matplotlib.pyplot as plt
import numpy as np
from saving import figures_folder, save_figures
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from sklstm import LSTMClassifier
from sklstm.datasets import load_icu_stays
from sklstm.inspection import GateDisplay, gate_activations, memory_span

HOURS = 48


def fit_model(stays, died, max_epochs):
    """Return a model with few cells, which read the steps alone."""
    plain = {"pooling": "last", "n_filters": 0, "n_members": 1}
    clf = LSTMClassifier(8, **plain, max_epochs=max_epochs, random_state=0)
    return clf.fit(stays, died)


# %%
# One patient
# -----------
# `GateDisplay` shows what every gate and every cell did in one stay. Cells are sorted, those
# that keep most at the top. Read the panel "forget" first: a row that is yellow throughout
# is a cell that hands its number on from hour to hour, as a problem list is handed over at
# the end of a shift. A row that turns dark at some hour was wiped then. Where "forget" and
# "input" are both bright, the cell adds up, as a fluid balance does: its row in the panel
# "cell" becomes stronger from hour to hour, red above and blue below zero. Where "forget" is
# dark, the cell knows little but the last entry, as a bedside monitor.


def plot_patient(clf, stay):
    """Draw the gates over one stay."""
    return GateDisplay.from_estimator(clf, stay).figure_


# %%
# How long is a memory?
# ---------------------
# `memory_span` tells after how many hours half of a cell's number is left if nothing is
# written to it. Cells below the line lose half of it within a shift. Even the longest memory
# here, of about ten hours, is much shorter than the stay: of what a cell held at the start,
# less than a twentieth is left after 48 hours.


def plot_spans(span):
    """Draw the half-life of every cell."""
    figure, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    order = np.argsort(-span)
    ax.bar([str(unit + 1) for unit in order], span[order], color="C0")
    ax.axhline(8, color="0.4", linestyle=":", label="a shift of 8 hours")
    ax.set(xlabel="cell, by its memory", ylabel="half is left after (hours)")
    ax.legend()
    return figure


# %%
# What is it about?
# -----------------
# A cell has no name. What it stands for can be found out by asking in whom it rises. Here is
# the cell whose last value goes most with death: its median, hour by hour, in patients who
# died and in those who survived, each with the quartiles. Where the two part, this cell begins
# to tell them apart. It has the number of its row in the first picture.


def plot_course(cells, died):
    """Draw the median course of the cell that tells the outcomes apart best."""
    auroc = np.array([roc_auc_score(died, cells[:, -1, unit]) for unit in range(8)])
    unit = int(np.argmax(np.abs(auroc - 0.5)))
    best = max(auroc[unit], 1 - auroc[unit])
    print(f"Cell {unit + 1} alone tells who died with an AUROC of {best:.2f}.")
    figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    for outcome, name, colour in [(1, "died", "C3"), (0, "survived", "C0")]:
        course = cells[died == outcome][:, :, unit]
        low, middle, high = np.quantile(course, [0.25, 0.5, 0.75], axis=0)
        ax.plot(np.arange(1, HOURS + 1), middle, color=colour, label=name)
        ax.fill_between(np.arange(1, HOURS + 1), low, high, color=colour, alpha=0.2, lw=0)
    ax.set(xlabel="hours in intensive care", ylabel=f"cell {unit + 1}: median, quartiles")
    ax.legend()
    return figure


def main(max_epochs=20, n_patients=2000, figures=None):
    stays, died = load_icu_stays(return_X_y=True)
    stays, died = stays[:n_patients], died[:n_patients]
    stays = stays.with_times(stays.times + 1)  # an hour is complete at its end
    train, test = train_test_split(
        np.arange(len(stays)), test_size=0.25, stratify=died, random_state=0
    )
    clf = fit_model(stays[train], died[train], max_epochs)
    risk = clf.predict_proba(stays[test])[:, 1]
    print(f"AUROC on {len(test)} patients set aside: {roc_auc_score(died[test], risk):.3f}")

    span = memory_span(clf, stays[test])
    print("Half is left after (hours):", *np.sort(span)[::-1].round(1))
    cells = gate_activations(clf, stays[test]).cell.to_padded()
    highest = test[np.argmax(risk)]
    pictures = {
        "gates_patient": plot_patient(clf, stays[highest : highest + 1]),
        "gates_memory": plot_spans(span),
        "gates_course": plot_course(cells, died[test]),
    }
    save_figures(pictures, figures)


if __name__ == "__main__":
    main(figures=figures_folder("Look at the gates of an LSTM."))
