"""What members say of samples that they have not learnt from, and the loss of all of them."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from sklstm._training.tensors import TrainingTensors
from sklstm.nn import WeightedLoss

SHARE_BEYOND = 0.001
"""Of what is far off: next to nothing, but all that counts where nothing is near."""


class Judgement:
    """Collects the scores of held-out rows, from each member that may judge them.

    Parameters
    ----------
    tensors : TrainingTensors
        The samples, with their targets.

    criterion : WeightedLoss
        The loss.

    n_outputs : int
        Number of scores of a row.
    """

    def __init__(self, tensors: TrainingTensors, criterion: WeightedLoss, n_outputs: int):
        n_rows, device = len(tensors.target), tensors.target.device
        self.tensors = tensors
        self.criterion = criterion
        self.scores = torch.zeros((n_rows, n_outputs), device=device)
        self.losses = torch.zeros(n_rows, device=device)
        self.n_judges = torch.zeros(n_rows, device=device)

    def add(self, rows: Tensor, scores: Tensor) -> Tensor:
        """Add the scores of a member for the targets in `rows`, and return their loss."""
        loss = self.criterion.sample_loss(scores, self.tensors.target[rows])
        self.scores.index_add_(0, rows, scores.to(self.scores.dtype))
        self.losses.index_add_(0, rows, loss.to(self.losses.dtype))
        self.n_judges[rows] += 1
        return torch.mean(self.tensors.weight[rows] * loss)

    def result(self, n_members: int, metric: Callable[..., Tensor]) -> dict[str, float]:
        """Return the loss of `n_members`, and the metric of those that judged."""
        rows = self.n_judges.nonzero()[:, 0]
        n_judges = self.n_judges[rows]
        scores = self.scores[rows] / n_judges[:, None]
        target, weight = self.tensors.target[rows], self.tensors.weight[rows]
        alone = self.losses[rows] / n_judges
        together = self.criterion.sample_loss(scores, target)
        far_off = self.criterion.far_off(len(rows), scores.shape[1])
        loss = loss_of_all(alone, together, weight, n_judges, n_members, far_off)
        score = metric(scores, target, weight)
        return {"loss": loss.item(), "score": score.item()}


def loss_of_all(
    alone: Tensor,
    together: Tensor,
    weight: Tensor,
    n_judges: Tensor,
    n_members: int,
    far_off: float = math.inf,
) -> Tensor:
    """Estimate the loss of the mean of all members from that of those that judge a row.

    What members get wrong by chance, each in its own way, counts an n-th as much in the loss
    of the mean of n of them. That is so for squared errors, and nearly so for other losses.

    Parameters
    ----------
    alone : Tensor of shape (n_rows,)
        Loss of a member by itself, the mean over those that judge the row.

    together : Tensor of shape (n_rows,)
        Loss of the mean of these members.

    weight : Tensor of shape (n_rows,)
        Weight of the row.

    n_judges : Tensor of shape (n_rows,)
        How many they are.

    n_members : int
        How many there are in all.

    far_off : float, default=math.inf
        The loss from which on a row hardly counts more: a single one that no model gets
        right would otherwise say which is the best.

    Returns
    -------
    loss : Tensor of shape ()
        Mean over the rows: of `alone` where there is a single judge, of `together` where
        all members are.
    """
    # A single judge leaves the difference at 0, whatever it is divided by.
    by_chance = (alone - together) / (1 - 1 / n_judges.clamp(min=2))
    estimate = alone - by_chance * (1 - 1 / n_members)
    estimate, alone, together = (
        torch.mean(weight * _bent(loss, far_off)) for loss in (estimate, alone, together)
    )
    # Two that are certain of different things look as if others could bring it below 0.
    return torch.maximum(estimate, torch.minimum(alone / n_members, together))


def _bent(loss: Tensor, bound: float) -> Tensor:
    """Return losses that hardly grow beyond a bound: as `SHARE_BEYOND` of a logarithm."""
    within = loss.clamp(max=bound)
    return within + SHARE_BEYOND * torch.log1p(loss - within)
