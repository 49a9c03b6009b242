"""How much worse a model gets when a part of the sequences is exchanged."""

from itertools import pairwise
from numbers import Integral

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params

from sklstm._selection import rows_of
from sklstm.inspection._columns import feature_names_of, static_names_of
from sklstm.inspection._fitted import checked_again, sequences_of

__all__ = ["sequence_importance"]


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "X": "no_validation",
        "y": "no_validation",
        "by": [StrOptions({"feature", "time", "static"})],
        "n_blocks": [Interval(Integral, 1, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "scoring": [None, str, callable],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def sequence_importance(
    estimator,
    X,
    y,
    *,
    by="feature",
    n_blocks=10,
    n_repeats=5,
    scoring=None,
    random_state=None,
):
    """Measure what a fitted estimator relies on by permutation.

    As in [1]_, a feature, a block of time or a static column of each sequence is replaced by
    that of another sequence, drawn at random; the importance is how much the score falls. A
    series of another length is cut, or repeated from its start, to fit. What can be told
    from elsewhere has a low importance, even if the model would use it.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted.

    X : SequenceArray, array-like or list
        Sequences, better not those of the training.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        What is true of them.

    by : {"feature", "time", "static"}, default="feature"
        What is exchanged: all values of a feature, all features in a block of steps, or
        a static column.

    n_blocks : int, default=10
        Number of blocks of equal length that the longest sequence is divided into, for
        "time".

    n_repeats : int, default=5
        Number of random exchanges of each part.

    scoring : str, callable or None, default=None
        The score, as scikit-learn takes it. The estimator's own if None.

    random_state : int, RandomState instance or None, default=None
        Determines the exchanges. Pass an int for the same ones in every call.

    Returns
    -------
    importance : :class:`~sklearn.utils.Bunch`
        `importances` of shape (n_parts, n_repeats), their mean and standard deviation
        `importances_mean` and `importances_std` of shape (n_parts,), and `names`, a list
        of the parts: features, static columns, or pairs of the first step of a block and
        of the step behind its last.

    Raises
    ------
    ValueError
        If there are no static columns, for "static".

    See Also
    --------
    sklearn.inspection.permutation_importance : The same for tables.

    References
    ----------
    .. [1] L. Breiman. "Random forests". Machine Learning 45, 2001.

    Examples
    --------
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.datasets import make_adding_problem
    >>> from sklstm.inspection import sequence_importance
    >>> X, y = make_adding_problem(200, 10, random_state=0)
    >>> reg = LSTMRegressor(16, max_epochs=20, random_state=0).fit(X, y)
    >>> sequence_importance(reg, X, y, random_state=0).importances.shape
    (2, 5)
    """
    sequences = checked_again(sequences_of(estimator, X), X)
    names, exchange = _parts_of(estimator, sequences, by, n_blocks)
    scorer = check_scoring(estimator, scoring=scoring)
    rng = check_random_state(random_state)
    whole = scorer(estimator, sequences, y)
    importances = np.empty((len(names), n_repeats))
    for part, repeat in np.ndindex(importances.shape):
        changed = exchange(part, rng.permutation(len(sequences)))
        importances[part, repeat] = whole - scorer(estimator, changed, y)
    return Bunch(
        importances=importances,
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        names=names,
    )


def _parts_of(estimator, sequences, by, n_blocks):
    """Return the names of the parts, and what exchanges one between sequences."""
    if by == "static":
        if sequences.static is None:
            raise ValueError("by='static' needs static columns, and X has none.")
        names = static_names_of(sequences)
        return names, lambda part, order: _with_other_static(sequences, part, order)
    if by == "feature":
        names = feature_names_of(estimator, sequences)
        return names, lambda part, order: _with_other_steps(sequences, order, column=part)
    bounds = np.linspace(0, sequences.lengths.max(), n_blocks + 1).round().astype(int)
    blocks = [(a, b) for a, b in pairwise(bounds.tolist()) if a < b]
    return blocks, lambda part, order: _with_other_steps(sequences, order, block=blocks[part])


def _with_other_steps(sequences, order, column=slice(None), block=None):
    """Return the sequences with a feature or a block of steps of the ones in `order`."""
    lengths = sequences.lengths
    rows, starts = rows_of(sequences.starts, lengths)
    step = rows - np.repeat(starts, lengths)
    source = np.repeat(sequences.starts[order], lengths) + step % np.repeat(
        lengths[order], lengths
    )
    is_changed = np.full(len(rows), True)
    if block is not None:
        is_changed = (block[0] <= step) & (step < block[1])
    values = sequences.values.copy()
    values[rows[is_changed], column] = sequences.values[source[is_changed], column]
    return sequences.replace(values=values)


def _with_other_static(sequences, column, order):
    static = sequences.static.copy()
    static[:, column] = static[order, column]
    return sequences.replace(static=static)
