"""Pictures of fitted estimators; matplotlib is imported when something is drawn."""

from sklstm.inspection._training_curve import TrainingCurveDisplay

__all__ = ["TrainingCurveDisplay"]
