"""matplotlib, where it is installed."""

import numpy as np

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


def label_time(ax, times, name: str, most_dates: int = 7) -> None:
    """Name the axis of time, with ticks at whole numbers of steps, and with short dates.

    Parameters
    ----------
    ax : matplotlib Axes
        The axes.

    times : array-like of shape (n_timesteps,)
        Times, or the numbers of steps.

    name : str
        What they are.

    most_dates : int, default=7
        Dates that there is room for.
    """
    ax.set_xlabel(name)
    kind = np.asarray(times).dtype.kind
    if kind in "iu":
        whole_ticks(ax)
    if kind == "M":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        ax.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=most_dates))
        ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))


def whole_ticks(ax) -> None:
    """Have ticks at whole numbers alone on the horizontal axis, if the user set none."""
    from matplotlib.ticker import AutoLocator

    locator = ax.xaxis.get_major_locator()
    if isinstance(locator, AutoLocator):
        locator.set_params(integer=True, min_n_ticks=1)
