"""Look into a fitted estimator. Figures need matplotlib."""

from sklstm.inspection._gate_display import GateDisplay
from sklstm.inspection._gates import gate_activations, memory_span
from sklstm.inspection._gradient_flow import gradient_flow
from sklstm.inspection._gradient_flow_display import GradientFlowDisplay
from sklstm.inspection._importance import sequence_importance
from sklstm.inspection._risk_trajectory import RiskTrajectoryDisplay
from sklstm.inspection._training_curve import TrainingCurveDisplay

__all__ = [
    "GateDisplay",
    "GradientFlowDisplay",
    "RiskTrajectoryDisplay",
    "TrainingCurveDisplay",
    "gate_activations",
    "gradient_flow",
    "memory_span",
    "sequence_importance",
]
