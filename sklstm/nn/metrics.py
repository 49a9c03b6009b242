"""What a validation set says of the outputs, larger is better."""

import torch
from torch import Tensor

__all__ = ["accuracy", "r2", "r2_of_log", "subset_accuracy"]


def accuracy(scores: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Share of samples whose largest logit is that of their class."""
    return torch.sum(weight * (scores.argmax(dim=1) == target)) / weight.sum()


def subset_accuracy(scores: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Share of samples whose logits have the right sign at every output."""
    is_right = ((scores > 0) == (target > 0.5)).all(dim=1)
    return torch.sum(weight * is_right) / weight.sum()


def r2(scores: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Coefficient of determination R^2, averaged over outputs."""
    column = weight[:, None]
    mean = torch.sum(column * target, dim=0) / weight.sum()
    residual = torch.sum(column * (target - scores).square(), dim=0)
    total = torch.sum(column * (target - mean).square(), dim=0)
    is_constant = total == 0
    ratio = residual / torch.where(is_constant, 1.0, total)
    return torch.where(is_constant, (residual == 0).to(ratio.dtype), 1 - ratio).mean()


def r2_of_log(scores: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Coefficient of determination of scores that are logarithms."""
    return r2(scores.exp(), target, weight)
