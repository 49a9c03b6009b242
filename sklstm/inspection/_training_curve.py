"""The losses of each epoch as a picture."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklstm.inspection._pyplot import import_pyplot, whole_ticks

__all__ = ["TrainingCurveDisplay"]


class TrainingCurveDisplay:
    """Training and validation loss over the epochs of a fit.

    Use :meth:`from_estimator` to draw the curves of a fitted estimator. All that is
    drawn is stored, so that :meth:`plot` can draw it again.

    Parameters
    ----------
    train_loss : array-like of shape (n_epochs,)
        The loss on the training data, one value per epoch.

    valid_loss : array-like of shape (n_epochs,), default=None
        The loss on the validation data. NaN where an epoch had none.

    valid_score : array-like of shape (n_epochs,), default=None
        The score on the validation data. NaN where an epoch had none.

    best_epoch : int, default=None
        The epoch, from 1, whose weights were kept. It is marked where there is a
        `valid_loss`: without one the last epoch is kept. What is lowest there is the mean
        of this epoch and up to four before it, not always the curve itself.

    score_name : str, default=None
        What `valid_score` is, for its axis. "validation score" if None.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the losses.

    figure_ : matplotlib Figure
        The figure that holds them.

    lines_ : list of matplotlib Line2D
        The training loss and, where drawn, the validation loss, the mark of the kept
        epoch and the validation score.

    score_ax_ : matplotlib Axes or None
        The axes with the validation score, where drawn.

    See Also
    --------
    sklstm.LSTMClassifier : Its `history_` holds the losses of classification.
    sklstm.LSTMRegressor : Its `history_` holds the losses of regression.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_japanese_vowels
    >>> from sklstm.inspection import TrainingCurveDisplay
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> clf = LSTMClassifier(max_epochs=5, early_stopping=True, random_state=0).fit(X, y)
    >>> display = TrainingCurveDisplay.from_estimator(clf)
    >>> len(display.train_loss)
    5
    >>> plt.show()
    """

    def __init__(
        self,
        *,
        train_loss,
        valid_loss=None,
        valid_score=None,
        best_epoch=None,
        score_name=None,
    ):
        self.train_loss = train_loss
        self.valid_loss = valid_loss
        self.valid_score = valid_score
        self.best_epoch = best_epoch
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, estimator, *, ax=None, show_score=False, score_name=None, line_kw=None
    ):
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted :class:`~sklstm.LSTMClassifier` or :class:`~sklstm.LSTMRegressor`,
            a fitted :class:`~sklearn.pipeline.Pipeline` that ends in one, or a fitted
            search such as :class:`~sklearn.model_selection.GridSearchCV` over either.

        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        show_score : bool, default=False
            Whether to draw the validation score too, on an axis at the right.

        score_name : str, default=None
            What the validation score is, for its axis. "validation score" if None.

        line_kw : dict, default=None
            Further arguments of the two loss curves, for
            :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : TrainingCurveDisplay
            The curves, drawn.
        """
        import_pyplot(cls.__name__)
        history, best_epoch = _training_of(estimator)
        display = cls(
            train_loss=_column(history, "train_loss"),
            valid_loss=_column(history, "valid_loss"),
            valid_score=_column(history, "valid_score"),
            best_epoch=best_epoch,
            score_name=score_name,
        )
        return display.plot(ax, show_score=show_score, line_kw=line_kw)

    def plot(self, ax=None, *, show_score=False, line_kw=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. A new figure if None.

        show_score : bool, default=False
            Whether to draw the validation score too, on an axis at the right.

        line_kw : dict, default=None
            Further arguments of the two loss curves, for
            :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : TrainingCurveDisplay
            The display itself, with the curves drawn.
        """
        plt = import_pyplot(type(self).__name__)
        if show_score and self.valid_score is None:
            raise ValueError(
                "There is no validation score to show: fit with early_stopping=True, or "
                "with X_val and y_val."
            )
        if ax is None:
            _, ax = plt.subplots()
        self.ax_, self.figure_, self.score_ax_ = ax, ax.figure, None
        self.lines_ = self._plot_losses(line_kw or {})
        if show_score:
            self.lines_.append(self._plot_score())
        self._label()
        return self

    def _plot_losses(self, line_kw):
        lines = self._curve(self.ax_, self.train_loss, label="training", **line_kw)
        if self.valid_loss is None:
            return lines
        lines += self._curve(self.ax_, self.valid_loss, label="validation", **line_kw)
        if self.best_epoch is not None:
            label = f"kept: epoch {self.best_epoch}"
            style = {"color": "0.4", "linestyle": ":", "linewidth": 1.2, "zorder": 1}
            lines.append(self.ax_.axvline(self.best_epoch, label=label, **style))
        return lines

    def _plot_score(self):
        self.score_ax_ = self.ax_.twinx()
        name = self.score_name or "validation score"
        style = {"color": "C2", "linestyle": "--", "linewidth": 1.2}
        (line,) = self._curve(self.score_ax_, self.valid_score, label=name, **style)
        self.score_ax_.set_ylabel(name)
        return line

    def _curve(self, ax, values, **style):
        epochs = np.arange(1, len(values) + 1)
        if np.count_nonzero(np.isfinite(values)) == 1:  # a line of one point is invisible
            style = {"marker": "o", **style}
        return ax.plot(epochs, values, **style)

    def _label(self):
        self.ax_.set(xlabel="epoch", ylabel="loss")
        whole_ticks(self.ax_)
        if self.score_ax_ is None:
            self.ax_.legend(handles=self.lines_)
        else:  # the axes on top; losses fall and scores rise, away from the middle
            self.score_ax_.legend(handles=self.lines_, loc="center right")


def _training_of(estimator):
    """Return the history of a fitted estimator and the epoch that was kept."""
    check_is_fitted(estimator)
    model = getattr(estimator, "best_estimator_", estimator)
    model = model[-1] if isinstance(model, Pipeline) else model
    if not hasattr(model, "history_"):
        raise TypeError(
            f"{type(model).__name__} has no history_: pass a fitted LSTMClassifier or "
            "LSTMRegressor, a Pipeline that ends in one, or a search over either."
        )
    return model.history_, model.best_epoch_


def _column(history, name):
    """Return one value per epoch, NaN where it was not recorded; None if it never was."""
    if not any(name in record for record in history):
        return None
    return np.array([record.get(name, np.nan) for record in history])
