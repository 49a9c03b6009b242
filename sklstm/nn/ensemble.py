"""Several networks that are trained as one and answer with their mean."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklstm.nn.inputs import StepInputs
from sklstm.nn.network import SequenceNetwork

__all__ = ["EnsembleNetwork"]


class EnsembleNetwork(nn.Module):
    """Networks of one form that differ in their random numbers.

    Each member learns by itself, from a loss of its own. Scores and outputs are the mean of
    the members', which varies less from one seed to the next than any of them
    (Lakshminarayanan et al. 2017).

    Parameters
    ----------
    members : sequence of SequenceNetwork
        With the same arguments and statistics.

    Attributes
    ----------
    members : torch.nn.ModuleList
        The networks.

    config : dict
        The arguments of each member, and `n_members`.

    Examples
    --------
    >>> import torch
    >>> from sklstm.nn import EnsembleNetwork, SequenceNetwork
    >>> members = [SequenceNetwork(n_features=3, n_outputs=1) for _ in range(4)]
    >>> network = EnsembleNetwork(members).eval()
    >>> x = torch.randn(2, 5, 3)  # (batch, time, features)
    >>> torch.allclose(network(x), sum(member(x) for member in members) / 4)
    True
    """

    def __init__(self, members: Sequence[SequenceNetwork]):
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def config(self) -> dict[str, Any]:
        return {**self.members[0].config, "n_members": len(self.members)}

    @property
    def inputs(self) -> StepInputs:
        """What prepares the steps: the statistics are those of every member."""
        return self.members[0].inputs

    @property
    def is_causal(self) -> bool:
        """Whether a state depends on the steps before it only."""
        return self.members[0].is_causal

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.members[0].dtype

    @property
    def output_mean(self) -> Tensor:
        """What is added to scores, after they were multiplied by `output_scale`."""
        return self.members[0].output_mean

    @property
    def output_scale(self) -> Tensor:
        """What scores are multiplied by, to be in the unit of the target."""
        return self.members[0].output_scale

    def set_output_statistics(self, mean: Tensor, scale: Tensor) -> None:
        """Set the mean and the scale of the target."""
        for member in self.members:
            member.set_output_statistics(mean, scale)

    def forward(self, *args: Tensor | None, **inputs: Tensor | None) -> Tensor:
        """Return the mean of what the members return, see :class:`SequenceNetwork`."""
        return _mean([member(*args, **inputs) for member in self.members])

    def prepare(self, x: Tensor, first_row: Tensor, times: Tensor | None = None) -> Tensor:
        """Do what needs no learning to steps that lie end to end."""
        return self.members[0].prepare(x, first_row, times)

    def prepare_static(self, static: Tensor) -> Tensor:
        """Return the columns beside the pooled state."""
        return self.members[0].prepare_static(static)

    def outputs(self, *args: Tensor | None, **inputs: Tensor | None) -> Tensor:
        """Return the mean outputs in the unit of the target."""
        return _mean([member.outputs(*args, **inputs) for member in self.members])

    def step_outputs(self, *args: Tensor | None, **inputs: Tensor | None) -> Tensor:
        """Return the mean outputs at every real step."""
        return _mean([member.step_outputs(*args, **inputs) for member in self.members])

    def outputs_over_time(self, *args: Tensor | None, **inputs: Tensor | None) -> Tensor:
        """Return the mean outputs of all prefixes."""
        return _mean([member.outputs_over_time(*args, **inputs) for member in self.members])

    def attention_weights(self, *args: Tensor | None, **inputs: Tensor | None) -> Tensor:
        """Return the mean weight of every real step, for "attention"."""
        return _mean([member.attention_weights(*args, **inputs) for member in self.members])

    def scores(self, *args: Tensor | None, **inputs: Tensor | None) -> Tensor:
        """Return the mean scores, on the scale of the loss."""
        return _mean([member.scores(*args, **inputs) for member in self.members])

    def step_scores(self, *args: Tensor | None, **inputs: Tensor | None) -> Tensor:
        """Return the mean scores at every real step."""
        return _mean([member.step_scores(*args, **inputs) for member in self.members])


def _mean(parts: list[Tensor]) -> Tensor:
    return torch.stack(parts).mean(dim=0)


Network = SequenceNetwork | EnsembleNetwork
"""What an estimator fits: one network, or several that answer together."""
