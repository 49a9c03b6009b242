"""Small real sequence sets that ship with the package, and generators."""

from sklstm.datasets._generators import (
    make_adding_problem,
    make_copy_memory,
    make_temporal_order,
)
from sklstm.datasets._icu_stays import load_icu_stays
from sklstm.datasets._japanese_vowels import load_japanese_vowels

__all__ = [
    "load_icu_stays",
    "load_japanese_vowels",
    "make_adding_problem",
    "make_copy_memory",
    "make_temporal_order",
]
