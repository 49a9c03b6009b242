"""What happens between epochs: checks, the best weights, progress."""

import copy
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback, LRScheduler
from torch.nn.utils import clip_grad_norm_
from tqdm import tqdm

from sklstm._training.averaging import AverageWeights
from sklstm._training.early_stopping import KeepBest, StopEarly, StopTraining
from sklstm._training.optimizer import optimized_tensors
from sklstm._training.schedule import WarmUpAndDecay


class CheckFinite(Callback):
    """Stop with an error when a loss or a weight is no longer a number."""

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        epoch = net.history[-1]
        loss = epoch["train_loss"] + epoch.get("valid_loss", 0.0)
        if np.isfinite(loss) and all(w.isfinite().all() for w in net.module_.parameters()):
            return
        raise ValueError(
            f"Training diverged in epoch {epoch['epoch']}: the loss became {loss:g}, or a "
            "weight was no longer a number, because the steps are too large. Lower lr "
            f"(now {net.lr:g}), or set clip_grad_norm to 1."
        )


class ClipGradients(Callback):
    """Scale the gradients of all members down together, where they are larger than a bound.

    Parameters
    ----------
    max_norm : float
        Bound on the root mean square of the norms of the members' gradients, each that of
        the member's own loss.
    """

    def __init__(self, max_norm: float):
        self.max_norm = max_norm

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        # What is trained is the mean of n losses: its gradient has the root mean square of
        # the n norms, over the root of n.
        self.bound_ = self.max_norm / np.sqrt(len(net.module_.members))

    def on_grad_computed(self, net: NeuralNet, *args: Any, **kwargs: Any) -> None:
        clip_grad_norm_(optimized_tensors(net.optimizer_), self.bound_)


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

    def __init__(self, estimator: Any, context: Any, data: tuple, fitted_attributes: Callable):
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
            reconstruction_attributes=lambda: copy.deepcopy(self.fitted_attributes(net)),
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

    Raises
    ------
    TypeError
        If one of the user's is no callback of skorch.
    """
    of_user = list(map(_checked, estimator.callbacks or ()))
    callbacks: list = [("sklstm_finite", CheckFinite())]
    if epochs > 1 and not any(map(_is_schedule, of_user)):
        callbacks.append(("sklstm_schedule", WarmUpAndDecay(epochs)))
        callbacks.append(("sklstm_average", AverageWeights()))
    callbacks.append(("sklstm_best", KeepBest()))
    if estimator.clip_grad_norm is not None:
        callbacks.append(("sklstm_clip", ClipGradients(estimator.clip_grad_norm)))
    if estimator.verbose:
        callbacks.append(("sklstm_bar", EpochBar(type(estimator).__name__, epochs)))
    if getattr(estimator, "_skl_callbacks", None):
        callbacks.append(("sklstm_tasks", tasks))
    callbacks.extend(of_user)
    if has_validation and estimator.early_stopping:
        stop = StopEarly(estimator.n_iter_no_change, estimator.tol)
        callbacks.append(("sklstm_stop", stop))
    return callbacks


def _checked(callback: Any) -> Any:
    """Return a callback of the user's, as it is."""
    if not hasattr(_unnamed(callback), "on_train_begin"):
        raise TypeError(
            "`callbacks` must hold callbacks of skorch (skorch.callbacks.Callback), or pairs "
            f"of a name and one, but has {callback!r}."
        )
    return callback


def _is_schedule(callback: Any) -> bool:
    return isinstance(_unnamed(callback), LRScheduler)


def _unnamed(callback: Any) -> Any:
    is_named = isinstance(callback, tuple) and len(callback) == 2
    return callback[1] if is_named else callback
