"""What the gates of a fitted network do at every step."""

import numpy as np
import torch
from sklearn.utils import Bunch

from sklstm._selection import SequenceSelection
from sklstm._training.batches import batches_by_steps
from sklstm._training.tensors import SequenceTensors
from sklstm.inspection._fitted import cell_of, member_of, sequences_of
from sklstm.nn.recurrent import reverse_within_lengths
from sklstm.sequences import SequenceArray

__all__ = ["gate_activations", "memory_span"]

MAX_STEPS = 1 << 13
KEEPING_GATES = ("forget", "update")


def gate_activations(estimator, X, layer=0, direction="forward", member=0):
    """Return the gates and states of a recurrent layer at every step.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted.

    X : SequenceArray, array-like or list
        The sequences, in any form that the estimator takes.

    layer : int, default=0
        Which recurrent layer, from 0.

    direction : {"forward", "backward"}, default="forward"
        Which direction of a bidirectional network.

    member : int, default=0
        Which network, where there are several.

    Returns
    -------
    activations : :class:`~sklearn.utils.Bunch`
        A :class:`~sklstm.SequenceArray` of (n_timesteps_i, hidden_size) for each of
        `input`, `forget`, `candidate`, `output`, `cell` and `hidden`, in the order of
        the steps as they were recorded. A gate is between 0 and 1, a candidate and a
        hidden state between -1 and 1. For `cell="gru"` they are `reset`, `update`
        (`activations["update"]`, as a Bunch has a method of this name), `candidate` and
        `hidden`, for `cell="rnn"` only `hidden`. For `cell="use_gate"`,
        `input` is the learn gate, `output` the use gate, `cell` the long-term and
        `hidden` the short-term memory.
        With a `stride`, a step has those of its own phase: neighbours are as many steps
        apart as a stride is long.

    Raises
    ------
    ValueError
        If there is no such layer, direction or member.

    See Also
    --------
    memory_span : How long each unit remembers.

    Examples
    --------
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_japanese_vowels
    >>> from sklstm.inspection import gate_activations
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> clf = LSTMClassifier(8, max_epochs=2, random_state=0).fit(X, y)
    >>> gates = gate_activations(clf, X[:2])
    >>> gates.forget[0].shape == (X.lengths[0], 8)
    True
    """
    sequences = sequences_of(estimator, X)
    network = member_of(estimator, member)
    cell = cell_of(network, layer, direction)
    device = network.head.weight.device
    selection = SequenceSelection(sequences)
    tensors = SequenceTensors(selection, network, device)
    values: dict[str, np.ndarray] = {}
    for indices in batches_by_steps(sequences.lengths, MAX_STEPS):
        with torch.autocast(device.type, enabled=False):
            batch = _run_cell(network, cell, layer, direction, tensors.inputs(indices))
        for name, value in batch.items():
            shape = (len(sequences.values), value.shape[-1])
            values.setdefault(name, np.empty(shape, dtype=np.float32))
            selection.fill(values[name], indices, value.cpu().numpy())
    ids, times = sequences.ids, sequences.times
    return Bunch(
        **{
            name: SequenceArray(value, sequences.lengths, ids=ids, times=times)
            for name, value in values.items()
        }
    )


def memory_span(estimator, X, layer=0, direction="forward", member=0):
    """Return how many steps each unit keeps half of what it holds.

    A forget gate of f keeps a share of f of the cell state in a step. The span is what
    the geometric mean of the gate over all steps amounts to.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted.

    X : SequenceArray, array-like or list
        The sequences, in any form that the estimator takes.

    layer : int, default=0
        Which recurrent layer, from 0.

    direction : {"forward", "backward"}, default="forward"
        Which direction of a bidirectional network.

    member : int, default=0
        Which network, where there are several.

    Returns
    -------
    span : ndarray of shape (hidden_size,)
        In steps, infinite where nothing is forgotten.

    Raises
    ------
    ValueError
        If there is no such layer, direction or member, or the cell has no gate that
        keeps.

    See Also
    --------
    gate_activations : The gates themselves.

    Examples
    --------
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_japanese_vowels
    >>> from sklstm.inspection import memory_span
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> clf = LSTMClassifier(8, max_epochs=2, random_state=0).fit(X, y)
    >>> memory_span(clf, X).shape
    (8,)
    """
    gates = gate_activations(estimator, X, layer, direction, member)
    kept = [gates[name] for name in KEEPING_GATES if name in gates]
    if not kept:
        raise ValueError(
            f"cell={estimator.module_.config['cell']!r} has no gate that keeps what it "
            "holds: choose 'lstm', 'gru', 'peephole' or 'use_gate'."
        )
    share = kept[0].values.astype(np.float64)
    with np.errstate(divide="ignore"):
        n_read = np.log(0.5) / np.log(share).mean(axis=0)
    return n_read * estimator.module_.config["stride"]


@torch.inference_mode()
def _run_cell(network, cell, layer, direction, inputs) -> dict[str, torch.Tensor]:
    """Return every named value, (batch, time, hidden_size), as the steps were recorded."""
    phases = network.all_phases(inputs["columns"], inputs.get("lengths"))
    x = network.recurrent_inputs(inputs["columns"], phases)
    x = network.recurrent.layer_input(x, phases.lengths, layer)
    if direction == "backward":
        x = reverse_within_lengths(x, phases.lengths)
    values = cell.trace(x)
    if direction == "backward":
        values = {
            name: reverse_within_lengths(v, phases.lengths) for name, v in values.items()
        }
    return {name: phases.spread(value) for name, value in values.items()}
