"""The parts of a fitted estimator that are looked into."""

import copy

from sklearn.utils.validation import check_is_fitted

from sklstm._prediction import PredictionMixin
from sklstm._validation import check_sequences
from sklstm.nn import SequenceNetwork
from sklstm.nn.cells import CELLS, Cell
from sklstm.sequences import SequenceArray

DIRECTIONS = ("forward", "backward")


def check_has_network(estimator) -> None:
    """Refuse what is not a fitted estimator of this package."""
    if not isinstance(estimator, PredictionMixin):
        raise TypeError(
            f"{type(estimator).__name__} has no network: give a fitted LSTMClassifier or "
            "LSTMRegressor, such as best_estimator_ of a search. The last step of a pipeline "
            "reads what the steps before it return: give pipeline[-1] together with "
            "pipeline[:-1].transform(X)."
        )
    check_is_fitted(estimator)


def sequences_of(estimator, X) -> SequenceArray:
    """Return X as the estimator reads it, which has to be a fitted one of this package."""
    check_has_network(estimator)
    return check_sequences(estimator, X, reset=False)


def checked_again(sequences: SequenceArray, X) -> SequenceArray:
    """Return sequences of :func:`sequences_of` as the estimator takes them: X has the times.

    Once read, datetimes are numbers, which it would refuse.
    """
    return sequences.with_times(X.times) if isinstance(X, SequenceArray) else sequences


def member_of(estimator, member: int) -> SequenceNetwork:
    """Return one of the networks by its number."""
    members = estimator.module_.members
    if member not in range(len(members)):
        raise ValueError(
            f"member={member!r} does not exist: there are {len(members)}, from 0."
        )
    return members[member]


def double_copy(network: SequenceNetwork) -> SequenceNetwork:
    """Return a copy in double precision, where its device has it."""
    network = copy.deepcopy(network)
    return network if network.head.weight.device.type == "mps" else network.double()


def cell_of(network: SequenceNetwork, layer: int, direction: str) -> Cell:
    """Return the equations with the weights of a layer and direction."""
    recurrent = network.recurrent
    n_layers = len(recurrent.forward_layers)
    if layer not in range(n_layers):
        raise ValueError(f"layer={layer!r} does not exist: there are {n_layers}, from 0.")
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {DIRECTIONS}, got {direction!r}.")
    if direction == "backward" and not recurrent.backward_layers:
        raise ValueError(
            "direction='backward' does not exist: fit the estimator with bidirectional=True."
        )
    layers = recurrent.forward_layers if direction == "forward" else recurrent.backward_layers
    fitted = layers[layer]
    input_size, hidden_size = fitted.weight_ih_l0.shape[1], fitted.weight_hh_l0.shape[1]
    cell = CELLS[network.config["cell"]](input_size, hidden_size)
    cell.load_state_dict(fitted.state_dict())
    return cell.to(fitted.weight_ih_l0)
