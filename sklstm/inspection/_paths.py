"""Attributions along the line from a baseline to a sequence."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn

from sklstm._selection import SequenceSelection
from sklstm._training.batches import batches_by_steps
from sklstm._training.tensors import SequenceTensors
from sklstm.inspection._fitted import double_copy
from sklstm.nn import SequenceNetwork
from sklstm.sequences import SequenceArray
from sklstm.sequences._warnings import warn_user

METHODS = ("integrated_gradients", "input_x_gradient")
MAX_STEPS = 1 << 14
FIRST_POINTS, MORE_POINTS, MOST_POINTS = 16, 4, 1024
TOLERANCE = 0.01
"""Error of the sum, as a share of the sum of magnitudes, that is divided among them."""


def attribute(
    captum,
    members: Sequence[SequenceNetwork],
    sequences: SequenceArray,
    baseline: SequenceArray,
    columns: np.ndarray,
    method: str,
    by_step: bool,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray]:
    """Attribute the difference between the outputs of two sets of sequences.

    Parameters
    ----------
    captum : module
        `captum.attr`.

    members : sequence of SequenceNetwork
        Networks that answer with their mean; they are copied.

    sequences, baseline : SequenceArray
        Of equal lengths.

    columns : ndarray of shape (n_sequences,)
        Which output of each sequence.

    method : str
        One of `METHODS`.

    by_step : bool
        Whether the outputs of last steps are explained, or those of whole sequences.

    Returns
    -------
    values : ndarray of shape (n_steps, n_features)
        Attributions of the steps.

    static : ndarray of shape (n_sequences, n_static) or None
        Those of the static columns.

    output, baseline_output : ndarray of shape (n_sequences,)
        The outputs themselves.
    """
    explained = _Explained(captum, members, method, by_step)
    selection = SequenceSelection(sequences)
    tensors = explained.tensors(selection)
    against = explained.tensors(SequenceSelection(baseline))
    values = np.empty(sequences.values.shape)
    static = None if sequences.static is None else np.empty(sequences.static.shape)
    outputs, n_off = np.empty((2, len(sequences))), 0
    for indices in batches_by_steps(sequences.lengths, MAX_STEPS // FIRST_POINTS):
        inputs = tensors.inputs(indices)
        line = _Line(
            explained.reads(against.inputs(indices)),
            explained.reads(inputs),
            inputs.get("lengths"),
            torch.from_numpy(columns[indices]).to(tensors.device),
        )
        steps, beside, is_off = explained.attribute(line)
        selection.fill(values, indices, steps.cpu().numpy())
        if static is not None:
            static[indices] = beside.cpu().numpy()
        outputs[:, indices] = explained.ends(line).cpu().numpy()
        n_off += int(is_off.sum())
    if n_off:
        warn_user(
            f"The attributions of {n_off} sequences are uncertain by more than 1 % after "
            f"{MOST_POINTS} steps on the line from the baseline.",
            ConvergenceWarning,
        )
    return values, static, outputs[1], outputs[0]


class _Line(NamedTuple):
    """What is read at both ends, one tensor per network, and one of its static columns."""

    start: list[Tensor]
    end: list[Tensor]
    lengths: Tensor | None
    column: Tensor

    @property
    def difference(self) -> tuple[Tensor, ...]:
        return tuple(b - a for a, b in zip(self.start, self.end, strict=True))

    def take(self, which: Tensor) -> "_Line":
        """Return the line of some of the sequences."""
        start, end = ([tensor[which] for tensor in part] for part in (self.start, self.end))
        lengths = None if self.lengths is None else self.lengths[which]
        return _Line(start, end, lengths, self.column[which])


class _Explained:
    """Networks as one function of what their recurrent layers and heads read.

    Parameters
    ----------
    captum : module
        `captum.attr`.

    members : sequence of SequenceNetwork
        The networks.

    method : str
        One of `METHODS`.

    by_step : bool
        Whether the outputs of last steps are explained, or those of whole sequences.
    """

    def __init__(self, captum, members: Sequence[SequenceNetwork], method: str, by_step: bool):
        self.by_step = by_step
        self.reading = double_copy(members[0])
        self.networks = [double_copy(member).requires_grad_(False) for member in members]
        self.readers = [network.inputs for network in self.networks]
        self.static_readers = [network.static_inputs for network in self.networks]
        for network in self.networks:
            network.inputs = network.static_inputs = nn.Identity()
        self.is_path = method == "integrated_gradients"
        kind = captum.IntegratedGradients if self.is_path else captum.InputXGradient
        self.captum = kind(self._outputs_away)

    def tensors(self, selection: SequenceSelection) -> SequenceTensors:
        """Return what draws batches of sequences, in the networks' precision."""
        return SequenceTensors(selection, self.reading, self.reading.head.weight.device)

    def reads(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        """Return what each network reads of a batch, then of static columns if there are."""
        reads = [reader(inputs["columns"]) for reader in self.readers]
        if "static" in inputs:
            reads += [reader(inputs["static"]) for reader in self.static_readers]
        return reads

    def outputs(self, reads: Sequence[Tensor], lengths: Tensor | None) -> Tensor:
        """Return the mean outputs: (batch, n_outputs)."""
        n_networks = len(self.networks)
        static = reads[n_networks:] or [None] * n_networks
        parts = zip(self.networks, reads[:n_networks], static, strict=True)
        outputs = [self._outputs_of(*part, lengths) for part in parts]
        return torch.stack(outputs).mean(dim=0)

    def _outputs_of(
        self,
        network: SequenceNetwork,
        x: Tensor,
        static: Tensor | None,
        lengths: Tensor | None,
    ) -> Tensor:
        if not self.by_step:
            return network.outputs(x, lengths, static)
        return network.step_outputs(x, lengths, static)[_last_rows(x, lengths)]

    @torch.no_grad()
    def ends(self, line: _Line) -> Tensor:
        """Return the outputs at both ends of the line: (2, batch)."""
        outputs = [self.outputs(reads, line.lengths) for reads in (line.start, line.end)]
        return torch.stack(outputs)[:, torch.arange(len(line.column)), line.column]

    def attribute(self, line: _Line) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return attributions of steps and static columns, and whether they are off."""
        parts = self._along(line, FIRST_POINTS)
        if not self.is_path:
            return *self._by_origin(parts), torch.zeros(len(line.column))
        n_points, error = FIRST_POINTS, self._error(line, parts)
        while (is_off := error.abs() > TOLERANCE).any() and n_points < MOST_POINTS:
            n_points *= MORE_POINTS
            rest = self._along(line.take(is_off), n_points)
            for part, better in zip(parts, rest, strict=True):
                part[is_off] = better
            error = self._error(line, parts)
        for part in parts:
            part += part.abs() * error.view(-1, *[1] * (part.ndim - 1))
        return *self._by_origin(parts), is_off

    def _along(self, line: _Line, n_points: int) -> list[Tensor]:
        n_sequences, n_steps = line.end[0].shape[:2]
        options = {"n_steps": n_points} if self.is_path else {}
        if n_sequences * n_points * n_steps > MAX_STEPS and self.is_path:
            options["internal_batch_size"] = max(n_sequences, MAX_STEPS // n_steps)
        parts = self.captum.attribute(
            tuple(part.requires_grad_(not self.is_path) for part in line.difference),
            target=line.column,
            additional_forward_args=(*line.start, line.lengths),
            **options,
        )
        return [part.detach() for part in parts]

    def _outputs_away(self, *tensors: Tensor | None) -> Tensor:
        """Return outputs for differences from the start, the start, and the lengths."""
        *reads, lengths = tensors
        half = len(reads) // 2
        moved = [a + b for a, b in zip(reads[:half], reads[half:], strict=True)]
        return self.outputs(moved, lengths)

    def _error(self, line: _Line, parts: Sequence[Tensor]) -> Tensor:
        """Return what lacks to the difference, as a share of the sum of magnitudes."""
        start, end = self.ends(line)
        total = sum(part.flatten(1).sum(dim=1) for part in parts)
        magnitude = sum(part.abs().flatten(1).sum(dim=1) for part in parts)
        return torch.nan_to_num((end - start - total) / magnitude)

    def _by_origin(self, parts: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """Add up what belongs to a feature, (batch, time, n_features), or static column."""
        n_networks, reading = len(self.networks), self.reading
        steps = sum(_by_origin(part, reading.inputs.origins) for part in parts[:n_networks])
        if len(parts) == n_networks:
            return steps, None
        origins = reading.static_inputs.origins
        return steps, sum(_by_origin(part, origins) for part in parts[n_networks:])


def _last_rows(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return where the last steps are among the real ones of a padded batch, end to end."""
    batch, time = x.shape[:2]
    lengths = torch.full((batch,), time, device=x.device) if lengths is None else lengths
    return lengths.cumsum(0) - 1


def _by_origin(values: Tensor, origins: list[int]) -> Tensor:
    """Add up columns of one origin; those of origin -1, the gaps in time, are left out."""
    n_origins = max(origins) + 1
    total = values.new_zeros(*values.shape[:-1], n_origins + 1)
    index = torch.tensor(origins, device=values.device)
    return total.index_add(-1, index % (n_origins + 1), values)[..., :n_origins]
