"""AdamW over one flat tensor: a step on a small network costs calls, not arithmetic."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class FlatAdamW(torch.optim.AdamW):
    """AdamW on parameters that are views of one tensor, and whose gradients are, too.

    The parameters are moved into the tensor. One call steps, clips or averages them all.

    Parameters
    ----------
    params : iterable of Parameter, or of one dict with the key "params"
        Of one type, on one device.

    **options : dict
        Those of :class:`torch.optim.AdamW`.
    """

    def __init__(self, params: Iterable, **options: Any):
        groups = list(params)
        if isinstance(groups[0], dict):
            groups = [weight for group in groups for weight in group["params"]]
        self.flat = nn.Parameter(torch.cat([weight.data.reshape(-1) for weight in groups]))
        self.flat.grad = torch.zeros_like(self.flat)
        start = 0
        for weight in groups:
            end = start + weight.numel()
            weight.data = self.flat.data[start:end].view_as(weight)
            weight.grad = self.flat.grad[start:end].view_as(weight)
            start = end
        super().__init__([self.flat], **options)

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set the gradients to zero; they are never taken away."""
        self.flat.grad.zero_()


def optimized_tensors(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return the tensors that an optimiser steps."""
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]
