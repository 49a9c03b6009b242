"""Small real sequence sets that ship with the package, a large one, and generators."""

from sklstm.datasets._generators import (
    make_adding_problem,
    make_copy_memory,
    make_temporal_order,
)
from sklstm.datasets._icu_stays import load_icu_stays
from sklstm.datasets._japanese_vowels import load_japanese_vowels
from sklstm.datasets._physionet2012 import fetch_physionet2012

__all__ = [
    "fetch_physionet2012",
    "load_icu_stays",
    "load_japanese_vowels",
    "make_adding_problem",
    "make_copy_memory",
    "make_temporal_order",
]
