"""The prediction after every step of a sequence, as a picture."""

from itertools import product

import numpy as np

from sklstm.inspection._columns import feature_names_of, times_of
from sklstm.inspection._display_events import name_events
from sklstm.inspection._fitted import sequences_of
from sklstm.inspection._one_sequence import in_hours, one_sequence
from sklstm.inspection._pyplot import import_pyplot, label_time

__all__ = ["RiskTrajectoryDisplay"]

MOST_FEATURES = 4

MOST_NAMES = 8
"""Categories of a feature whose names there is room for."""


class RiskTrajectoryDisplay:
    """The risk of one patient over time, with the measured values below.

    Use :meth:`from_estimator` to draw it. All that is drawn is stored, so that
    :meth:`plot` can draw it again.

    Parameters
    ----------
    risk : array-like of shape (n_timesteps,)
        The prediction after each step.

    times : array-like of shape (n_timesteps,)
        When the steps were recorded.

    values : array-like of shape (n_timesteps, n_features)
        What was measured. Each value is a point; a line goes from one step to the next
        where both have a value, so that NaN leaves a gap.

    feature_names : sequence of str of length n_features
        Names of the columns of `values`.

    categories : dict of str to dict, default=None
        For features that are categories, what each value stands for: they are drawn as
        points at these names.

    events : dict of str to time, default=None
        What happened when: each is a vertical line with its name.

    risk_name : str, default="risk"
        What the prediction is, for its axis. If the name begins with "risk", the axis goes
        from 0 to 1, so that sequences can be compared.

    time_name : str, default="time"
        What `times` are, for their axis.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.

    axes_ : ndarray of matplotlib Axes of shape (n_features + 1,)
        The risk, and below it one for each feature.

    risk_line_ : matplotlib Line2D
        The risk.

    See Also
    --------
    sklstm.LSTMClassifier.predict_proba_over_time : The numbers of a classifier.
    sklstm.LSTMRegressor.predict_over_time : The numbers of a regressor.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_icu_stays
    >>> from sklstm.inspection import RiskTrajectoryDisplay
    >>> stays, died = load_icu_stays(return_X_y=True)
    >>> clf = LSTMClassifier(max_epochs=2, random_state=0).fit(stays[:500], died[:500])
    >>> display = RiskTrajectoryDisplay.from_estimator(clf, stays[500:501])
    >>> display.risk.shape
    (48,)
    >>> plt.show()
    """

    def __init__(
        self,
        *,
        risk,
        times,
        values,
        feature_names,
        categories=None,
        events=None,
        risk_name="risk",
        time_name="time",
    ):
        self.risk = risk
        self.times = times
        self.values = values
        self.feature_names = feature_names
        self.categories = categories
        self.events = events
        self.risk_name = risk_name
        self.time_name = time_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        class_label=None,
        target=0,
        features=None,
        events=None,
        axes=None,
        time_name=None,
    ):
        """Draw the predictions of a fitted estimator for one sequence.

        Parameters
        ----------
        estimator : LSTMClassifier or LSTMRegressor
            Fitted.

        X : SequenceArray of one sequence, or array of shape (n_timesteps, n_features)
            The sequence, such as `X[i : i + 1]` of a :class:`~sklstm.SequenceArray`,
            which keeps static columns and times, or `X[i]`, which has none.

        class_label : label, default=None
            The class whose probability is drawn; the last of `classes_` if None.

        target : int, default=0
            Which of several values of a regressor is drawn, counted from 0.

        features : sequence of str or int, default=None
            The features that are drawn, by name or number. If None, those that were
            measured most often, four at most.

        events : dict of str to time, default=None
            What happened when: each is a vertical line with its name.

        axes : sequence of matplotlib Axes, default=None
            Where to draw: the risk, then a feature each. A new figure if None.

        time_name : str, default=None
            What the times of X are, for their axis, such as "hours since admission". If
            None, "time (hours)" where they are durations, "time" for others, and "step"
            where X has none.

        Returns
        -------
        display : RiskTrajectoryDisplay
            The trajectory, drawn.

        Raises
        ------
        ValueError
            If X is not one sequence that the estimator can read, or if it has no such
            class, target or feature.
        """
        import_pyplot(cls.__name__)
        X = one_sequence(X, cls.__name__)
        sequences_of(estimator, X)  # refuses what the estimator could not read
        names = _names_of(estimator, X)
        columns = _columns_of(features, names, X.values)
        risk, risk_name = _risk_of(estimator, X, class_label, target)
        display = cls(
            risk=risk,
            values=X.values[:, columns],
            feature_names=[names[column] for column in columns],
            categories=_categories_of(estimator, X, names),
            events=events,
            risk_name=risk_name,
            **times_of(X, time_name),
        )
        return display.plot(axes)

    def plot(self, axes=None):
        """Draw the trajectory.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            Where to draw: the risk, then a feature each. A new figure if None.

        Returns
        -------
        display : RiskTrajectoryDisplay
            The display itself, with the trajectory drawn.
        """
        plt = import_pyplot(type(self).__name__)
        n_features = len(self.feature_names)
        if axes is None:
            _, axes = plt.subplots(
                n_features + 1,
                sharex=True,
                squeeze=False,
                layout="constrained",
                figsize=(7, 2.2 + n_features),
                height_ratios=[2.2] + [1] * n_features,
            )
        self.axes_ = np.ravel(axes)
        self.figure_ = self.axes_[0].figure
        self._plot_risk(self.axes_[0])
        for ax, name, column in zip(
            self.axes_[1:], self.feature_names, np.transpose(self.values), strict=True
        ):
            self._plot_feature(ax, name, column)
        self._mark_events()
        label_time(self.axes_[-1], self.times, self.time_name)
        return self

    def _plot_risk(self, ax):
        # A single step is no line.
        style = {"drawstyle": "steps-post", "marker": "." if len(self.risk) == 1 else None}
        (self.risk_line_,) = ax.plot(self.times, self.risk, color="C3", **style)
        ax.set_ylabel(self.risk_name)
        if self.risk_name.startswith("risk"):
            ax.set_ylim(0, 1)

    def _plot_feature(self, ax, name, column):
        values = np.where(np.isfinite(column), column, np.nan)
        known = (self.categories or {}).get(name)
        # Between two categories there is nothing that a line could pass.
        style = {"linewidth": 0.8} if known is None else {"linestyle": "none"}
        ax.plot(self.times, values, marker=".", color="0.35", **style)
        ax.set_ylabel(
            name, rotation=0, horizontalalignment="right", verticalalignment="center"
        )
        if np.isnan(values).all():
            ax.set_yticks([])
        elif known is None:
            ax.yaxis.set_major_locator(_few_ticks())
            ax.margins(y=0.15)
        else:
            found = np.unique(values[~np.isnan(values)]).tolist()
            found = found[:: -(-len(found) // MOST_NAMES) or 1]
            ax.set_yticks(found, [known.get(value, value) for value in found])
            ax.margins(y=0.4)

    def _mark_events(self):
        events = {name: in_hours(time) for name, time in (self.events or {}).items()}
        for time, ax in product(events.values(), self.axes_):
            ax.axvline(time, color="C0", linestyle=":", linewidth=1.2)
        if events:
            name_events(self.axes_[0], events, "C0")


def _few_ticks():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(3)


def _names_of(estimator, X):
    names = feature_names_of(estimator, X)
    are_named = names != list(range(len(names)))
    return names if are_named else [f"feature {i}" for i in names]


def _categories_of(estimator, X, names):
    """Return, for each feature that is one of categories, what its values stand for."""
    categories = {
        names[column]: dict(enumerate(known)) for column, known in X.categories.items()
    }
    # Numbers that the estimator was told to take for categories stand for themselves.
    return {names[column]: {} for column in estimator.categories_} | categories


def _columns_of(features, names, values):
    """Return the numbers of the features to draw."""
    if features is None:
        n_measured = np.isfinite(values).sum(axis=0)
        most = np.argsort(-n_measured, kind="stable")[:MOST_FEATURES]
        return sorted(most[n_measured[most] > 0])
    features = [features] if np.ndim(features) == 0 else features
    for feature in features:
        if feature not in names and feature not in range(len(names)):
            known = ", ".join(map(str, names))
            raise ValueError(f"{feature!r} is not a feature: there are {known}.")
    return [names.index(f) if f in names else f for f in features]


def _risk_of(estimator, X, class_label, target):
    """Return the prediction after each step, and what it is called."""
    name = "predict_proba" if hasattr(estimator, "classes_") else "predict"
    # A model of a label at every step answers at every step anyway.
    over_time = getattr(estimator, name if estimator._labels_steps else f"{name}_over_time")
    if not hasattr(estimator, "classes_"):
        return _value_of(over_time(X).values, target)
    labels = list(estimator.classes_)
    label = labels[-1] if class_label is None else class_label
    if label not in labels:
        raise ValueError(f"class_label={label!r} is not one of the classes {labels}.")
    risk = over_time(X).values[:, labels.index(label)]
    return risk, "risk" if class_label is None else f"risk of {label}"


def _value_of(values, target):
    """Return one of the values predicted at each step, and what it is called."""
    n_targets = values.shape[1]
    if target not in range(n_targets):
        raise ValueError(f"target={target!r} is not one of {n_targets} targets, from 0 on.")
    name = "prediction" if n_targets == 1 else f"prediction {target}"
    return values[:, target], name
