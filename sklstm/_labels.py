"""Labels of classes: what they may be, their numbers and their weights."""

from numbers import Real

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_y, column_or_1d

from sklstm._steps import is_known
from sklstm.sequences._categories import as_array


def check_labels(y) -> tuple[np.ndarray, bool]:
    """Return y as an array, and whether it is an indicator matrix."""
    _refuse_unknown(y)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind.startswith("continuous"):
        check_classification_targets(y)  # says what is wrong
    if kind == "multiclass-multioutput":
        raise ValueError(
            "Several labels a sample must be an indicator matrix of 0 and 1: use "
            "sklearn.preprocessing.MultiLabelBinarizer, or one classifier per column."
        )
    y = _check_y(y, multi_output=True, y_numeric=False)
    if kind == "multilabel-indicator":
        _refuse_other_numbers(y)
        return y, True
    return column_or_1d(y, warn=True), False


def _refuse_other_numbers(y: np.ndarray) -> None:
    """Refuse what scikit-learn takes for indicators, too: any matrix of two numbers."""
    is_other = ~np.isin(y, (0, 1))
    if is_other.any():
        raise ValueError(
            "Several labels a sample must be an indicator matrix of 0 and 1, but y holds "
            f"{y[is_other].tolist()[0]!r}: give y == value for the value that means yes."
        )


def _refuse_unknown(y) -> None:
    """Refuse missing labels, which may become words, and infinity, cast to an integer."""
    y = as_array(y)
    known = is_known(y) if y.ndim else np.array(True)
    if not known.all():
        raise ValueError(f"Input y contains NaN: sample {known.argmin()} has no label.")
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")


def encode_labels(y: np.ndarray, classes: np.ndarray, is_used: np.ndarray) -> np.ndarray:
    """Return the number of the class of each label, any number where it is not used."""
    codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    unknown = np.flatnonzero((classes[codes] != y) & is_used)
    if len(unknown):
        raise ValueError(
            f"The label {y[unknown].tolist()[0]!r} of sample {unknown[0]} is not one of "
            f"the classes {classes.tolist()!r}."
        )
    return codes.astype(np.int64)


def class_weights(
    class_weight: dict | str, classes: np.ndarray, codes: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return the weight of the class of each sample.

    Parameters
    ----------
    class_weight : dict or "balanced"
        Weights by label, 1 where a label is left out; or weights that give each class
        the same total of `weight`.

    classes : ndarray of shape (n_classes,)
        Labels.

    codes : ndarray of shape (n_samples,)
        Number of the class of each sample.

    weight : ndarray of shape (n_samples,)
        Weights of the samples.

    Returns
    -------
    weights : ndarray of shape (n_samples,)
        By which `weight` is to be multiplied.
    """
    if class_weight == "balanced":
        total = np.bincount(codes, weight, minlength=len(classes))
        of_class = np.divide(
            weight.sum(), len(classes) * total, out=np.zeros_like(total), where=total > 0
        )
    else:
        _check_class_weight(class_weight, classes)
        of_class = np.array([class_weight.get(label, 1.0) for label in classes.tolist()])
    return of_class[codes]


def _check_class_weight(class_weight: dict, classes: np.ndarray) -> None:
    unknown = [label for label in class_weight if label not in classes.tolist()]
    # A class may be missing from a fold, but then all the others have their weights.
    if unknown and len(class_weight) - len(unknown) < len(classes):
        raise ValueError(
            f"class_weight has {unknown[0]!r}, which is no class: they are "
            f"{', '.join(map(repr, classes.tolist()))}."
        )
    wrong = [label for label, weight in class_weight.items() if not _is_weight(weight)]
    if wrong:
        raise ValueError(
            f"class_weight of {wrong[0]!r} must be a number of at least 0, got "
            f"{class_weight[wrong[0]]!r}."
        )


def _is_weight(weight) -> bool:
    return isinstance(weight, Real) and 0 <= weight < np.inf


def indicator_weights(
    class_weight: list | str, target: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return the weight of the labels of each sample.

    Parameters
    ----------
    class_weight : list of dict, or "balanced"
        As for :func:`class_weights`, for each column.

    target : ndarray of shape (n_samples, n_outputs)
        Indicators, 0 and 1.

    weight : ndarray of shape (n_samples,)
        Weights of the samples.

    Returns
    -------
    weights : ndarray of shape (n_samples,)
        The product over the columns, by which `weight` is to be multiplied.
    """
    n_outputs = target.shape[1]
    if isinstance(class_weight, str):
        class_weight = [class_weight] * n_outputs
    is_list = isinstance(class_weight, list) and len(class_weight) == n_outputs
    if not is_list or not all(isinstance(each, (dict, str)) for each in class_weight):
        raise ValueError(
            "For multilabel targets class_weight must be 'balanced' or a list with a dict "
            f"for each of the {n_outputs} labels, got {class_weight!r}."
        )
    codes, classes = target.astype(np.int64), np.arange(2)
    columns = zip(class_weight, codes.T, strict=True)
    return np.prod([class_weights(w, classes, code, weight) for w, code in columns], axis=0)
