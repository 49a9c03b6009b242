"""Ragged sequences in one object, and what builds it from arrays."""

from sklstm.sequences._array import SequenceArray

__all__ = ["SequenceArray"]
