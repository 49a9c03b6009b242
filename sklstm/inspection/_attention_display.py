"""Which steps of one sequence attention weighs, as a picture."""

import numpy as np

from sklstm.inspection._columns import times_of
from sklstm.inspection._fitted import check_has_network
from sklstm.inspection._one_sequence import one_sequence
from sklstm.inspection._pyplot import axes_for, import_pyplot, label_time

__all__ = ["AttentionDisplay"]


class AttentionDisplay:
    """Weight of each step in the pooled state, beside what equal weights would be.

    For estimators with `pooling="attention"`. Use :meth:`from_estimator` to draw it. All
    that is drawn is stored, so that :meth:`plot` can draw it again.

    Parameters
    ----------
    weights : array-like of shape (n_timesteps,)
        The weights, which sum to 1.

    times : array-like of shape (n_timesteps,)
        When the steps were recorded.

    time_name : str, default="time"
        What `times` are, for their axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.

    lines_ : matplotlib LineCollection
        A line a step, as long as its weight.

    See Also
    --------
    sklstm.LSTMClassifier.attention_weights : The numbers of a classifier.
    sklstm.LSTMRegressor.attention_weights : The numbers of a regressor.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_japanese_vowels
    >>> from sklstm.inspection import AttentionDisplay
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> clf = LSTMClassifier(8, pooling="attention", max_epochs=2, random_state=0).fit(X, y)
    >>> display = AttentionDisplay.from_estimator(clf, X[:1])
    >>> display.weights.sum().round(3)
    np.float64(1.0)
    >>> plt.show()
    """

    def __init__(self, *, weights, times, time_name="time"):
        self.weights = weights
        self.times = times
        self.time_name = time_name

    @classmethod
    def from_estimator(cls, estimator, X, *, ax=None, time_name=None):
        """Draw the attention of a fitted estimator to the steps of one sequence.

        Parameters
        ----------
        estimator : LSTMClassifier or LSTMRegressor
            Fitted with `pooling="attention"`.

        X : SequenceArray of one sequence, or array of shape (n_timesteps, n_features)
            The sequence, such as `X[i : i + 1]` of a :class:`~sklstm.SequenceArray`,
            which keeps static columns and times, or `X[i]`, which has none.

        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        time_name : str, default=None
            What the times of X are, for their axis, such as "hours since admission". If
            None, "time (hours)" where they are durations, "time" for others, and "step"
            where X has none.

        Returns
        -------
        display : AttentionDisplay
            The weights, drawn.
        """
        import_pyplot(cls.__name__)
        check_has_network(estimator)
        X = one_sequence(X, cls.__name__)
        weights = estimator.attention_weights(X).values[:, 0]
        return cls(weights=weights, **times_of(X, time_name)).plot(ax)

    def plot(self, ax=None):
        """Draw the weights.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        Returns
        -------
        display : AttentionDisplay
            The display itself, with the weights drawn.
        """
        self.ax_ = axes_for(type(self).__name__, ax, (6.4, 2.8))
        self.figure_ = self.ax_.figure
        width = np.clip(250 / len(self.weights), 1.0, 8.0)
        self.lines_ = self.ax_.vlines(self.times, 0, self.weights, color="C0", linewidth=width)
        equal = 1 / len(self.weights)
        self.ax_.axhline(equal, color="0.4", linestyle=":", linewidth=1, label="equal weights")
        self.ax_.set(ylabel="weight", ylim=(0, None))
        label_time(self.ax_, self.times, self.time_name)
        # Above the axes it covers no line.
        self.ax_.legend(
            loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, frameon=False
        )
        return self
