"""What a model relies on, as a picture."""

import numpy as np

from sklstm.inspection._importance import sequence_importance
from sklstm.inspection._pyplot import axes_for, import_pyplot, whole_ticks

__all__ = ["ImportanceDisplay"]

MOST_BARS = 15


class ImportanceDisplay:
    """Bars of how much the score falls when a part of the sequences is exchanged.

    Features and static columns are bars from top to bottom, the most important first;
    blocks of time lie next to each other from left to right. A dot is one exchange. Use
    :meth:`from_estimator` to draw it. All that is drawn is stored, so that :meth:`plot`
    can draw it again.

    Parameters
    ----------
    importances : ndarray of shape (n_parts, n_repeats)
        How much the score fell.

    names : list
        Names of the parts: for blocks of time, pairs of the first step and of the step
        behind the last.

    score_name : str, default="score"
        What fell, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.

    bars_ : matplotlib BarContainer
        The means.

    See Also
    --------
    sequence_importance : The numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.datasets import make_adding_problem
    >>> from sklstm.inspection import ImportanceDisplay
    >>> X, y = make_adding_problem(200, 10, random_state=0)
    >>> reg = LSTMRegressor(16, max_epochs=20, random_state=0).fit(X, y)
    >>> display = ImportanceDisplay.from_estimator(reg, X, y, random_state=0)
    >>> len(display.bars_)
    2
    >>> plt.show()
    """

    def __init__(self, *, importances, names, score_name="score"):
        self.importances = importances
        self.names = names
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        by="feature",
        n_blocks=10,
        n_repeats=5,
        scoring=None,
        random_state=None,
        max_bars=MOST_BARS,
        ax=None,
    ):
        """Measure and draw what a fitted estimator relies on.

        Parameters
        ----------
        estimator : LSTMClassifier or LSTMRegressor
            Fitted.

        X : SequenceArray, array-like or list
            Sequences, better not those of the training.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What is true of them.

        by : {"feature", "time", "static"}, default="feature"
            What is exchanged, see :func:`sequence_importance`.

        n_blocks : int, default=10
            Number of blocks of time, for "time".

        n_repeats : int, default=5
            Number of random exchanges of each part.

        scoring : str, callable or None, default=None
            The score, as scikit-learn takes it. The estimator's own if None.

        random_state : int, RandomState instance or None, default=None
            Determines the exchanges.

        max_bars : int, default=15
            Number of features or static columns drawn, at most.

        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        Returns
        -------
        display : ImportanceDisplay
            The importances, drawn.
        """
        import_pyplot(cls.__name__)
        result = sequence_importance(
            estimator,
            X,
            y,
            by=by,
            n_blocks=n_blocks,
            n_repeats=n_repeats,
            scoring=scoring,
            random_state=random_state,
        )
        name = scoring.replace("_", " ") if isinstance(scoring, str) else "score"
        display = cls(importances=result.importances, names=result.names, score_name=name)
        return display.plot(ax, max_bars=max_bars)

    def plot(self, ax=None, *, max_bars=MOST_BARS):
        """Draw the importances.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        max_bars : int, default=15
            Number of features or static columns drawn, at most.

        Returns
        -------
        display : ImportanceDisplay
            The display itself, with the importances drawn.
        """
        is_time = isinstance(self.names[0], tuple)
        n_bars = min(max_bars, len(self.names))
        size = (6.4, 3.2) if is_time else (6.4, 1.2 + 0.28 * n_bars)
        self.ax_ = axes_for(type(self).__name__, ax, size)
        self.figure_ = self.ax_.figure
        if is_time:
            self._plot_blocks()
        else:
            self._plot_columns(n_bars)
        return self

    def _plot_columns(self, n_bars):
        means = self.importances.mean(axis=1)
        order, rows = np.argsort(-means, kind="stable")[:n_bars], np.arange(n_bars)
        self.bars_ = self.ax_.barh(rows, means[order], color="C0", alpha=0.6)
        dots = self.importances[order]
        self.ax_.plot(dots.ravel(), np.repeat(rows, dots.shape[1]), ".", color="0.2", ms=4)
        self.ax_.set_yticks(rows, [str(self.names[i]) for i in order])
        self.ax_.invert_yaxis()
        self.ax_.axvline(0, color="0.3", linewidth=0.8)
        self.ax_.set_xlabel(f"fall of the {self.score_name}")

    def _plot_blocks(self):
        first, stop = np.transpose(self.names)
        means = self.importances.mean(axis=1)
        style = {"align": "edge", "color": "C0", "alpha": 0.6, "edgecolor": "white"}
        self.bars_ = self.ax_.bar(first + 0.5, means, width=stop - first, **style)
        middles = np.repeat((first + stop + 1) / 2, self.importances.shape[1])
        self.ax_.plot(middles, self.importances.ravel(), ".", color="0.2", ms=4)
        self.ax_.axhline(0, color="0.3", linewidth=0.8)
        self.ax_.set(xlabel="step", ylabel=f"fall of the {self.score_name}")
        whole_ticks(self.ax_)
