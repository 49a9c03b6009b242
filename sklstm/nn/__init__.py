"""The PyTorch side: a network that stands alone, without scikit-learn or skorch."""

from sklstm.nn.ensemble import EnsembleNetwork
from sklstm.nn.inputs import StaticInputs, StepInputs
from sklstm.nn.losses import WeightedLoss
from sklstm.nn.network import SequenceNetwork
from sklstm.nn.pooling import Pooling
from sklstm.nn.recurrent import RecurrentStack

__all__ = [
    "EnsembleNetwork",
    "Pooling",
    "RecurrentStack",
    "SequenceNetwork",
    "StaticInputs",
    "StepInputs",
    "WeightedLoss",
]
