"""What happens between epochs: checks, the best weights, progress."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback, GradientNormClipping
from tqdm import tqdm


class StopTraining(Exception):
    """Raised by a callback to end training with the epoch that is done."""


class CheckFinite(Callback):
    """Stop with an error when the loss is no longer a number."""

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        epoch = net.history[-1]
        if np.isfinite(epoch["train_loss"]):
            return
        raise ValueError(
            f"The training loss became {epoch['train_loss']} in epoch {epoch['epoch']}: the "
            f"steps are too large. Lower lr (now {net.lr:g}), or set clip_grad_norm to 1."
        )


class KeepBest(Callback):
    """Keep the weights of the epoch with the lowest validation loss."""

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.best_loss_, self.best_epoch_, self.best_state_ = np.inf, 0, None

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        loss = net.history[-1, "valid_loss"]
        if loss < self.best_loss_:
            self.best_loss_, self.best_epoch_ = loss, len(net.history)
            state = net.module_.state_dict()
            self.best_state_ = {name: tensor.clone() for name, tensor in state.items()}

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.best_state_ is not None:
            net.module_.load_state_dict(self.best_state_)


class StopEarly(Callback):
    """Stop when the validation loss has not improved for some epochs.

    Parameters
    ----------
    patience : int
        Number of epochs without improvement.

    tol : float
        What counts as an improvement, relative to the best loss.
    """

    def __init__(self, patience: int, tol: float):
        self.patience = patience
        self.tol = tol

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.loss_to_beat_, self.n_stale_ = np.inf, 0

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        loss = net.history[-1, "valid_loss"]
        self.n_stale_ += 1
        if loss < self.loss_to_beat_:
            self.loss_to_beat_, self.n_stale_ = loss - self.tol * abs(loss), 0
        if self.n_stale_ >= self.patience:
            raise StopTraining


class EpochBar(Callback):
    """A bar on stderr with the time left, the losses and the validation score.

    Parameters
    ----------
    name : str
        What stands before the bar.

    epochs : int
        Number of epochs that a full bar means.
    """

    def __init__(self, name: str, epochs: int):
        self.name = name
        self.epochs = epochs

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_ = tqdm(total=self.epochs, desc=self.name, unit="epoch", file=sys.stderr)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        names = ("train_loss", "valid_loss", "valid_score")
        epoch = net.history[-1]
        shown = {name: f"{epoch[name]:.4g}" for name in names if name in epoch}
        self.bar_.set_postfix(shown, refresh=False)
        self.bar_.update()

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_.close()


class EpochTasks(Callback):
    """Report training and each epoch as tasks to scikit-learn's callbacks.

    Parameters
    ----------
    estimator : estimator
        What is fitted.

    context : sklearn.callback.CallbackContext or None
        The context of its fit; None where scikit-learn has no callbacks.

    data : tuple of X and y
        What it is fitted to.

    fitted_attributes : callable
        Called with the net, returns the attributes of a fitted estimator.
    """

    def __init__(self, estimator, context, data: tuple, fitted_attributes: Callable):
        self.estimator = estimator
        self.context = context
        self.data = data
        self.fitted_attributes = fitted_attributes

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self._begin(self.context)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.epoch_ = self.context.subcontext(task_name="epoch")
        self._begin(self.epoch_)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if self._end(self.epoch_, net):
            raise StopTraining

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self._end(self.context, net)

    def _begin(self, task: Any) -> None:
        X, y = self.data
        task.call_on_fit_task_begin(estimator=self.estimator, X=X, y=y)

    def _end(self, task: Any, net: NeuralNet) -> bool:
        X, y = self.data
        return task.call_on_fit_task_end(
            estimator=self.estimator,
            X=X,
            y=y,
            reconstruction_attributes=lambda: self.fitted_attributes(net),
        )


def training_callbacks(
    estimator: Any, epochs: int, has_validation: bool, tasks: EpochTasks
) -> list:
    """Return the callbacks of a fit, in the order in which they are called.

    Parameters
    ----------
    estimator : estimator
        Gives the parameters.

    epochs : int
        Number of epochs asked for.

    has_validation : bool
        Whether there is validation data.

    tasks : EpochTasks
        Left out where no callback is registered by `set_callbacks`.

    Returns
    -------
    callbacks : list of skorch callbacks, or of pairs of a name and a callback
        The user's own come last but for the one that stops training.
    """
    callbacks: list = [("finite", CheckFinite())]
    if estimator.clip_grad_norm is not None:
        callbacks.append(("clip", GradientNormClipping(estimator.clip_grad_norm)))
    if has_validation:
        callbacks.append(("best", KeepBest()))
    if estimator.verbose:
        callbacks.append(("bar", EpochBar(type(estimator).__name__, epochs)))
    if getattr(estimator, "_skl_callbacks", None):
        callbacks.append(("tasks", tasks))
    callbacks.extend(estimator.callbacks or ())
    if has_validation and estimator.early_stopping:
        stop = StopEarly(estimator.n_iter_no_change, estimator.tol)
        callbacks.append(("stop", stop))
    return callbacks
