"""
=====================================
Who survives a stay in intensive care
=====================================

An intensive care unit charts its patients hour by hour: heart rate and blood pressure
nearly always, laboratory values a few times a day, some values never. This example
learns from the first 48 hours of such charts how likely a patient is to die in hospital,
and then asks what a clinician would ask of any risk score: does it tell those who die
from those who survive, do its percentages mean what they say, and does it say the same
tomorrow?

The data are set a of the PhysioNet/Computing in Cardiology Challenge 2012 (Silva et al.,
"Predicting in-hospital mortality of ICU patients", Computing in Cardiology 39, 2012). The
model is a long short-term memory network (Hochreiter and Schmidhuber, "Long short-term
memory", Neural Computation 9, 1997), which reads a chart in the order of its hours. It is
an example of a method and no medical device.
"""

# %%
# What the charts look like
# -------------------------
# `load_icu_stays` gives one sequence a stay: 48 hours of 37 variables, with NaN where
# nothing was measured, and beside it what does not change during a stay, such as age.
# Nothing has to be filled in or scaled first. Which values are missing, and since when,
# is itself something the model reads: a test is ordered because somebody was worried.

import tempfile
from itertools import pairwise
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from saving import figures_folder, save_figures
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import RocCurveDisplay, brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier
from sklstm.datasets import load_icu_stays
from sklstm.inspection import TrainingCurveDisplay

SHOWN = {
    "HR": "heart rate\nbeats/min",
    "Temp": "temperature\n°C",
    "Lactate": "lactate\nmmol/L",
}


def plot_chart(stays, i):
    """Draw some variables of one stay, a dot a measurement."""
    figure, axes = plt.subplots(
        len(SHOWN), figsize=(6.4, 4.8), sharex=True, layout="constrained"
    )
    names = list(stays.feature_names)
    for ax, (name, label) in zip(axes, SHOWN.items(), strict=True):
        ax.plot(stays[i][:, names.index(name)], "o", markersize=4)
        ax.set_ylabel(label)
    axes[0].set_title(f"Stay {stays.ids[i]}, a patient of {stays.static[i, 0]:.0f} years")
    axes[-1].set(xlabel="hours since admission", xlim=(-1, 48))
    figure.align_ylabels()
    return figure


# %%
# A step that takes out recording errors
# --------------------------------------
# Charts hold slips of the pen: a pH of 735, a heart rate of 0 in a living patient, a
# height of 1.8 cm. A value outside the limits below is not a finding, and is treated as
# not measured. Because this is a step of a scikit-learn `Pipeline`, it cannot be
# forgotten when the model meets new patients.

PLAUSIBLE = {
    "HR": (15, 250),
    "RespRate": (2, 80),
    "Temp": (25, 45),
    "SysABP": (20, 300),
    "DiasABP": (10, 200),
    "MAP": (15, 250),
    "NISysABP": (20, 300),
    "NIDiasABP": (10, 200),
    "NIMAP": (15, 250),
    "Weight": (25, 300),
    "pH": (6.5, 8.0),
    "Height": (100, 230),
}


def without_errors(table, names):
    """Return a copy of a table with NaN where a value is not plausible."""
    table = table.copy()
    for name, column in zip(names, table.T, strict=True):
        low, high = PLAUSIBLE.get(name, (-np.inf, np.inf))
        column[(column < low) | (column > high)] = np.nan
    return table


def remove_recording_errors(stays):
    """Return the stays with values that cannot be true marked as not measured."""
    return stays.replace(
        values=without_errors(stays.values, stays.feature_names),
        static=without_errors(stays.static, stays.static_names),
    )


def make_model(max_epochs):
    """Return the untrained model: clean the charts, then read them."""
    network = LSTMClassifier(max_epochs=max_epochs, early_stopping=True, random_state=0)
    return make_pipeline(FunctionTransformer(remove_recording_errors), network)


# %%
# Risk for patients the model has not seen
# ----------------------------------------
# In cross-validation the stays are divided into parts, and the risk of each patient comes
# from a model that was trained on the other parts only. `predict_proba` gives a column a
# class; the second is the risk of death. The area under the ROC curve (AUROC) is the
# probability that a patient who died was given a higher risk than one who survived: 0.5
# is a coin, 1 is perfect.


def cross_validated_risk(stays, died, max_epochs, n_splits):
    """Return the risk of each patient, from a model that did not train on them."""
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=0)
    model = make_model(max_epochs)
    return cross_val_predict(model, stays, died, cv=folds, method="predict_proba")[:, 1]


# %%
# A number for the whole group says little about a single patient, so the first table
# shows patients from the lowest to the highest risk. The second counts, for patients of
# similar risk, how many died.

SEX = {0: "female", 1: "male"}
UNIT = {1: "coronary", 2: "cardiac surgery", 3: "medical", 4: "surgical"}
OUTCOME = {0: "survived", 1: "died"}


def print_patients(stays, died, risk, n_patients=10):
    """Print patients spread over the range of risk, beside what happened."""
    order = np.argsort(risk)
    chosen = order[np.linspace(0, len(order) - 1, n_patients).astype(int)]
    print(f"{'record':>8}{'age':>5}  {'sex':<8}{'unit':<17}{'risk':>6}   outcome")
    for i in chosen:
        age, sex, _, unit = stays.static[i]
        print(
            f"{stays.ids[i]:>8}{age:>5.0f}  {SEX.get(sex, '?'):<8}{UNIT[unit]:<17}"
            f"{risk[i]:>6.1%}   {OUTCOME[died[i]]}"
        )


def print_risk_groups(died, risk, limits=(0, 0.05, 0.1, 0.2, 0.4, 1)):
    """Print how many patients of similar risk died."""
    print(f"{'predicted risk':>16}{'patients':>10}{'mean risk':>11}{'died':>8}")
    for low, high in pairwise(limits):
        group = (risk > low) & (risk <= high)
        if group.any():
            print(
                f"{f'{low:.0%} to {high:.0%}':>16}{group.sum():>10}"
                f"{risk[group].mean():>11.1%}{died[group].mean():>8.1%}"
            )


# %%
# The left picture shows the same as the AUROC for every threshold: the share of deaths
# that a threshold finds, against the share of false alarms. The right one shows whether
# the percentages can be taken at their word: each dot is a group of patients of similar
# risk, and on the diagonal as many of them died as predicted.


def plot_discrimination_and_calibration(died, risk):
    """Draw the ROC curve beside the calibration curve."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 5), layout="compressed")
    RocCurveDisplay.from_predictions(died, risk, ax=left, name="LSTM", plot_chance_level=True)
    left.set(xlabel="false alarms among survivors", ylabel="deaths that are found")
    left.set_title("Telling patients apart")
    curve = CalibrationDisplay.from_predictions(
        died, risk, ax=right, n_bins=8, strategy="quantile", name="LSTM"
    )
    limits = (0, 1.2 * max(curve.prob_pred[-1], curve.prob_true.max()))
    right.set(xlabel="predicted risk", ylabel="share that died", title="Meaning of the risk")
    right.set(xlim=limits, ylim=limits, aspect="equal")
    return figure


# %%
# How long to train
# -----------------
# The last model trains on all stays of this example but those it holds out itself, to see
# when further training no longer helps. On the training charts the loss goes on falling;
# on the held-out ones it turns. The model keeps the state at the dotted line.


def plot_training(model):
    """Draw the losses of each pass over the charts."""
    figure, ax = plt.subplots(layout="constrained")
    TrainingCurveDisplay.from_estimator(model, ax=ax)
    ax.set_title("Training")
    return figure


# %%
# The same answer tomorrow
# ------------------------
# A trained model is one file. The cleaning step, the scaling and the network are all in
# it, and after loading it gives new patients the very same risk. A file made by `joblib`
# may run code when it is loaded: load only files that you trust. The function of the
# cleaning step is looked up by its name, so in a project of your own it belongs in a
# module that can be imported wherever the model is used.


def print_saved_and_loaded(model, stays, died):
    """Save the model, load it, and compare what the two say of new patients."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "icu_mortality.joblib"
        joblib.dump(model, path)
        size, loaded = path.stat().st_size, joblib.load(path)
    before, after = model.predict_proba(stays)[:, 1], loaded.predict_proba(stays)[:, 1]
    print(f"The saved model takes {size / 1024:.0f} KiB. New patients:")
    print(f"{'record':>8}{'risk':>8}{'after loading':>15}   outcome")
    for record, *risks, outcome in zip(stays.ids, before, after, died, strict=True):
        print(f"{record:>8}{risks[0]:>8.2%}{risks[1]:>15.2%}   {OUTCOME[outcome]}")
    print("Equal to the last digit:", np.array_equal(before, after))


# %%
# All of it
# ---------
# The stays come in random order, so the first of them are a random sample. Figures of a
# run vary a little with the machine and with the seed.


def main(max_epochs="auto", n_stays=2000, n_splits=3, figures=None):
    icu = load_icu_stays()
    stays, died = icu.data[:n_stays], icu.target[:n_stays]
    print(f"{stays}\n{died.sum()} of {len(died)} patients died in hospital.\n")
    pictures = {"icu_chart": plot_chart(stays, i=40)}

    risk = cross_validated_risk(stays, died, max_epochs, n_splits)
    print(f"AUROC {roc_auc_score(died, risk):.3f} in {n_splits}-fold cross-validation,")
    print(f"Brier score {brier_score_loss(died, risk):.3f} (smaller is better), where")
    print(f"the same risk for everybody gives {died.mean() * (1 - died.mean()):.3f}.\n")
    print_patients(stays, died, risk)
    print()
    print_risk_groups(died, risk)
    pictures["icu_roc_and_calibration"] = plot_discrimination_and_calibration(died, risk)

    model = make_model(max_epochs).fit(stays, died)
    pictures["icu_training"] = plot_training(model)
    print()
    new = slice(n_stays, n_stays + 5)
    print_saved_and_loaded(model, icu.data[new], icu.target[new])
    save_figures(pictures, figures)


if __name__ == "__main__":
    main(figures=figures_folder("Risk of death in intensive care."))
