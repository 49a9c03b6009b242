"""The gates of a layer over one sequence, as a picture."""

import numpy as np

from sklstm.inspection._columns import times_of
from sklstm.inspection._gates import KEEPING_GATES, gate_activations
from sklstm.inspection._one_sequence import draw_map, one_sequence
from sklstm.inspection._pyplot import import_pyplot, label_time

__all__ = ["GateDisplay"]

SIGNED = ("candidate", "cell", "hidden")
N_COLUMNS = 3

MOST_UNITS = 16
"""Units whose numbers there is room for."""


class GateDisplay:
    """Heat maps of what each gate and state does at each step, with their means below.

    Use :meth:`from_estimator` to draw it. All that is drawn is stored, so that
    :meth:`plot` can draw it again. Where there is a `stride`, these are the steps at which
    the recurrent layers stop on one way to the last one.

    Parameters
    ----------
    activations : dict of str to ndarray of shape (n_timesteps, hidden_size)
        The gates and states by name.

    times : array-like of shape (n_timesteps,)
        When the steps were recorded.

    time_name : str, default="time"
        What `times` are, for their axis.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.

    axes_ : dict of str to matplotlib Axes
        The heat map of each name: steps from left to right, units from top to bottom,
        those that keep most first. Unit 1 is the first column of `activations` and the
        first value of :func:`memory_span`, wherever it is drawn.

    mean_axes_ : dict of str to matplotlib Axes
        Below each heat map, the mean over the units.

    See Also
    --------
    gate_activations : The numbers.
    memory_span : How long each unit remembers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_japanese_vowels
    >>> from sklstm.inspection import GateDisplay
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> clf = LSTMClassifier(8, max_epochs=2, random_state=0).fit(X, y)
    >>> display = GateDisplay.from_estimator(clf, X[:1])
    >>> display.activations["forget"].shape == (X.lengths[0], 8)
    True
    >>> plt.show()
    """

    def __init__(self, *, activations, times, time_name="time"):
        self.activations = activations
        self.times = times
        self.time_name = time_name

    @classmethod
    def from_estimator(
        cls, estimator, X, *, layer=0, direction="forward", member=0, time_name=None
    ):
        """Draw the gates of a fitted estimator for one sequence.

        Parameters
        ----------
        estimator : LSTMClassifier or LSTMRegressor
            Fitted.

        X : SequenceArray of one sequence, or array of shape (n_timesteps, n_features)
            The sequence, such as `X[i : i + 1]` of a :class:`~sklstm.SequenceArray`,
            which keeps static columns and times, or `X[i]`, which has none.

        layer : int, default=0
            Which recurrent layer, from 0.

        direction : {"forward", "backward"}, default="forward"
            Which direction of a bidirectional network.

        member : int, default=0
            Which network, where there are several.

        time_name : str, default=None
            What the times of X are, for their axis, such as "hours since admission". If
            None, "time (hours)" where they are durations, "time" for others, and "step"
            where X has none.

        Returns
        -------
        display : GateDisplay
            The gates, drawn.
        """
        import_pyplot(cls.__name__)
        X = one_sequence(X, cls.__name__)
        gates = gate_activations(estimator, X, layer, direction, member)
        stride = estimator.module_.config["stride"]
        at_stops = slice((X.lengths[0] - 1) % stride, None, stride)
        activations = {name: value.values[at_stops] for name, value in gates.items()}
        axis = times_of(X, time_name)
        axis["times"] = axis["times"][at_stops]
        return cls(activations=activations, **axis).plot()

    def plot(self, figure=None):
        """Draw the gates.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            Where to draw. A new figure if None.

        Returns
        -------
        display : GateDisplay
            The display itself, with the gates drawn.
        """
        plt = import_pyplot(type(self).__name__)
        names = list(self.activations)
        n_rows = -(-len(names) // N_COLUMNS)
        if figure is None:
            figure = plt.figure(figsize=(10, 0.6 + 2.9 * n_rows), layout="constrained")
        axes = figure.subplots(
            2 * n_rows,
            N_COLUMNS,
            squeeze=False,
            sharex=True,
            height_ratios=[4, 1] * n_rows,
        )
        self.figure_, self.axes_, self.mean_axes_ = figure, {}, {}
        order = self._units_in_order()
        for k, name in enumerate(names):
            row, column = 2 * (k // N_COLUMNS), k % N_COLUMNS
            self.axes_[name], self.mean_axes_[name] = axes[row : row + 2, column]
            self._plot_one(name, order)
            # The axes below, which would have the ticks of these, may be removed.
            self.mean_axes_[name].tick_params(labelbottom=k + N_COLUMNS >= len(names))
        for ax in axes.ravel():
            if ax not in (*self.axes_.values(), *self.mean_axes_.values()):
                ax.remove()
        return self

    def _plot_one(self, name, order):
        values = self.activations[name][:, order]
        ax, mean_ax = self.axes_[name], self.mean_axes_[name]
        low, high, colours = self._scale(name)
        style = {"vmin": low, "vmax": high, "cmap": colours}
        image = draw_map(ax, self.times, values.T, **style)
        rows = np.arange(0, len(order), -(-len(order) // MOST_UNITS))
        ax.set_yticks(rows, order[rows] + 1)
        ax.set(title=name, ylabel="unit")
        self.figure_.colorbar(image, ax=ax, pad=0.02, aspect=15)
        marker = "o" if len(self.times) == 1 else None
        mean_ax.plot(
            self.times, values.mean(axis=1), color="0.2", linewidth=1.2, marker=marker
        )
        if name not in SIGNED:
            mean_ax.set_ylim(0, 1)
        mean_ax.set_ylabel("mean")
        label_time(mean_ax, self.times, self.time_name, most_dates=4)

    def _scale(self, name):
        """Return bounds and colours: gates from 0 to 1, what has a sign around 0."""
        if name not in SIGNED:
            return 0, 1, "viridis"
        # A cell has no bound; on its scale, the others would be pale.
        bound = np.abs(self.activations[name]).max() if name == "cell" else 1
        return -bound, bound, "RdBu_r"

    def _units_in_order(self):
        """Return the numbers of the units, those that keep most first."""
        for name in KEEPING_GATES:
            if name in self.activations:
                return np.argsort(-self.activations[name].mean(axis=0), kind="stable")
        return np.arange(self.activations["hidden"].shape[1])
