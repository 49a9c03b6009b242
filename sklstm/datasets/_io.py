"""Reading the files that ship with the package."""

from importlib.resources import files

import numpy as np


def load_arrays(name):
    """Read every array of `data/<name>.npz`, as a dict."""
    path = files("sklstm.datasets") / "data" / f"{name}.npz"
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        return dict(archive)


def load_description(name):
    """Read `descr/<name>.rst`."""
    path = files("sklstm.datasets") / "descr" / f"{name}.rst"
    return path.read_text(encoding="utf-8")
