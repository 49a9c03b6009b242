"""How much of the loss's gradient arrives at every step back in time."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from sklstm._samples import Samples, TrainingSamples
from sklstm._state import gradient_state
from sklstm._steps import steps_like
from sklstm._training.batches import batches_by_steps
from sklstm.inspection._fitted import (
    cell_of,
    checked_again,
    double_copy,
    member_of,
    sequences_of,
)
from sklstm.nn import SequenceNetwork
from sklstm.nn.cells import Cell
from sklstm.nn.recurrent import reverse_within_lengths

__all__ = ["gradient_flow"]

MAX_STEPS = 1 << 12


def gradient_flow(estimator, X, y, layer=0, direction="forward", member=0):
    """Return the norm of the loss's gradient at every step back in time.

    The gradient is that of the loss of one sequence with respect to the state which a
    layer hands on after a step: the hidden state and, where the cell has one, the cell
    state. It says how much the loss can learn of what happened up to this step. Where it
    falls to nothing towards the start of the sequences, it vanishes, and what lies there
    cannot be learnt; where it grows, it explodes [1]_.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted.

    X : SequenceArray, array-like or list
        The sequences, in any form that the estimator takes.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or ragged
        The targets, in the form that they had in `fit`.

    layer : int, default=0
        Which recurrent layer, from 0.

    direction : {"forward", "backward"}, default="forward"
        Which direction of a bidirectional network.

    member : int, default=0
        Which network, where there are several.

    Returns
    -------
    norms : SequenceArray, list of ndarray or ndarray
        For each sequence (n_timesteps_i,), in the order of the steps as they were
        recorded, not negative. A :class:`~sklstm.SequenceArray` of one feature with the
        same ids and times for one, an array (n_samples, n_timesteps) for an array of full
        sequences, a list otherwise. The loss is that of the fit, on the standardised
        target of a regressor, without weights and dropout; for a target at every step it
        is the mean over the labelled steps of the sequence. With a `stride`, it is
        that of the answer from the phase of the last step, and a step between two stops has
        the norm of the next one.

    Raises
    ------
    ValueError
        If there is no such layer, direction or member.

    See Also
    --------
    GradientFlowDisplay : The same as a picture.
    memory_span : How long each unit remembers.

    Notes
    -----
    The gradient is computed in double precision, step by step: single precision ends at
    1e-38, which vanishing gradients reach in a few hundred steps. With `pooling` "mean",
    "concat" and "attention" every step also has a way of its own to the loss.

    References
    ----------
    .. [1] Y. Bengio, P. Simard and P. Frasconi. "Learning long-term dependencies with
       gradient descent is difficult". IEEE Transactions on Neural Networks 5, 1994.

    Examples
    --------
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.datasets import make_adding_problem
    >>> from sklstm.inspection import gradient_flow
    >>> X, y = make_adding_problem(50, 30, random_state=0)
    >>> reg = LSTMRegressor(8, max_epochs=2, random_state=0).fit(X, y)
    >>> gradient_flow(reg, X[:3], y[:3]).shape
    (3, 30)
    """
    sequences = sequences_of(estimator, X)
    samples = estimator._check_samples(checked_again(sequences, X), y, None, None, reset=False)
    samples = replace(samples, weight=_share_of_its_sequence(samples))
    norms = np.zeros(len(sequences.values))
    with gradient_state():
        network, states = _watched(member_of(estimator, member), layer, direction)
        tensors = estimator._tensors(samples, network)
        selected = samples.sequences
        for indices in batches_by_steps(selected.lengths, MAX_STEPS):
            batch = tensors.batch(indices)
            norms_read = _norms(estimator, network, states, batch)
            gradient = _as_recorded(estimator, network, norms_read, batch[0], direction)
            selected.fill(norms, indices, gradient.cpu().numpy())
    return steps_like(X, norms, sequences)


class _WatchedLayer(nn.Module):
    """A layer that keeps the states it hands on, in the order in which it reads."""

    def __init__(self, cell: Cell):
        super().__init__()
        self.cell = cell
        self.states: list[tuple[Tensor, ...]] = []

    def forward(self, x: Tensor, state=None) -> tuple[Tensor, tuple[Tensor, ...]]:
        outputs = []
        for step in x.split(1, dim=1):
            _, state = self.cell(step, state)
            # Copies: the way from a cell state to the hidden state beside it is not counted.
            state = tuple(tensor.clone() for tensor in state)
            self.states.append(state)
            outputs.append(state[0])
        return torch.stack(outputs, dim=1), state


def _watched(
    network: SequenceNetwork, layer: int, direction: str
) -> tuple[SequenceNetwork, _WatchedLayer]:
    """Return a copy of a network in double precision, and its layer that is watched."""
    cell = cell_of(network, layer, direction)
    network = double_copy(network)
    recurrent = network.recurrent
    layers = recurrent.forward_layers if direction == "forward" else recurrent.backward_layers
    layers[layer] = watched = _WatchedLayer(cell.to(network.dtype))
    return network, watched


def _norms(estimator, network: SequenceNetwork, watched: _WatchedLayer, batch) -> Tensor:
    """Return the norms at all steps that are read, in the order of reading."""
    inputs, (target, weight) = batch
    watched.states.clear()
    scores = network.step_scores if estimator._labels_steps else network.scores
    scores = scores(**inputs)
    if target.is_floating_point():
        target = target.to(scores.dtype)
    loss = (weight * estimator._loss().sample_loss(scores, target)).sum()
    states = [tensor for state in watched.states for tensor in state]
    gradients = torch.autograd.grad(loss, states, allow_unused=True)
    squares = [
        torch.zeros(len(state)).to(state) if gradient is None else gradient.square().sum(1)
        for gradient, state in zip(gradients, states, strict=True)
    ]
    n_states = len(watched.states[0])
    return torch.stack(squares, dim=1).unflatten(1, (-1, n_states)).sum(-1).sqrt()


def _as_recorded(estimator, network: SequenceNetwork, norms: Tensor, inputs, direction):
    """Return norms of states in the order of reading, for all steps: (batch, time)."""
    columns, lengths = inputs["columns"], inputs.get("lengths")
    find_phases = network.all_phases if estimator._labels_steps else network.last_phase
    phases = find_phases(columns, lengths)
    norms = norms[..., None]
    if direction == "backward":
        norms = reverse_within_lengths(norms, phases.lengths)
    return phases.spread(norms)[..., 0]


def _share_of_its_sequence(samples: TrainingSamples) -> np.ndarray:
    """Return weights that sum to 1 over the labelled steps of each sequence."""
    is_used = (samples.weight > 0).astype(np.float64)
    if isinstance(samples, Samples):
        return is_used
    rows = samples.rows_of_target(np.arange(len(samples)))
    lengths = samples.sequences.lengths
    n_used = np.add.reduceat(is_used[rows], np.cumsum(lengths) - lengths)
    is_used[rows] /= np.repeat(n_used, lengths)
    return is_used
