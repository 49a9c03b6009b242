"""What older versions of scikit-learn do not have."""

from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:
        """Stands in for scikit-learn's mixin where there is none."""

        def _init_callback_context(self, **kwargs: Any) -> None:
            return None


__all__ = ["CallbackSupportMixin"]
