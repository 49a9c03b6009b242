"""
===================================
Why an LSTM remembers: its gradient
===================================

A recurrent network learns from what happened long ago only if the gradient of its loss gets
there. In a plain recurrent network the gradient shrinks, or grows, by some factor at every
step back, so that after enough steps nothing is left of it, or nothing else (Bengio et al.,
1994). The cell of an LSTM hands it on. This example trains both on a problem that was made to
tell them apart, and draws what arrives.
"""

# %%
# The adding problem
# ------------------
# A sequence holds random numbers, two of which are marked: one in the first half, one in the
# second. The answer is their sum (Hochreiter & Schmidhuber, 1997). Nobody gets far without
# the first number, which has to be kept over dozens of steps. Who always answers with the
# mean has an error of 0.167.

import matplotlib.pyplot as plt
import numpy as np
from saving import figures_folder, save_figures

from sklstm import LSTMRegressor
from sklstm.datasets import make_adding_problem
from sklstm.inspection import GradientFlowDisplay

N_TIMESTEPS, CHANCE = 120, 1 / 6


def plot_problem(X, y):
    """Draw one sequence with its two marks."""
    figure, ax = plt.subplots(figsize=(7.2, 2.4), layout="constrained")
    step = np.arange(1, N_TIMESTEPS + 1)
    is_marked = X[0, :, 1] == 1
    ax.plot(step, X[0, :, 0], ".", color="0.65", label="to be ignored")
    ax.plot(step[is_marked], X[0, is_marked, 0], "o", color="C3", label="to be added")
    ax.set(xlabel="step", ylabel="value", title=f"The answer is {y[0]:.2f}", ylim=(-0.05, 1.3))
    ax.legend(loc="upper center", ncols=2)
    return figure


# %%
# Two networks
# ------------
# They differ in `cell` alone. The answer is made of the state after the last step
# (`pooling="last"`), and the cells read the steps alone (`n_filters=0`), so that there is no
# other way back than through all the steps. With `forget_bias="chrono"` the LSTM starts with
# memories as long as the sequences (Tallec & Ollivier, 2018).

CELLS = {"rnn": "plain recurrent network", "lstm": "LSTM"}


def make_model(cell, max_epochs):
    """Return an untrained model."""
    return LSTMRegressor(
        hidden_size=24,
        cell=cell,
        forget_bias="chrono",
        pooling="last",
        n_filters=0,
        n_members=1,
        dropout=0,
        jitter=0,
        lr=0.01,
        max_epochs=max_epochs,
        batch_size=64,
        early_stopping=False,
        random_state=0,
    )


def plot_errors(models, y):
    """Draw the error in training against epochs."""
    figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    for cell, model in models.items():
        # The loss is that of the standardised target.
        errors = np.array([epoch["train_loss"] for epoch in model.history_]) * y.var()
        ax.plot(np.arange(1, len(errors) + 1), errors, ".-", label=CELLS[cell])
    ax.axhline(CHANCE, color="0.4", linestyle=":", label="always answering the mean")
    ax.set(xlabel="epoch", ylabel="mean squared error", ylim=(0, None))
    ax.legend()
    return figure


# %%
# What arrives
# ------------
# `GradientFlowDisplay` draws the norm of the gradient at every step back in time, the median
# over sequences and the quartiles. At the left of the first picture, before there was any
# training to speak of, the plain network gets next to nothing from the first steps: there is
# nothing to learn from. The LSTM's line is nearly flat, and after training it still is. The
# scale is logarithmic: from one mark to the next the gradient shrinks by a hundred or more.


def plot_flows(models, X, y, title):
    """Draw the gradient of all models over the same steps."""
    figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for cell, model in models.items():
        GradientFlowDisplay.from_estimator(model, X, y, name=CELLS[cell], ax=ax)
    ax.set_title(title)
    return figure


def main(max_epochs=6, n_samples=3000, figures=None):
    X, y = make_adding_problem(n_samples, N_TIMESTEPS, random_state=0)
    X_new, y_new = make_adding_problem(300, N_TIMESTEPS, random_state=1)
    young = {cell: make_model(cell, 1).fit(X[:128], y[:128]) for cell in CELLS}
    trained = {cell: make_model(cell, max_epochs).fit(X, y) for cell in CELLS}
    for cell, model in trained.items():
        error = np.mean((model.predict(X_new) - y_new) ** 2)
        print(f"{CELLS[cell]:>24}: mean squared error {error:.4f} on new sequences")
    pictures = {
        "adding_problem": plot_problem(X, y),
        "adding_errors": plot_errors(trained, y),
        "gradient_flow_young": plot_flows(young, X_new, y_new, "before training"),
        "gradient_flow_trained": plot_flows(trained, X_new, y_new, "after training"),
    }
    save_figures(pictures, figures)


if __name__ == "__main__":
    main(figures=figures_folder("Look at gradients that vanish, and at those that do not."))
