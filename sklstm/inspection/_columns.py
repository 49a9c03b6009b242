"""The names of the columns of sequences, and of their times."""

from sklstm.inspection._one_sequence import time_axis
from sklstm.sequences import SequenceArray


def feature_names_of(estimator, sequences: SequenceArray) -> list:
    """Return the names of the features, their numbers where they have none."""
    known = getattr(estimator, "feature_names_in_", None)
    return _names(sequences.feature_names, known, sequences.n_features)


def static_names_of(sequences: SequenceArray) -> list:
    """Return the names of the static columns, their numbers where they have none."""
    return _names(sequences.static_names, None, sequences.n_static)


def times_of(X: SequenceArray, time_name: str | None) -> dict:
    """Return `times` and `time_name` of a display, the name that was given unless None."""
    axis = time_axis(X)
    return axis if time_name is None else axis | {"time_name": time_name}


def _names(names, known, n_columns: int) -> list:
    if names is None:
        names = known if known is not None and len(known) == n_columns else range(n_columns)
    return list(names)
