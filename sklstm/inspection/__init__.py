"""Look into a fitted estimator. Figures need matplotlib."""

from sklstm.inspection._attention_display import AttentionDisplay
from sklstm.inspection._attribution_display import AttributionDisplay
from sklstm.inspection._attributions import feature_attributions
from sklstm.inspection._gate_display import GateDisplay
from sklstm.inspection._gates import gate_activations, memory_span
from sklstm.inspection._gradient_flow import gradient_flow
from sklstm.inspection._gradient_flow_display import GradientFlowDisplay
from sklstm.inspection._importance import sequence_importance
from sklstm.inspection._importance_display import ImportanceDisplay
from sklstm.inspection._risk_trajectory import RiskTrajectoryDisplay
from sklstm.inspection._training_curve import TrainingCurveDisplay

__all__ = [
    "AttentionDisplay",
    "AttributionDisplay",
    "GateDisplay",
    "GradientFlowDisplay",
    "ImportanceDisplay",
    "RiskTrajectoryDisplay",
    "TrainingCurveDisplay",
    "feature_attributions",
    "gate_activations",
    "gradient_flow",
    "memory_span",
    "sequence_importance",
]
