"""Warnings that point at what the user wrote."""

import sys
import warnings

LIBRARIES = {"sklstm", "sklearn", "skorch", "torch"}
"""Packages whose lines are not the user's."""


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that led here from outside, however deep it is called from."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _package(frame) in LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame) -> str:
    return frame.f_globals.get("__name__", "").partition(".")[0]
