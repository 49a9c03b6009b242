"""The best epoch, and when to stop."""

from typing import Any

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback

from sklstm._training.optimizer import optimized_tensors

PATIENCE_STEPS = 125
"""Steps without improvement that are worth waiting for, where patience is "auto"."""

PATIENCE_EPOCHS = 2, 5
"""Bounds on the epochs that these steps are: a single one proves little, and time is dear."""

RECENT_STEPS = 60
"""Steps whose epochs are judged together."""

RECENT_EPOCHS = 1, 5
"""Bounds on the epochs that these steps are."""


class StopTraining(Exception):
    """Raised by a callback to end training with the epoch that is done."""


class KeepBest(Callback):
    """Keep the weights of the best epoch done.

    That is the one of the lowest :func:`recent_loss` or, without validation data, the last
    one: an epoch that was interrupted leaves no trace. Weights that training goes on from
    compete, too.
    """

    def on_train_begin(self, net: NeuralNet, X: Any = None, **kwargs: Any) -> None:
        self.best_loss_, self.best_epoch_ = np.inf, 0
        self.n_steps_ = count_steps(net, X)
        self._keep(net)

    def on_epoch_begin(self, net: NeuralNet, dataset_valid: Any = None, **kwargs: Any) -> None:
        is_first = len(net.history) == 1
        if is_first and net.earlier_ and dataset_valid is not None:
            self.best_loss_ = net.loss_of(dataset_valid)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        has_loss = "valid_loss" in net.history[-1]
        loss = recent_loss(net, self.n_steps_) if has_loss else -np.inf
        if loss < self.best_loss_ or loss == -np.inf:
            self.best_loss_, self.best_epoch_ = loss, len(net.history)
            self._keep(net)

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        for weight, kept in zip(optimized_tensors(net.optimizer_), self.kept_, strict=True):
            weight.data.copy_(kept)

    def _keep(self, net: NeuralNet) -> None:
        self.kept_ = [weight.data.clone() for weight in optimized_tensors(net.optimizer_)]


class StopEarly(Callback):
    """Stop when :func:`recent_loss` has not improved for some epochs.

    Parameters
    ----------
    patience : int or "auto"
        Number of epochs without improvement. "auto" is as many as make `PATIENCE_STEPS`
        steps of the optimiser, within `PATIENCE_EPOCHS`.

    tol : float
        What counts as an improvement, relative to the best loss.
    """

    def __init__(self, patience: int | str, tol: float):
        self.patience = patience
        self.tol = tol

    def on_train_begin(self, net: NeuralNet, X: Any = None, **kwargs: Any) -> None:
        self.loss_to_beat_, self.n_stale_ = np.inf, 0
        self.n_steps_, self.n_epochs_ = count_steps(net, X), self.patience
        if self.patience == "auto":
            self.n_epochs_ = epochs_of(PATIENCE_STEPS, self.n_steps_, PATIENCE_EPOCHS)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        loss = recent_loss(net, self.n_steps_)
        self.n_stale_ += 1
        if loss < self.loss_to_beat_:
            self.loss_to_beat_, self.n_stale_ = loss - self.tol * abs(loss), 0
        if self.n_stale_ >= self.n_epochs_:
            raise StopTraining


def recent_loss(net: NeuralNet, n_steps: int) -> float:
    """Return the validation loss of an epoch: the mean over it and those just before it.

    Small sets hold out few samples, whose loss is low in some epochs by chance.
    """
    n_epochs = epochs_of(RECENT_STEPS, n_steps, RECENT_EPOCHS)
    return float(np.mean(net.history[-n_epochs:, "valid_loss"]))


def count_steps(net: NeuralNet, train: Any) -> int:
    """Return the number of steps of the optimiser an epoch."""
    return len(net.get_iterator(train, training=True))


def epochs_of(steps: int, n_steps: int, bounds: tuple[int, int]) -> int:
    """Return the epochs, of `n_steps` steps each, that are about `steps`, within bounds."""
    return int(np.clip(round(steps / n_steps), *bounds))
