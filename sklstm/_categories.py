"""Which columns hold categories, and the vocabulary that a fit learns of each."""

from typing import NamedTuple

import numpy as np

from sklstm._selection import SequenceSelection, chunks_of, rows_of
from sklstm.sequences import SequenceArray
from sklstm.sequences._categories import as_array, column_number, decode, encode, recode

Categories = dict[int, np.ndarray]

NO_NAMES = "not given, and columns of a table are steps: give the number of a feature"

PLACES = (
    ("values", "categories", "feature_names", "Feature"),
    ("static", "static_categories", "static_names", "Static column"),
)
"""Where a SequenceArray has columns, their categories and names, and what they are."""


class Vocabulary(NamedTuple):
    """Categories of step and of static columns; None where they are not known yet."""

    categories: dict[int, np.ndarray | None]
    static_categories: dict[int, np.ndarray | None]


def check_categories(estimator, sequences: SequenceArray, *, reset: bool) -> SequenceArray:
    """Return sequences that hold codes in the categorical features, and only there.

    Parameters
    ----------
    estimator : estimator
        Gives `categorical_features`; holds `categories_` and `static_categories_`.

    sequences : SequenceArray
        Numbers, and codes of `categories`.

    reset : bool
        Whether to record on the estimator which features are categorical; their
        categories are None until they are learnt.

    Returns
    -------
    sequences : SequenceArray
        With the codes of the estimator's vocabulary or, before one is learnt, its own.

    Raises
    ------
    ValueError
        If a feature holds categories here and numbers there.
    """
    if reset:
        found = _find_columns(estimator.categorical_features, sequences)
        estimator.categories_, estimator.static_categories_ = found
    known = Vocabulary(estimator.categories_, estimator.static_categories_)
    return with_vocabulary(sequences, known)


def with_vocabulary(sequences: SequenceArray, vocabulary: Vocabulary) -> SequenceArray:
    """Return sequences whose codes are those of a vocabulary."""
    parts = {}
    for (values, categories, names, what), known in zip(PLACES, vocabulary, strict=True):
        own = getattr(sequences, categories)
        if own or known:
            parts[values], parts[categories] = _code_columns(
                getattr(sequences, values), own, known, getattr(sequences, names), what
            )
    return sequences.replace(**parts) if parts else sequences


def recode_selection(
    sequences: SequenceSelection, vocabulary: Vocabulary
) -> SequenceSelection:
    """Return the same selection in the codes of a vocabulary."""
    return sequences.over(with_vocabulary(sequences.array, vocabulary))


def learn_vocabulary(sequences: SequenceSelection, weight: np.ndarray) -> Vocabulary:
    """Return the categories that are in any training sequence.

    Parameters
    ----------
    sequences : SequenceSelection
        The training sequences, with categories of their own.

    weight : ndarray of shape (n_sequences,)
        How many sequences each counts for.

    Returns
    -------
    vocabulary : Vocabulary
        In the order of the categories that the sequences have.
    """
    counts, static_counts = count_categories(sequences, weight)
    array = sequences.array
    return Vocabulary(
        {c: array.categories[c][counts[c] > 0] for c in counts},
        {c: array.static_categories[c][static_counts[c] > 0] for c in static_counts},
    )


def count_categories(
    sequences: SequenceSelection, weight: np.ndarray
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Return in how many sequences each category of step and static columns is.

    Parameters
    ----------
    sequences : SequenceSelection
        With categories.

    weight : ndarray of shape (n_sequences,)
        How many sequences each counts for.

    Returns
    -------
    counts, static_counts : dict of int to ndarray of shape (n_categories,)
        By column.
    """
    array = sequences.array
    steps = {column: np.zeros(len(names)) for column, names in array.categories.items()}
    for chunk in chunks_of(sequences.lengths) if steps else ():
        lengths = sequences.lengths[chunk]
        rows, _ = rows_of(sequences.starts[chunk], lengths)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        for column, count in steps.items():
            count += _count(array.values[rows, column], owner, len(count), weight[chunk])
    owner = np.arange(len(sequences))
    static = {
        column: _count(sequences.static[:, column], owner, len(names), weight)
        for column, names in array.static_categories.items()
    }
    return steps, static


def _count(codes, owner, n_categories: int, weight: np.ndarray) -> np.ndarray:
    is_known = codes < n_categories  # neither NaN nor their number
    pairs = np.unique(owner[is_known] * n_categories + codes[is_known].astype(int))
    owner, codes = np.divmod(pairs, max(n_categories, 1))
    return np.bincount(codes, weight[owner], minlength=n_categories)


def _find_columns(categorical_features, sequences: SequenceArray) -> Vocabulary:
    if categorical_features is None:
        return Vocabulary({}, {})
    steps, static = set(sequences.categories), set(sequences.static_categories)
    if not isinstance(categorical_features, str):
        more_steps, more_static = _named_columns(as_array(categorical_features), sequences)
        steps, static = steps | more_steps, static | more_static
    return Vocabulary(dict.fromkeys(sorted(steps)), dict.fromkeys(sorted(static)))


def _named_columns(named: np.ndarray, sequences: SequenceArray) -> tuple[set, set]:
    n_features, what = sequences.n_features, "categorical_features"
    if named.dtype.kind == "b":
        if named.shape != (n_features,):
            raise ValueError(
                f"{what} is a mask of shape {named.shape}, but X has {n_features} features."
            )
        return set(np.flatnonzero(named).tolist()), set()
    names = [] if sequences.feature_names is None else list(sequences.feature_names)
    static_names = [] if sequences.static_names is None else list(sequences.static_names)
    steps, static = set(), set()
    for key in np.ravel(named).tolist():
        if isinstance(key, str) and key in names and key in static_names:
            raise ValueError(
                f"{what} has {key!r}, which is a column of the steps and a static column: "
                "give one of them another name."
            )
        if isinstance(key, str) and key not in names + static_names:
            raise ValueError(
                f"{what} has {key!r}, which is no column of X: its names are "
                f"{', '.join(map(repr, names + static_names)) or NO_NAMES}."
            )
        if key in static_names:
            static.add(static_names.index(key))
        else:
            steps.add(column_number(key, n_features, names, what))
    return steps, static


def _code_columns(values, own: Categories, wanted: dict, names, what: str):
    """Return values with codes in the wanted columns and numbers in the others."""
    changed, categories = {}, {}
    for column in sorted({*own, *wanted}):
        name = f"{what} {column if names is None else repr(names[column])}"
        known, codes = wanted.get(column), values[:, column]
        if column not in wanted:
            changed[column] = _as_numbers(codes, own[column], name)
        elif column not in own:
            _refuse_numbers(codes, known, name)
            _refuse_large(codes, name)
            changed[column], categories[column] = encode(codes, known)
        elif known is None or known is own[column]:
            categories[column] = own[column]
        else:
            _refuse_other_kind(own[column], known, name)
            changed[column], categories[column] = recode(codes, own[column], known), known
    if changed:
        values = values.copy()
        values[:, list(changed)] = np.column_stack(list(changed.values()))
    return values, categories


def _as_numbers(codes: np.ndarray, categories: np.ndarray, name: str) -> np.ndarray:
    if categories.dtype.kind in "bif" or not len(categories):
        return decode(codes, categories).astype(np.float64)
    raise ValueError(
        f"{name} must hold numbers, but holds categories such as {categories[0]!r}: see "
        "categorical_features."
    )


def _refuse_numbers(values: np.ndarray, known: np.ndarray | None, name: str) -> None:
    may_be_numbers = known is None or not len(known) or known.dtype.kind in "bif"
    if not (may_be_numbers or np.isnan(values).all()):
        raise ValueError(
            f"{name} holds numbers, but in fit it held categories such as {known[0]!r}."
        )


def _refuse_large(values: np.ndarray, name: str) -> None:
    """Refuse codes that are not told apart once they are floating-point numbers."""
    is_large = np.abs(values) >= 2.0 ** (np.finfo(values.dtype).nmant + 1)
    if is_large.any():
        raise ValueError(
            f"{name} is categorical, but its codes are too large to be told apart as "
            f"numbers: {values[is_large][0]:.0f}. Make the column text or a category."
        )


def _refuse_other_kind(own: np.ndarray, known: np.ndarray, name: str) -> None:
    """Refuse text where there were numbers: every category would be an unknown one."""
    kinds = [{_kind(value) for value in values.tolist()} for values in (own, known)]
    if all(kinds) and not kinds[0] & kinds[1]:
        raise ValueError(
            f"{name} holds categories such as {own.tolist()[0]!r}, but in fit such as "
            f"{known.tolist()[0]!r}: bring them into one type."
        )


def _kind(value) -> type:
    return float if isinstance(value, (int, float)) else type(value)  # True is 1
