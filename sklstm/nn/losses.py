"""Losses, a value a sample, so that samples can be weighted."""

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklstm.nn.choices import check_choice

__all__ = ["LOSSES", "WeightedLoss"]


class WeightedLoss(nn.Module):
    """Mean of a loss over the samples of a batch, weighted.

    Parameters
    ----------
    name : str
        A key of `LOSSES`.

    **options : dict
        Further arguments of the loss, such as `quantile`.

    Attributes
    ----------
    sample_loss : callable
        Takes scores and a target, returns the loss of each sample.

    Raises
    ------
    ValueError
        If there is no loss of this name.

    Examples
    --------
    >>> import torch
    >>> from sklstm.nn import WeightedLoss
    >>> loss = WeightedLoss("squared_error")
    >>> scores, target = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [5.0]])
    >>> loss(scores, target, weight=torch.ones(2))
    tensor(4.5000)
    """

    def __init__(self, name: str, **options: float):
        super().__init__()
        check_choice("name", name, LOSSES)
        self.name = name
        self.sample_loss = partial(LOSSES[name], **options)

    def far_off(self, n_samples: int, n_outputs: int) -> float:
        """Return the loss from which on a sample is far off, where models are compared.

        A single sample can be most of the mean of a loss that has no bound. A bound that grows
        with the root of the number of samples, as that of [1]_ does, keeps it from that: where
        there are many samples, all of them count in full.

        Parameters
        ----------
        n_samples : int
            Number of samples by which models are compared.

        n_outputs : int
            Number of scores of a sample.

        Returns
        -------
        loss : float
            Above that of a guess; infinite for losses other than squared errors and
            cross-entropies.

        References
        ----------
        .. [1] J. Fan, Q. Li and Y. Wang. "Estimation of high dimensional mean regression in
           the absence of symmetry and light tail assumptions". Journal of the Royal
           Statistical Society B, 79(1), 2017.
        """
        if self.name not in GROWTH:
            return math.inf
        guess = {"squared_error": 1.0, "cross_entropy": math.log(n_outputs)}
        return guess.get(self.name, math.log(2)) + GROWTH[self.name] * math.sqrt(n_samples)

    def forward(self, scores: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the mean over the batch of weight times loss."""
        return torch.mean(weight * self.sample_loss(scores, target))


def cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of logits (batch, n_classes) with class numbers (batch,)."""
    return F.cross_entropy(scores, target, reduction="none")


def binary_cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    """Mean over outputs of the cross-entropy of logits with 0.0 and 1.0: (batch,)."""
    loss = F.binary_cross_entropy_with_logits(scores, target, reduction="none")
    return _mean_over_outputs(loss)


def squared_error(scores: Tensor, target: Tensor) -> Tensor:
    """Mean over outputs of the squared error: (batch,)."""
    return _mean_over_outputs((scores - target).square())


def absolute_error(scores: Tensor, target: Tensor) -> Tensor:
    """Mean over outputs of the absolute error: (batch,)."""
    return _mean_over_outputs((scores - target).abs())


def huber(scores: Tensor, target: Tensor) -> Tensor:
    """Squared near the target, absolute from one standard deviation on (Huber 1964)."""
    return _mean_over_outputs(F.huber_loss(scores, target, reduction="none"))


def poisson(scores: Tensor, target: Tensor) -> Tensor:
    """Poisson deviance, halved, of the logarithm of the expected count: (batch,)."""
    saturated = torch.xlogy(target, target) - target
    return _mean_over_outputs(scores.exp() - target * scores + saturated)


def pinball(scores: Tensor, target: Tensor, quantile: float = 0.5) -> Tensor:
    """Loss whose minimum is a quantile (Koenker & Bassett 1978): (batch,)."""
    error = target - scores
    return _mean_over_outputs(torch.maximum(quantile * error, (quantile - 1) * error))


def _mean_over_outputs(loss: Tensor) -> Tensor:
    return loss[:, 0] if loss.shape[1] == 1 else loss.mean(dim=1)


LOSSES = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "huber": huber,
    "poisson": poisson,
    "quantile": pinball,
}

GROWTH = {"squared_error": 1.0, "cross_entropy": 0.25, "binary_cross_entropy": 0.25}
"""By how much the bound on a loss grows with the root of the number of samples."""
