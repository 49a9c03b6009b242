"""AdamW over one flat tensor: a step on a small network costs calls, not arithmetic."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

KEPT = ("exp_avg", "exp_avg_sq", "step")
"""What is remembered from step to step, by the names that torch gives it."""


class FlatAdamW(torch.optim.Optimizer):
    """AdamW [1]_ on parameters that are views of one tensor, and whose gradients are, too.

    The parameters are moved into the tensor. One call steps, clips or averages them all. It
    gives what :class:`torch.optim.AdamW` gives, without what that does around each step, and
    without torch's compiler, which it imports for several seconds.

    Parameters
    ----------
    params : iterable of Parameter, or of one dict with the key "params"
        Of one type, on a CPU.

    lr : float, default=0.001
        Learning rate.

    betas : pair of float, default=(0.9, 0.999)
        Shares of the means of the gradient and of its square that a step keeps.

    eps : float, default=1e-8
        What is added to the root of the mean square.

    weight_decay : float, default=0.01
        Share of `lr` by which parameters shrink a step.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter. "Decoupled weight decay regularization". ICLR, 2019.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
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
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__([self.flat], options)
        sums = {name: torch.zeros_like(self.flat.data) for name in KEPT[:2]}
        self.state[self.flat] = {**sums, "step": torch.zeros((), dtype=torch.float32)}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take the only group there is."""
        self.param_groups.append({**self.defaults, **param_group})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Change the parameters by their gradients."""
        options, state = self.param_groups[0], self.state[self.flat]
        beta1, beta2 = options["betas"]
        state["step"] += 1
        torch._fused_adamw_(
            [self.flat],
            [self.flat.grad],
            [state["exp_avg"]],
            [state["exp_avg_sq"]],
            [],
            [state["step"]],
            lr=options["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=options["weight_decay"],
            eps=options["eps"],
            amsgrad=False,
            maximize=False,
        )

    # Else torch adds hooks and a record for its profiler, which take longer than the step.
    step.hooked = True

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set the gradients to zero; they are never taken away."""
        self.flat.grad.zero_()

    def state_dict(self) -> dict[str, Any]:
        """Return what is remembered from step to step, and the options."""
        options = {**self.param_groups[0], "params": [0]}
        return {"state": {0: dict(self.state[self.flat])}, "param_groups": [options]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what another optimiser of the same parameters remembered."""
        kept = state_dict["state"][0]
        for name in KEPT:
            self.state[self.flat][name].copy_(kept[name])
        (options,) = state_dict["param_groups"]
        self.param_groups[0].update({**options, "params": [self.flat]})


def optimized_tensors(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return the tensors that an optimiser steps."""
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]
