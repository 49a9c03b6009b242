"""
===================
Why this prediction
===================

A risk alone helps nobody at the bedside: what is it made of? This example asks a model of
hospital mortality three questions. What was this patient's risk made of, hour by hour? What
were the risks of all patients made of? And what does the model rely on, so that it gets worse
without it? The charts are those of the PhysioNet/Computing in Cardiology Challenge 2012 (Silva
et al., 2012). Attributions need captum: `pip install '.[attributions]'`.
"""

# %%
# One patient
# -----------
# `feature_attributions` compares a chart with a baseline and divides the difference of the two
# outputs among all values of the chart (integrated gradients, Sundararajan et al., 2017).
# Which baseline is a question to the user: against "mean", a chart on which everything was
# measured every hour and was as in the mean patient, what was *not* measured counts as well;
# against "missing", an empty chart, it is what was entered that counts, and that it was.
# Red raised the risk, blue lowered it, and the bars at the right are the sums over all hours.
# Rows are in the order of what a feature moved up and down together, the sum of the sizes of
# all its values. So the bar of a high row may be short: what it raised at one hour it lowered
# at another.

import matplotlib.pyplot as plt
import numpy as np
from saving import figures_folder, save_figures
from sklearn.model_selection import train_test_split

from sklstm import LSTMClassifier
from sklstm.datasets import load_icu_stays
from sklstm.inspection import AttributionDisplay, ImportanceDisplay, feature_attributions


def plot_patient(clf, stay, baseline):
    """Draw what the risk of one patient was made of."""
    display = AttributionDisplay.from_estimator(clf, stay, baseline=baseline)
    display.ax_.set_xlabel("hours in intensive care")
    return display.figure_


# %%
# All patients
# ------------
# An attribution belongs to one chart. The mean of their sizes over many charts tells which
# features move the output, whether or not rightly so. `sequence_importance` asks something
# else: how much worse is the model if a feature is exchanged between patients? A feature
# may move the output much and hardly be missed, if others say the same.


def plot_sizes(clf, stays, n_shown=15):
    """Draw by how much each feature and static column moves the output, in the mean."""
    explanation = feature_attributions(clf, stays)
    of_steps = [np.abs(steps.sum(axis=0)) for steps in explanation.attributions]
    sizes = np.append(np.mean(of_steps, axis=0), np.abs(explanation.static).mean(axis=0))
    names = [*explanation.feature_names, *explanation.static_names]
    order = np.argsort(-sizes)[:n_shown]
    figure, ax = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
    ax.barh(np.arange(len(order)), sizes[order], color="C1", alpha=0.8)
    ax.set_yticks(np.arange(len(order)), [names[i] for i in order])
    ax.invert_yaxis()
    ax.set_xlabel("moves the logit of death by, in the mean")
    return figure


def plot_importance(clf, stays, died):
    """Draw how much the area under the ROC curve falls without a feature."""
    display = ImportanceDisplay.from_estimator(
        clf, stays, died, scoring="roc_auc", n_repeats=3, random_state=0
    )
    display.ax_.set_xlabel("fall of the AUROC")
    return display.figure_


# %%
# What it is not
# --------------
# An attribution says what the model made of a number. It does not say that the patient would
# be better off if the number were another, nor that the model is right. Where the two
# baselines tell different stories, both are true: they answer different questions.


def main(max_epochs=20, n_patients=1600, figures=None):
    stays, died = load_icu_stays(return_X_y=True)
    stays, died = stays[:n_patients], died[:n_patients]
    train, test = train_test_split(
        np.arange(len(stays)), test_size=0.25, stratify=died, random_state=0
    )
    clf = LSTMClassifier(16, max_epochs=max_epochs, random_state=0)
    clf.fit(stays[train], died[train])

    risk = clf.predict_proba(stays[test])[:, 1]
    highest = test[np.argmax(risk)]
    outcome = "died" if died[highest] else "survived"
    print(f"Patient {stays.ids[highest]}, of the highest risk, {risk.max():.2f}, {outcome}.")
    stay = stays[highest : highest + 1]
    pictures = {
        "attributions_from_mean": plot_patient(clf, stay, "mean"),
        "attributions_from_nothing": plot_patient(clf, stay, "missing"),
        "attributions_of_all": plot_sizes(clf, stays[test[:60]]),
        "importance": plot_importance(clf, stays[test], died[test]),
    }
    save_figures(pictures, figures)


if __name__ == "__main__":
    main(figures=figures_folder("Ask a model what its predictions are made of."))
