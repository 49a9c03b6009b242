"""Arguments that are one of several names."""

from collections.abc import Iterable

__all__ = ["check_choice"]


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Refuse an argument that is none of its choices."""
    choices = tuple(choices)
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, got {value!r}.")
