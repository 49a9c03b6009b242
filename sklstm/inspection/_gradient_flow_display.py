"""How a gradient fades over the steps back in time, as a picture."""

import numpy as np

from sklstm.inspection._gradient_flow import gradient_flow
from sklstm.inspection._pyplot import axes_for, import_pyplot, whole_ticks
from sklstm.sequences import SequenceArray

__all__ = ["GradientFlowDisplay"]


class GradientFlowDisplay:
    """Norm of the loss's gradient against steps back in time, on a logarithmic scale.

    Use :meth:`from_estimator` to draw it; several estimators go into one picture by the
    `ax_` of the first. All that is drawn is stored, so that :meth:`plot` can draw it again.

    Parameters
    ----------
    steps_back : array-like of shape (n_steps,)
        Number of steps before the one that is read last.

    median, lower, upper : array-like of shape (n_steps,)
        Median and quartiles of the norm over the sequences that have such a step.

    name : str
        What the line is, for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure that holds them.

    line_ : matplotlib Line2D
        The median.

    See Also
    --------
    gradient_flow : The numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.datasets import make_adding_problem
    >>> from sklstm.inspection import GradientFlowDisplay
    >>> X, y = make_adding_problem(50, 30, random_state=0)
    >>> reg = LSTMRegressor(8, pooling="last", max_epochs=2, random_state=0).fit(X, y)
    >>> display = GradientFlowDisplay.from_estimator(reg, X, y)
    >>> display.median.shape
    (30,)
    >>> plt.show()
    """

    def __init__(self, *, steps_back, median, lower, upper, name):
        self.steps_back = steps_back
        self.median = median
        self.lower = lower
        self.upper = upper
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, layer=0, direction="forward", member=0, name=None, ax=None
    ):
        """Draw the gradient flow of a fitted estimator.

        Parameters
        ----------
        estimator : LSTMClassifier or LSTMRegressor
            Fitted.

        X : SequenceArray, array-like or list
            The sequences, in any form that the estimator takes.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or ragged
            The targets.

        layer : int, default=0
            Which recurrent layer, from 0.

        direction : {"forward", "backward"}, default="forward"
            Which direction of a bidirectional network.

        member : int, default=0
            Which network, where there are several.

        name : str, default=None
            What the line is called; the cell of the network if None.

        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        Returns
        -------
        display : GradientFlowDisplay
            The flow, drawn.
        """
        import_pyplot(cls.__name__)
        norms = gradient_flow(estimator, X, y, layer, direction, member)
        lower, median, upper = _quartiles(norms, direction)
        display = cls(
            steps_back=np.arange(len(median)),
            median=median,
            lower=lower,
            upper=upper,
            name=estimator.module_.config["cell"] if name is None else name,
        )
        return display.plot(ax)

    def plot(self, ax=None):
        """Draw the flow.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        Returns
        -------
        display : GradientFlowDisplay
            The display itself, with the flow drawn.
        """
        ax = axes_for(type(self).__name__, ax, (6.4, 3.8))
        self.ax_, self.figure_ = ax, ax.figure
        lower, median, upper = (_visible(v) for v in (self.lower, self.median, self.upper))
        marker = "o" if len(median) == 1 else None  # a line of one step would not be seen
        (self.line_,) = ax.plot(self.steps_back, median, label=self.name, marker=marker)
        colour = self.line_.get_color()
        ax.fill_between(self.steps_back, lower, upper, color=colour, alpha=0.2, linewidth=0)
        if not np.isnan(median).all():
            ax.set_yscale("log")
        # Time goes from left to right: the last step is at the right.
        ax.set_xlim(max(ax.get_xlim()[0], self.steps_back[-1], 1), 0)
        ax.set(xlabel="steps back in time", ylabel="norm of the loss's gradient")
        whole_ticks(ax)
        ax.legend()
        return self


def _quartiles(norms, direction) -> np.ndarray:
    """Return quartiles (3, longest) of the norms, from the step that is read last."""
    values = norms if not isinstance(norms, SequenceArray) else [v[:, 0] for v in norms]
    back = [value if direction == "backward" else value[::-1] for value in values]
    aligned = np.full((len(back), max(map(len, back))), np.nan)
    for row, value in zip(aligned, back, strict=True):
        row[: len(value)] = value
    return np.nanquantile(aligned, [0.25, 0.5, 0.75], axis=0)


def _visible(norms) -> np.ndarray:
    """Return norms without those of 0, which a logarithmic scale has no place for."""
    norms = np.asarray(norms, dtype=float)
    return np.where(norms > 0, norms, np.nan)
