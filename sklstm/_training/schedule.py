"""The learning rate over a fit."""

import math
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises."""


class WarmUpAndDecay(Callback):
    """Raise the learning rate in a straight line, then lower it along a half cosine.

    The early steps are small while the moments of the optimiser are not yet known; the
    late ones settle the weights (Loshchilov & Hutter 2017). Jitter falls with it, twice as
    fast: what is learnt last is fine detail.

    Parameters
    ----------
    epochs : int
        Number of epochs at whose end the learning rate is 0.
    """

    def __init__(self, epochs: int):
        self.epochs = epochs

    def on_train_begin(self, net: NeuralNet, X: Any = None, **kwargs: Any) -> None:
        self.n_steps_ = self.epochs * len(net.get_iterator(X, training=True))
        self.step_ = 0

    def on_batch_begin(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        if not training:
            return
        share = learning_rate_factor(self.step_, self.n_steps_)
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr * share
        self._set_jitter(net, max(2 * share - 1, 0.0))
        self.step_ += 1

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self._set_jitter(net, 1.0)

    def _set_jitter(self, net: NeuralNet, share: float) -> None:
        for member in net.module_.members:
            member.jitter.share = share


def learning_rate_factor(step: int, n_steps: int) -> float:
    """Return the share of the highest learning rate at a step, counted from 0."""
    n_rising = math.ceil(WARM_UP * n_steps)
    if step < n_rising:
        return (step + 1) / n_rising
    return 0.5 + 0.5 * math.cos(math.pi * (step - n_rising) / max(n_steps - n_rising, 1))
