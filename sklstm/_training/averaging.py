"""An average of the weights over the last steps."""

from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback

from sklstm._training.optimizer import optimized_tensors

DECAY = 0.99
"""Share of the average that a step keeps: the average is over about a hundred steps."""


class AverageWeights(Callback):
    """Validate and keep a running average of the weights instead of those of one step.

    Steps on small batches are noisy; their average is better than most of them and
    costs little (Polyak & Juditsky 1992). The average is in the network from the end of
    an epoch's steps until the next epoch begins.
    """

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.weights_ = [weight.data for weight in optimized_tensors(net.optimizer_)]
        self.average_ = [weight.clone() for weight in self.weights_]
        self.n_steps_, self.is_shown_ = 0, False

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.is_shown_:
            self._swap()

    def on_batch_begin(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        if not training and not self.is_shown_:
            self._swap()

    def on_batch_end(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        if not training:
            return
        self.n_steps_ += 1
        # The first steps are far from where training goes: a young average forgets them.
        decay = min(DECAY, self.n_steps_ / (self.n_steps_ + 10))
        torch._foreach_lerp_(self.average_, self.weights_, 1 - decay)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if not self.is_shown_:
            self._swap()

    def _swap(self) -> None:
        for weight, average in zip(self.weights_, self.average_, strict=True):
            kept = weight.clone()
            weight.copy_(average)
            average.copy_(kept)
        self.is_shown_ = not self.is_shown_
