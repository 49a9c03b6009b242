"""matplotlib, where it is installed."""


def import_pyplot(name: str):
    """Return matplotlib's pyplot.

    Parameters
    ----------
    name : str
        What asks for it, for the message where it is missing.

    Returns
    -------
    pyplot : module
        :mod:`matplotlib.pyplot`.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{name} draws with matplotlib, which is not installed: "
            "pip install sklstm[plot] installs it."
        ) from error
    return plt
