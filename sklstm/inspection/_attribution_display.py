"""What contributed to the prediction of one sequence, as a picture."""

import numpy as np

from sklstm.inspection._attributions import feature_attributions
from sklstm.inspection._columns import times_of
from sklstm.inspection._one_sequence import draw_map, one_sequence
from sklstm.inspection._pyplot import axes_for, import_pyplot, label_time

__all__ = ["AttributionDisplay"]

MOST_ROWS = 12


class AttributionDisplay:
    """Heat map of what each value added to the output, with the sums beside it.

    Red raised the output, blue lowered it; the colours are centred at 0. A row is a
    feature or a static column, which has no steps; the bars at the right are the sums over
    the steps. Rows are in the order of their sums of sizes over the steps, the largest on
    top: a feature that raised the output at some steps and lowered it at others moved it,
    though its bar is short. Columns that have no row of their own share the last one, so
    that the bars add up to the whole: with integrated gradients, to the difference of the
    two outputs in the title.

    Use :meth:`from_estimator` to draw it. All that is drawn is stored, so that
    :meth:`plot` can draw it again.

    Parameters
    ----------
    attributions : ndarray of shape (n_timesteps, n_features)
        What each value of the sequence added.

    feature_names : list
        Names of the features.

    times : array-like of shape (n_timesteps,)
        When the steps were recorded.

    output, baseline_output : float
        The output that is explained, and that of the baseline.

    static : ndarray of shape (n_static,), default=None
        What each static column added.

    static_names : list, default=()
        Names of the static columns.

    time_name : str, default="time"
        What `times` are, for their axis.

    output_name : str, default="output"
        What the output is, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the heat map.

    sum_ax_ : matplotlib Axes
        The axes with the sums, which stand right of it.

    figure_ : matplotlib Figure
        The figure.

    rows_ : list of str
        The names of the rows, from the top; the last may be of several columns, such as
        "29 others".

    See Also
    --------
    feature_attributions : The numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_icu_stays
    >>> from sklstm.inspection import AttributionDisplay
    >>> stays, died = load_icu_stays(return_X_y=True)
    >>> clf = LSTMClassifier(8, max_epochs=2, random_state=0).fit(stays[:300], died[:300])
    >>> display = AttributionDisplay.from_estimator(clf, stays[300:301])
    >>> display.attributions.shape
    (48, 37)
    >>> plt.show()
    """

    def __init__(
        self,
        *,
        attributions,
        feature_names,
        times,
        output,
        baseline_output,
        static=None,
        static_names=(),
        time_name="time",
        output_name="output",
    ):
        self.attributions = attributions
        self.feature_names = feature_names
        self.times = times
        self.output = output
        self.baseline_output = baseline_output
        self.static = static
        self.static_names = static_names
        self.time_name = time_name
        self.output_name = output_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        target=None,
        method="integrated_gradients",
        baseline="mean",
        max_rows=MOST_ROWS,
        ax=None,
        time_name=None,
    ):
        """Draw the attributions of a fitted estimator for one sequence.

        Parameters
        ----------
        estimator : LSTMClassifier or LSTMRegressor
            Fitted.

        X : SequenceArray of one sequence, or array of shape (n_timesteps, n_features)
            The sequence, such as `X[i : i + 1]` of a :class:`~sklstm.SequenceArray`,
            which keeps static columns and times, or `X[i]`, which has none.

        target : label or int, default=None
            What is explained, see :func:`feature_attributions`.

        method : {"integrated_gradients", "input_x_gradient"}, \
                default="integrated_gradients"
            How, see :func:`feature_attributions`.

        baseline : {"mean", "missing"}, default="mean"
            What the sequence is compared with.

        max_rows : int, default=12
            Number of columns that have a row of their own. The others share one more.

        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        time_name : str, default=None
            What the times of X are, for their axis, such as "hours since admission". If
            None, "time (hours)" where they are durations, "time" for others, and "step"
            where X has none.

        Returns
        -------
        display : AttributionDisplay
            The attributions, drawn.
        """
        import_pyplot(cls.__name__)
        X = one_sequence(X, cls.__name__)
        explanation = feature_attributions(estimator, X, target, method, baseline)
        display = cls(
            attributions=explanation.attributions.values,
            feature_names=explanation.feature_names,
            output=explanation.output[0],
            baseline_output=explanation.baseline_output[0],
            static=None if explanation.static is None else explanation.static[0],
            static_names=explanation.static_names,
            output_name=_output_name(estimator, explanation.target[0]),
            **times_of(X, time_name),
        )
        return display.plot(ax, max_rows=max_rows)

    def plot(self, ax=None, *, max_rows=MOST_ROWS):
        """Draw the attributions.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        max_rows : int, default=12
            Number of columns that have a row of their own. The others share one more.

        Returns
        -------
        display : AttributionDisplay
            The display itself, with the attributions drawn.
        """
        names, sums, values = self._rows(max_rows)
        self.ax_ = axes_for(type(self).__name__, ax, (9, 1.6 + 0.3 * len(names)))
        self.figure_, self.rows_ = self.ax_.figure, names
        self._plot_map(values)
        self._plot_sums(sums)
        self.ax_.set_yticks(np.arange(len(names)), names)
        label_time(self.ax_, self.times, self.time_name)
        self.ax_.set_title(
            f"{self.output_name}: {self.output:.2f} (baseline {self.baseline_output:.2f})",
            loc="left",
        )
        return self

    def _rows(self, max_rows):
        """Return names, sums and values of the rows, those that moved the output most first.

        The columns that are left over share the last one.
        """
        static = np.zeros(0) if self.static is None else self.static
        moved = np.append(np.abs(self.attributions).sum(axis=0), np.abs(static))
        sums = np.append(self.attributions.sum(axis=0), static)
        # A static column has no steps: its row of the map stays empty.
        empty = np.full((len(static), len(self.attributions)), np.nan)
        values = np.vstack([self.attributions.T, empty])
        names = [str(name) for name in [*self.feature_names, *self.static_names]]
        order = np.argsort(-moved, kind="stable")
        if len(order) <= max_rows + 1:  # a single one can be named as well
            return [names[i] for i in order], sums[order], values[order]
        own, others = order[:max_rows], order[max_rows:]
        return (
            [*(names[i] for i in own), f"{len(others)} others"],
            np.append(sums[own], sums[others].sum()),
            np.vstack([values[own], _sum_of_rows(values[others])]),
        )

    def _plot_map(self, values):
        bound = np.nanmax(np.abs(np.append(self.attributions, values))) or 1.0
        style = {"vmin": -bound, "vmax": bound, "cmap": "RdBu_r"}
        image = draw_map(self.ax_, self.times, values, **style)
        self.ax_.set_facecolor("0.93")
        bar = self.figure_.colorbar(
            image, ax=self.ax_, location="left", pad=0.01, aspect=25, shrink=0.8
        )
        bar.set_label("added at the step")

    def _plot_sums(self, sums):
        self.sum_ax_ = self.ax_.inset_axes([1.015, 0, 0.22, 1])
        colours = np.where(sums > 0, "#b2182b", "#2166ac")
        self.sum_ax_.barh(np.arange(len(sums)), sums, color=colours, height=0.7)
        self.sum_ax_.axvline(0, color="0.3", linewidth=0.8)
        self.sum_ax_.set_ylim(self.ax_.get_ylim())
        self.sum_ax_.set(xlabel="added in all", yticks=[])
        # At the top, ticks cannot meet those of the map.
        self.sum_ax_.xaxis.tick_top()
        self.sum_ax_.spines[["left", "right", "bottom"]].set_visible(False)


def _sum_of_rows(values):
    """Return the sum of rows; NaN, of static columns, if there are no others."""
    values = values[~np.isnan(values).all(axis=1)]
    return values.sum(axis=0) if len(values) else np.full(values.shape[1], np.nan)


def _output_name(estimator, target) -> str:
    if not hasattr(estimator, "classes_"):
        return "prediction" if len(estimator.module_.output_scale) == 1 else f"output {target}"
    kind = "label" if estimator._is_multilabel else "class"
    return f"logit of {kind} {target}"
