"""
===================
Risk, hour by hour
===================

At the bedside the question is not what the risk was, but what it is now. This example fits a
classifier to stays in intensive care that end at different hours, looks at how good its
predictions are after every hour, and draws the course of single patients. The charts are those
of the PhysioNet/Computing in Cardiology Challenge 2012 (Silva et al., 2012).
"""

# %%
# Stays that end at any hour
# --------------------------
# A model that was fitted to complete charts of two days has never seen a patient's second
# hour. Here each training stay is cut at an hour drawn at random, so that early hours are
# nothing new.

import matplotlib.pyplot as plt
import numpy as np
from saving import figures_folder, save_figures
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from sklstm import LSTMClassifier, SequenceArray
from sklstm.datasets import load_icu_stays
from sklstm.inspection import RiskTrajectoryDisplay

HOURS = 48


def cut_at_random(stays, rng):
    """Return the stays up to an hour that differs from stay to stay."""
    n_hours = rng.integers(2, HOURS + 1, len(stays))
    return SequenceArray.from_list(
        [stay[:hours] for stay, hours in zip(stays, n_hours, strict=True)],
        static=stays.static,
        ids=stays.ids,
        feature_names=stays.feature_names,
        static_names=stays.static_names,
    )


# %%
# How good is it after each hour?
# -------------------------------
# `predict_proba_over_time` returns the prediction after every step in one pass, so that
# the area under the ROC curve can be told for every hour.


def plot_quality(risk, died):
    """Draw the area under the ROC curve after every hour."""
    by_hour = risk.to_padded()[:, :, 1]
    auroc = [roc_auc_score(died, by_hour[:, hour]) for hour in range(HOURS)]
    figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    ax.plot(np.arange(1, HOURS + 1), auroc, color="C3")
    ax.set(xlabel="hours in intensive care", ylabel="AUROC", xlim=(0, HOURS + 1))
    ax.grid(alpha=0.3)
    print(f"AUROC after 6 hours {auroc[5]:.3f}, 24 hours {auroc[23]:.3f}, 48 {auroc[-1]:.3f}.")
    return figure


# %%
# Two courses
# -----------
# The patient whose risk rose most and the one whose risk fell most between the sixth and
# the last hour, with what was measured most often. Each dot is a measurement, and the line
# between them runs over the gaps: there the model has the last value, and how old it is.
#
# A step of these charts has the time at which its hour begins, but holds what was measured
# until it ended. The pictures count hours by their ends, so that no risk is drawn before the
# values that it was made of.


def find_courses(risk):
    """Return the numbers of the patients of the largest rise and the largest fall."""
    by_hour = risk.to_padded()[:, :, 1]
    change = by_hour[:, -1] - by_hour[:, 5]
    return {"rising": int(change.argmax()), "falling": int(change.argmin())}


def main(max_epochs=30, n_patients=2400, figures=None):
    data = load_icu_stays()
    stays, died = data.data[:n_patients], data.target[:n_patients]
    stays = stays.with_times(stays.times + 1)  # hours by their ends
    train, test = train_test_split(
        np.arange(len(stays)), test_size=0.25, stratify=died, random_state=0
    )
    cut = cut_at_random(stays[train], np.random.default_rng(0))
    model = LSTMClassifier(max_epochs=max_epochs, random_state=0).fit(cut, died[train])

    complete = stays[test]
    risk = model.predict_proba_over_time(complete)
    pictures = {"risk_quality": plot_quality(risk, died[test])}
    for name, i in find_courses(risk).items():
        display = RiskTrajectoryDisplay.from_estimator(model, complete[i : i + 1])
        outcome = "died" if died[test][i] else "survived"
        display.axes_[0].set_title(f"Patient {complete.ids[i]}, who {outcome}", pad=12)
        display.axes_[-1].set(xlabel="hours in intensive care", xlim=(0, HOURS + 1))
        pictures[f"risk_{name}"] = display.figure_
    save_figures(pictures, figures)


if __name__ == "__main__":
    main(figures=figures_folder("Follow the risk of patients by the hour."))
