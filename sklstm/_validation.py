"""What comes in becomes a SequenceArray, or a clear error."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight, check_array, validate_data

from sklstm._categories import check_categories
from sklstm._selection import CHUNK_STEPS
from sklstm._times import check_times
from sklstm.sequences import SequenceArray
from sklstm.sequences._categories import encode, is_categorical

ROWS_OF_FRAMES = (
    "Each row of a frame is a sequence of its own, with all of its steps side by side: for a "
    "row per time point or per measurement use SequenceArray.from_frame or "
    "SequenceArray.from_events."
)


def check_sequences(estimator, X, *, reset: bool) -> SequenceArray:
    """Turn any form of X into a :class:`SequenceArray` of finite or missing numbers.

    Parameters
    ----------
    estimator : estimator
        Gives `n_timesteps`, and holds `n_features_in_`, `feature_names_in_` and
        `n_static_features_in_`.

    X : SequenceArray, array, frame or list
        As `fit` and `predict` take it.

    reset : bool
        Whether to record features on the estimator, or to compare with what it has.

    Returns
    -------
    sequences : SequenceArray
        At least one sequence, each of at least one step.
    """
    sequences = read_sequences(estimator, X, reset=reset)
    _check_static(estimator, sequences, reset)
    sequences = check_categories(estimator, sequences, reset=reset)
    return _with_checked_times(estimator, sequences, reset)


def read_sequences(estimator, X, *, reset: bool) -> SequenceArray:
    """Do the same for what reads neither static columns nor times."""
    if reset:
        estimator._reads_tables = False
    if isinstance(X, SequenceArray):
        sequences = X
        _check_features(estimator, sequences.n_features, sequences.feature_names, reset)
    elif is_ragged(X):
        sequences = SequenceArray.from_list(X)
        _check_features(estimator, sequences.n_features, sequences.feature_names, reset)
    else:
        sequences = _from_array(estimator, X, reset)
    _refuse_empty(sequences)
    _refuse_infinite(sequences)
    return sequences


@contextmanager
def told_of_frames(X) -> Iterator[None]:
    """Add to an error about a frame how tables of steps are read."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if not hasattr(X, "columns"):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{str(error).rstrip('.')}. {ROWS_OF_FRAMES}") from error


def is_ragged(X) -> bool:
    """Whether X is a list, or a series or array of objects, with an array a sequence."""
    if hasattr(X, "to_numpy") and not hasattr(X, "columns"):
        X = X.to_numpy()
    if isinstance(X, np.ndarray):
        return X.dtype == object and X.ndim == 1 and len(X) > 0 and np.ndim(X[0]) > 0
    if not isinstance(X, (list, tuple)) or not len(X):
        return False
    return _is_matrix_or_ragged(X) or _holds_words(X)


def _is_matrix_or_ragged(X) -> bool:
    if hasattr(X[0], "shape"):
        return len(X[0].shape) == 2 or len({np.shape(x) for x in X}) > 1
    if not isinstance(X[0], (list, tuple)):
        return False
    is_nested = len(X[0]) > 0 and isinstance(X[0][0], (list, tuple))
    return is_nested or len({len(x) for x in X if isinstance(x, (list, tuple))}) > 1


def _holds_words(X) -> bool:
    """Whether the first sequence that is not empty is one of words."""
    first = next((x for x in X if isinstance(x, str) or (np.ndim(x) and len(x))), "")
    return not isinstance(first, str) and isinstance(np.ravel(first)[0], str)


def _from_array(estimator, X, reset: bool) -> SequenceArray:
    X, words = _words_to_codes(X)
    if getattr(X, "ndim", np.ndim(X) if isinstance(X, (list, tuple)) else 2) >= 3:
        sequences = _from_3d(estimator, X, reset)
    else:
        sequences = _from_table(estimator, X, reset)
    if words is None:
        return sequences
    return sequences.replace(categories=dict.fromkeys(range(sequences.n_features), words))


def _words_to_codes(X):
    """Return an array of words as codes, with its words; anything else as it is."""
    if not isinstance(X, (np.ndarray, list, tuple)) or not len(X):
        return X, None
    array = np.asarray(X)
    if array.dtype.kind not in "OUS" or not is_categorical(array.ravel()):
        return X, None
    if array.ndim < 2:
        raise ValueError(
            "X holds texts, or words, side by side. Give a sequence of words for each "
            f"sample, such as [text.split() for text in X]: sample 0 is {array.tolist()[0]!r}."
        )
    codes, words = encode(array.ravel())
    return codes.reshape(array.shape), words


def _from_3d(estimator, X, reset: bool) -> SequenceArray:
    X = check_array(X, allow_nd=True, ensure_all_finite=False, input_name="X")
    if X.ndim > 3:
        raise ValueError(
            "X must have 3 dimensions (n_samples, n_timesteps, n_features), or 2, "
            f"got shape {X.shape}."
        )
    if 0 in X.shape:
        raise ValueError(f"X is empty: its shape is {X.shape}.")
    _check_features(estimator, X.shape[2], None, reset)
    return SequenceArray.from_padded(X)


def _from_table(estimator, X, reset: bool) -> SequenceArray:
    """Rows of a 2-D array or frame are sequences, step after step."""
    frame = X if reset else None
    if reset or estimator._reads_tables:
        with told_of_frames(frame):
            X = validate_data(estimator, X, reset=reset, ensure_all_finite=False)
        estimator._reads_tables = True
    else:
        X = check_array(X, ensure_all_finite=False, input_name="X")
    n_timesteps = _steps_of_a_row(estimator, X, reset)
    n_features, remainder = divmod(X.shape[1], n_timesteps)
    if remainder:
        raise ValueError(
            f"X has {X.shape[1]} columns, which n_timesteps={n_timesteps} does not divide: "
            "each row must hold n_timesteps steps of all features, step after step."
        )
    if not estimator._reads_tables:
        hint = "A single sequence is [X]."
        _check_features(estimator, n_features, None, reset=False, hint=hint)
    with told_of_frames(frame):
        return SequenceArray.from_padded(X.reshape(len(X), n_timesteps, n_features))


def _steps_of_a_row(estimator, X, reset: bool) -> int:
    asked = estimator.n_timesteps or X.shape[1]
    if reset:
        estimator._n_timesteps = asked
    # What a row meant in fit is remembered: the parameter may have been set since.
    return estimator._n_timesteps if estimator._reads_tables else asked


def _check_features(estimator, n_features: int, names, reset: bool, hint: str = "") -> None:
    if reset:
        estimator.n_features_in_ = n_features
        is_text = names is not None and all(isinstance(name, str) for name in names)
        _record_names(estimator, "feature_names_in_", names if is_text else None)
        return
    expected = _features_per_step(estimator)
    known = getattr(estimator, "feature_names_in_", None)
    if n_features != expected:
        message = (
            f"X has {n_features} features, but {type(estimator).__name__} is expecting "
            f"{expected} features as input."
        )
        raise ValueError(" ".join([message, *_difference(names, known), hint]).rstrip())
    _check_names("feature", names, known)


def _difference(names, known) -> Iterator[str]:
    """Say by name which features are missing, and which were not there in fit."""
    if names is None or known is None:
        return
    for what, some, others in (("Missing", known, names), ("Not seen in fit", names, known)):
        lacking = [repr(str(name)) for name in some if name not in others]
        if lacking:
            more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
            yield f"{what}: {', '.join(lacking[:5])}{more}."
    yield "from_events reads the same columns again with like=, the sequences of fit."


def _features_per_step(estimator) -> int:
    if not estimator._reads_tables:
        return estimator.n_features_in_
    return estimator.n_features_in_ // estimator._n_timesteps


def _record_names(estimator, attribute: str, names) -> None:
    estimator.__dict__.pop(attribute, None)
    if names is not None:
        setattr(estimator, attribute, np.asarray(names, dtype=object))


def _check_names(what: str, names, known) -> None:
    """Refuse names in another order than in fit, where both have some."""
    if names is None or known is None:
        return
    for i, (name, before) in enumerate(zip(names, known, strict=True)):
        if name != before:
            raise ValueError(
                f"The {what}s should be those of fit, in the same order: "
                f"{what} {i} is {name!r}, in fit it was {before!r}."
            )


def _check_static(estimator, sequences: SequenceArray, reset: bool) -> None:
    if reset:
        estimator.n_static_features_in_ = sequences.n_static
        _record_names(estimator, "_static_names", sequences.static_names)
    expected = estimator.n_static_features_in_
    if sequences.n_static != expected:
        raise ValueError(
            f"X has {sequences.n_static} static columns, but {type(estimator).__name__} is "
            f"expecting {expected}, as in fit: give them in SequenceArray(static=...)."
        )
    known = getattr(estimator, "_static_names", None)
    _check_names("static column", sequences.static_names, known)


def _with_checked_times(estimator, sequences: SequenceArray, reset: bool) -> SequenceArray:
    if reset:
        estimator._reads_times = sequences.times is not None
    if not estimator._reads_times:
        return sequences if sequences.times is None else sequences.with_times(None)
    if sequences.times is None:
        raise ValueError(
            f"X has no times, but {type(estimator).__name__} was fitted to sequences with "
            "times: give them in SequenceArray(times=...)."
        )
    kind = {"M": "datetimes", "m": "durations"}.get(sequences.times.dtype.kind, "numbers")
    if reset:
        estimator._kind_of_times = kind
    if kind != estimator._kind_of_times:
        raise ValueError(
            f"The times of X are {kind}, in fit they were {estimator._kind_of_times}, which "
            "may be in another unit: give them in the form that they had in fit."
        )
    return sequences.with_times(check_times(sequences))


def _refuse_empty(sequences: SequenceArray) -> None:
    if not len(sequences):
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
    if not sequences.n_features:
        raise ValueError("Found sequences with 0 feature(s) while a minimum of 1 is required.")


def _refuse_infinite(sequences: SequenceArray) -> None:
    for start in range(0, len(sequences.values), CHUNK_STEPS):
        is_infinite = np.isinf(sequences.values[start : start + CHUNK_STEPS])
        if is_infinite.any():
            row, column = np.argwhere(is_infinite)[0] + (start, 0)
            sample = np.searchsorted(sequences.starts, row, side="right") - 1
            where = f"sample {sample}, step {row - sequences.starts[sample]}"
            raise ValueError(_infinite_message(where, column, sequences.feature_names))
    if sequences.static is not None and np.isinf(sequences.static).any():
        sample, column = np.argwhere(np.isinf(sequences.static))[0]
        where = f"sample {sample}, static columns"
        raise ValueError(_infinite_message(where, column, sequences.static_names))


def _infinite_message(where: str, column: int, names) -> str:
    name = column if names is None else repr(names[column])
    return (
        f"Input X contains infinity: {where}, feature {name}. "
        "Replace it by a number, or by NaN where the value is unknown."
    )


def check_is_target(estimator, y) -> None:
    """Refuse what cannot be a target, whatever it holds."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
    if issparse(y):
        raise TypeError("y is sparse, but must be dense: give y.toarray().")


def check_weight(sample_weight, sequences: SequenceArray) -> np.ndarray:
    """Return one weight per sequence, none negative and not all zero."""
    weight = _check_sample_weight(sample_weight, sequences, dtype=np.float64)
    negative = np.flatnonzero(weight < 0)
    if len(negative):
        raise ValueError(
            "Negative values in data passed to `sample_weight`: the weight of sample "
            f"{negative[0]} is {weight[negative[0]]:g}. Use 0 to leave a sample out."
        )
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
