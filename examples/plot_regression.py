"""
================================
The heart rate of the second day
================================

From the first 24 hours of an intensive care chart, predict a number: the mean heart rate
of the 24 hours that follow. The example compares ways to sum up a sequence, shows
predicted against true values, and predicts an interval instead of a single number. The
charts are those of the PhysioNet/Computing in Cardiology Challenge 2012 (Silva et al.,
2012).
"""

# %%
# From charts to a regression problem
# -----------------------------------
# The input is the first day of each stay: all 37 variables with their gaps, and age, sex,
# height and unit. The target is made of the second day. Patients without a heart rate on
# either day are left out, those with gaps anywhere else are not.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from saving import figures_folder, save_figures
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import ShuffleSplit, cross_validate, train_test_split

from sklstm import LSTMRegressor, SequenceArray
from sklstm.datasets import load_icu_stays


def load_heart_rates(n_patients):
    """Return first days, and the mean heart rates of the first and the second day."""
    stays = load_icu_stays().data
    hours = stays.to_padded()  # (stays, hours, variables)
    heart_rate = hours[:, :, list(stays.feature_names).index("HR")].astype(float)
    with warnings.catch_warnings():  # of days without any heart rate: their mean is NaN
        warnings.simplefilter("ignore", RuntimeWarning)
        day_1, day_2 = (np.nanmean(day, axis=1) for day in np.split(heart_rate, 2, axis=1))
    kept = np.flatnonzero(np.isfinite(day_1 + day_2))[:n_patients]
    first_days = SequenceArray.from_padded(
        hours[kept, :24],
        lengths=np.full(len(kept), 24),
        static=stays.static[kept],
        feature_names=stays.feature_names,
        static_names=stays.static_names,
    )
    return first_days, day_1[kept], day_2[kept]


# %%
# Which state speaks for the sequence
# -----------------------------------
# The network has a state after every step, and `pooling` says how these become the one
# vector that the answer is computed from:
#
# - "last" takes the state after the last step. It suits questions about where a sequence
#   has arrived, and leaves it to the network to carry along what mattered before.
# - "mean" averages over the steps. It suits questions about the level of a sequence; no
#   single step weighs much.
# - "max" takes the largest value of each unit. It suits questions such as whether
#   something happened at all.
# - "concat" puts the three side by side, and training finds out what to use.
#
# The question here is how things go on, which the last hours should tell best. A trial on
# patients set aside for it is better than any such argument, and it leaves the test
# patients alone.

POOLINGS = ("last", "mean", "max", "concat")


def make_model(max_epochs, **options):
    """Return an untrained model that holds out patients to know when to stop."""
    return LSTMRegressor(max_epochs=max_epochs, early_stopping=True, random_state=0, **options)


def compare_poolings(charts, heart_rate, max_epochs):
    """Print the error of each pooling on patients set aside, and return the best one."""
    errors = {}
    for pooling in POOLINGS:
        trial = cross_validate(
            make_model(max_epochs, pooling=pooling),
            charts,
            heart_rate,
            cv=ShuffleSplit(1, test_size=0.3, random_state=0),
            scoring="neg_mean_absolute_error",
        )
        errors[pooling] = -trial["test_score"][0]
        print(f"{pooling:>8}{errors[pooling]:>7.2f} beats/min, {trial['fit_time'][0]:.0f} s")
    return min(errors, key=errors.get)


# %%
# Predicted against true
# ----------------------
# A dot is a patient of the test set, on the diagonal where the prediction is right. The
# plainest prediction there is stands beside it: that the second day will be like the
# first.


def plot_predictions(heart_rate, predictions):
    """Draw predicted against true values, a panel a method."""
    figure, axes = plt.subplots(
        1, len(predictions), figsize=(9.6, 5.4), sharey=True, layout="compressed"
    )
    limits = (40, 150)
    for ax, (name, predicted) in zip(axes, predictions.items(), strict=True):
        ax.plot(limits, limits, color="0.6", linewidth=1)
        ax.plot(predicted, heart_rate, "o", markersize=4, alpha=0.4, markeredgewidth=0)
        error = mean_absolute_error(heart_rate, predicted)
        ax.set_title(f"{name}\nmean error {error:.1f} beats/min")
        ax.set_xlabel("predicted (beats/min)")
        ax.set(xlim=limits, ylim=limits, aspect="equal")
    axes[0].set_ylabel("heart rate on day 2 (beats/min)")
    return figure


# %%
# An interval instead of a number
# -------------------------------
# Two patients with the same expected heart rate need not be equally predictable. With
# `loss="quantile"` the estimator learns a value that the truth stays below in a given
# share of cases. Two such models, one for 5 % and one for 95 %, enclose an interval that
# should hold nine of ten patients. The test set tells whether it does.

LOWER, UPPER = 0.05, 0.95


def predict_interval(train_charts, heart_rate, charts, pooling, max_epochs):
    """Return the bounds that 90 % of the patients should lie between."""
    bounds = []
    for quantile in (LOWER, UPPER):
        model = make_model(max_epochs, loss="quantile", quantile=quantile, pooling=pooling)
        bounds.append(model.fit(train_charts, heart_rate).predict(charts))
    return np.sort(bounds, axis=0)  # two models know nothing of each other and may cross


def plot_intervals(heart_rate, predicted, bounds, n_shown=60):
    """Draw the intervals of some patients, and where the truth lay."""
    shown = np.argsort(predicted[:n_shown])
    rank, (low, high) = np.arange(len(shown)), bounds[:, shown]
    is_inside = (low <= heart_rate[shown]) & (heart_rate[shown] <= high)
    figure, ax = plt.subplots(figsize=(9.6, 4.2), layout="constrained")
    ax.vlines(rank, low, high, color="C0", alpha=0.35, linewidth=4, label="90 % interval")
    for inside, color, label in [(True, "0.2", "inside"), (False, "C3", "outside")]:
        dots = is_inside == inside
        ax.plot(rank[dots], heart_rate[shown][dots], "o", color=color, ms=4, label=label)
    ax.set(
        xlabel="patients, by predicted heart rate", ylabel="heart rate on day 2 (beats/min)"
    )
    ax.set_xticks([])
    ax.legend(ncols=3, loc="upper left")
    return figure


# %%
# All of it
# ---------
# Figures of a run vary a little with the machine and with the seed.


def main(max_epochs=100, n_patients=2000, figures=None):
    charts, day_1, heart_rate = load_heart_rates(n_patients)
    train, test = train_test_split(np.arange(len(charts)), test_size=0.25, random_state=0)
    print(f"{charts}, {len(train)} to train and {len(test)} to test.\n")

    pooling = compare_poolings(charts[train], heart_rate[train], max_epochs)
    model = make_model(max_epochs, pooling=pooling).fit(charts[train], heart_rate[train])
    predicted = model.predict(charts[test])
    score, plain_score = (r2_score(heart_rate[test], p) for p in (predicted, day_1[test]))
    print(f"\nTest set, pooling {pooling}: R^2 {score:.3f}.")
    print(f"Taking the second day to be like the first: R^2 {plain_score:.3f}.")

    bounds = predict_interval(
        charts[train], heart_rate[train], charts[test], pooling, max_epochs
    )
    is_inside = (bounds[0] <= heart_rate[test]) & (heart_rate[test] <= bounds[1])
    width = np.mean(bounds[1] - bounds[0])
    print(f"{is_inside.mean():.0%} lie in the 90 % interval, {width:.0f} beats/min wide.")

    predictions = {"Like the first day": day_1[test], "LSTMRegressor": predicted}
    pictures = {
        "heart_rate_predictions": plot_predictions(heart_rate[test], predictions),
        "heart_rate_intervals": plot_intervals(heart_rate[test], predicted, bounds),
    }
    save_figures(pictures, figures)


if __name__ == "__main__":
    main(figures=figures_folder("Predict the heart rate of the second day."))
