"""The names of events above axes, none of them over another."""

GAP = 3
"""Points between a name and what is below it, left of it or right of it."""


def name_events(ax, events: dict, colour: str) -> None:
    """Write names above axes, each right of a line from its time upwards.

    Parameters
    ----------
    ax : matplotlib Axes
        Where the events are; their times are within its limits.

    events : dict of str to time
        What happened when, in the units of the axis.

    colour : str
        That of the names.
    """
    names = [_write(ax, name, time, colour) for name, time in events.items()]
    # Which names meet depends on the width of the axes, which the layout decides.
    ax.figure.canvas.figure.draw_without_rendering()
    points = 72 / ax.figure.dpi
    extents = [name.get_window_extent() for name in names]
    levels = _levels_of([(box.x0, box.x1 + 2 * GAP / points) for box in extents])
    height = GAP + max(box.height for box in extents) * points
    for name, level in zip(names, levels, strict=True):
        name.set_position((GAP, GAP + level * height))
    strip = _strip_above(ax, (max(levels) + 1) * height)
    tops = [(level + 1) * height for level in levels]
    strip.vlines(list(events.values()), 0, tops, color=colour, linestyle=":", linewidth=1.2)


def _write(ax, name: str, time, colour: str):
    return ax.annotate(
        name,
        (time, 1),
        xycoords=("data", "axes fraction"),
        xytext=(GAP, GAP),
        textcoords="offset points",
        color=colour,
    )


def _levels_of(spans: list[tuple[float, float]]) -> list[int]:
    """Return how high each name stands, so that no later name or line is in its span."""
    levels = [0] * len(spans)
    latest_first = sorted(range(len(spans)), key=lambda i: spans[i][0], reverse=True)
    for k, i in enumerate(latest_first):
        met = [levels[j] for j in latest_first[:k] if spans[j][0] < spans[i][1]]
        levels[i] = max(met, default=-1) + 1
    return levels


def _strip_above(ax, height: float):
    """Return axes without a frame, of a height in points; a title of `ax` is above them."""
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    from_top = ax.figure.dpi_scale_trans + ScaledTranslation(0, 1, ax.transAxes)
    place = blended_transform_factory(ax.transAxes, from_top)
    strip = ax.inset_axes([0, 0, 1, height / 72], transform=place, sharex=ax)
    strip.set_ylim(0, height)
    strip.axis("off")
    return strip
