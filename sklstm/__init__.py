"""scikit-learn estimators around a PyTorch LSTM, for sequences as they are recorded."""

from sklstm._classifier import LSTMClassifier
from sklstm._regressor import LSTMRegressor
from sklstm.sequences import SequenceArray

__version__ = "0.1.0"

__all__ = ["LSTMClassifier", "LSTMRegressor", "SequenceArray"]
