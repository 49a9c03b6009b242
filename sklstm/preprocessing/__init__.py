"""What comes before the estimators: transformers of steps, and windows of series."""

from sklstm.preprocessing._time_distributed import TimeDistributed
from sklstm.preprocessing._windows import sliding_windows

__all__ = ["TimeDistributed", "sliding_windows"]
