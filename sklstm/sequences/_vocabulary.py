"""Which codes of events become columns."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from sklstm.sequences._tables import shown
from sklstm.sequences._warnings import warn_user

COUNTED = " (count)"
"""Ends the name of a column of counts where other columns hold values."""
OTHER = "other"


@dataclass(frozen=True)
class Codes:
    """The codes of events, and their values where they have one.

    Parameters
    ----------
    number : ndarray of int of shape (n_events,)
        Place of each event's code in `names`.

    names : ndarray of shape (n_codes,)
        The different codes, in order.

    values : ndarray of shape (n_events,) or None
        Values of the events, NaN where one is missing. If None, codes are counted.
    """

    number: np.ndarray
    names: np.ndarray
    values: np.ndarray | None

    def take(self, rows: np.ndarray) -> "Codes":
        """Return some of the events."""
        values = None if self.values is None else self.values[rows]
        return Codes(self.number[rows], self.names, values)

    @property
    def n_events(self) -> np.ndarray:
        """Number of events of each code."""
        return np.bincount(self.number, minlength=len(self.names))

    @property
    def counted_name(self) -> str:
        """Name of a column of counts, to be completed."""
        return "{}" if self.values is None else "{}" + COUNTED

    @property
    def has_value(self) -> np.ndarray:
        """Whether a code has a value in any of its events."""
        if self.values is None:
            return np.zeros(len(self.names), dtype=bool)
        known = self.number[~np.isnan(self.values)]
        return np.bincount(known, minlength=len(self.names)) > 0

    def column_names(self) -> list[str]:
        """Return the name of each code's column."""
        pairs = zip(self.names, self.has_value, strict=True)
        return [str(name) if has else self.counted_name.format(name) for name, has in pairs]


@dataclass(frozen=True)
class CodeVocabulary:
    """What is asked for of the columns.

    Parameters
    ----------
    max_codes : int or None
        Most columns of codes: the most frequent ones.

    min_count : int
        Fewest events of a code.

    unseen : {"drop", "other"}
        What becomes of other codes.

    like : sequence of str or None
        The columns, where they are given.
    """

    max_codes: int | None = None
    min_count: int = 1
    unseen: str = "drop"
    like: list[str] | None = None

    def __post_init__(self) -> None:
        if self.unseen not in ("drop", "other"):
            raise ValueError(f"unseen must be 'drop' or 'other', got {self.unseen!r}.")
        if self.max_codes is not None and not (
            isinstance(self.max_codes, Integral) and self.max_codes >= 1
        ):
            raise ValueError(
                "max_codes must be an integer of at least 1, or None for all codes, got "
                f"{self.max_codes!r}."
            )
        if self.like is not None and (self.max_codes is not None or self.min_count != 1):
            raise ValueError(
                "With `like`, the codes are given: leave out max_codes, min_count."
            )

    def columns(self, codes: Codes) -> tuple[list[str], np.ndarray]:
        """Return the names of the columns, and the column of each code.

        Parameters
        ----------
        codes : Codes
            The events.

        Returns
        -------
        names : list of str
            The columns.

        column : ndarray of int of shape (n_codes,)
            The column of each code, -1 where it is left out.
        """
        if self.like is not None:
            return list(self.like), self._columns_of_another(codes)
        kept = self._frequent(codes.n_events)
        _refuse_values_of_counts(codes.names[kept[codes.has_value[kept]]])
        names = np.array(codes.column_names(), dtype=object)[kept].tolist()
        column = np.full(len(codes.names), -1)
        column[kept] = np.arange(len(kept))
        if self.unseen == "other":
            other = codes.counted_name.format(OTHER)
            _refuse_name_of_others(names, other)
            names.append(other)
            column[column < 0] = len(kept)
        return names, column

    def _frequent(self, n_events: np.ndarray) -> np.ndarray:
        by_frequency = np.argsort(-n_events, kind="stable")[: self.max_codes]
        kept = np.sort(by_frequency[n_events[by_frequency] >= max(self.min_count, 1)])
        if not len(kept):
            raise ValueError(
                f"No code has {self.min_count} events: the most frequent one has "
                f"{n_events.max(initial=0)}. Lower min_count."
            )
        return kept

    def _columns_of_another(self, codes: Codes) -> np.ndarray:
        place = {name: i for i, name in enumerate(self.like)}
        other = place.get(codes.counted_name.format(OTHER), -1)
        if self.unseen == "other" and other < 0:
            raise ValueError(
                "unseen='other', but the array that is given as `like` has no column of other "
                "codes: build it with unseen='other', too."
            )
        names = [str(name) for name in codes.names]
        counted = np.array([place.get(codes.counted_name.format(name), -1) for name in names])
        named = np.array([place.get(name, -1) for name in names])
        if codes.values is not None:
            ends = np.array([name.endswith(COUNTED) for name in names])
            _refuse_values_of_counts(
                codes.names[ends & codes.has_value & (named >= 0) & (counted < 0)]
            )
            named[ends] = -1  # the counts of another code
        column = np.where(named < 0, counted, named)
        self._warn_of_unseen(codes, column < 0, other >= 0)
        return np.where(column < 0, other, column)

    def _warn_of_unseen(self, codes: Codes, is_unseen: np.ndarray, has_other: bool) -> None:
        n_events = codes.n_events
        is_unseen = is_unseen & (n_events > 0)
        if not is_unseen.any():
            return
        first = shown(codes.names[is_unseen.argmax()])
        outcome = "are counted as other codes" if has_other else "are left out"
        warn_user(
            f"Codes that `like` does not have: {is_unseen.sum()}, the first is {first}. Their "
            f"{n_events[is_unseen].sum()} events {outcome}."
        )


def _refuse_name_of_others(names: list[str], other: str) -> None:
    if other in names:
        raise ValueError(
            f"The column of a code would be called {other!r}, as is that of all codes without "
            "a column: rename the code, or leave such codes out by unseen='drop'."
        )


def _refuse_values_of_counts(names: np.ndarray) -> None:
    """Refuse codes with values whose column would be taken for one of counts."""
    for name in names.tolist():
        if str(name).endswith(COUNTED):
            raise ValueError(
                f"Code {name!r} has values, but a column of a name that ends in {COUNTED!r} "
                "counts the events of a code without values: rename the code."
            )


def is_counted(names: list[str], has_values: bool) -> np.ndarray:
    """Return which columns count events, and hold 0 where there is none."""
    return np.array([not has_values or name.endswith(COUNTED) for name in names], dtype=bool)
