"""matplotlib, where it is installed."""

from sklstm.inspection._extras import import_extra


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
    return import_extra("matplotlib.pyplot", "plot", name)


def axes_for(name: str, ax, figsize: tuple[float, float]):
    """Return the axes to draw into, those of a new figure if None.

    Parameters
    ----------
    name : str
        What draws, for the message where matplotlib is missing.

    ax : matplotlib Axes or None
        What the user gave.

    figsize : tuple of float
        Width and height of a new figure, in inches.

    Returns
    -------
    ax : matplotlib Axes
        The axes.
    """
    plt = import_pyplot(name)
    return plt.subplots(figsize=figsize, layout="constrained")[1] if ax is None else ax
