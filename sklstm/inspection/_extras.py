"""Packages that are there only where their extra was installed."""

from importlib import import_module


def import_extra(module: str, extra: str, name: str):
    """Return a module of an optional package.

    Parameters
    ----------
    module : str
        The module.

    extra : str
        The extra of this package that installs it.

    name : str
        What asks for it, for the message where it is missing.

    Returns
    -------
    module : module
        The module.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{name} needs {module.split('.')[0]}, which is not installed: "
            f"pip install 'sklstm[{extra}]' installs it."
        ) from error
