"""The full sets of the PhysioNet/CinC Challenge 2012, as raw events."""

import io
import os
import tarfile
from pathlib import PurePath

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from sklstm.datasets._download import fetch_file
from sklstm.datasets._io import load_description

URL = "https://physionet.org/files/challenge-2012/1.0.0/"
SHA256 = {
    "set-a.tar.gz": "8cb250f179cd0952b4b9ebcf8954b63d70383131670fac1cfee13deaa13ca920",
    "set-b.tar.gz": "b1637a2a423a8e76f8f087896cfc5fdf28f88519e1f4e874fbda69b2a64dac30",
    "set-c.tar.gz": "a4a56b95bcee4d50a3874fe298bf2998f2ed0dd98a676579573dc10419329ee1",
    "Outcomes-a.txt": "2613ea60ccda29f87571a7d6b09ad130858a8ccd66325bd073365925026883c2",
    "Outcomes-b.txt": "1305f29734da374a809483229a99f33a9230aa8d4fa74b1a2d6ad788136423d5",
    "Outcomes-c.txt": "0b32dcb7753c0f18f2f5fde498a28618b8879c5e527ce0dae8ad120dd7e205c9",
}
STATIC = ["Age", "Gender", "Height", "ICUType"]
UNKNOWN = -1


@validate_params(
    {
        "subset": [StrOptions({"a", "b", "c"})],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_physionet2012(*, subset="a", data_home=None, download_if_missing=True):
    """Load a full set of the PhysioNet/CinC Challenge 2012 as raw events.

    Each of the three sets holds 4000 stays in intensive care: what was measured in their
    first 48 hours, as it was recorded, one row a measurement, and what became of the
    patient. A set is downloaded once, about 7 MB, and compared with its checksum.

    Parameters
    ----------
    subset : {"a", "b", "c"}, default="a"
        The set. The challenge trained on a, and scored on b and c.

    data_home : str or path-like, default=None
        The folder of all data sets, that of scikit-learn if None: the environment
        variable SCIKIT_LEARN_DATA, or `~/scikit_learn_data`. The files are kept in its
        folder `physionet2012`.

    download_if_missing : bool, default=True
        Whether the files may be downloaded. If False, they have to be there.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        events : DataFrame
            `RecordID`, `Hours` since admission, `Parameter` and `Value` of each
            measurement. Values that the source marks as unknown are left out.
        static : DataFrame
            `RecordID`, `Age`, `Gender`, `Height` and `ICUType` of each stay.
        outcomes : DataFrame
            `RecordID`, `SAPS-I`, `SOFA`, `Length_of_stay`, `Survival` and
            `In-hospital_death` of each stay.
        DESCR : str
            Where the data come from, their licence and how they were prepared.

    Raises
    ------
    ImportError
        If pandas is not installed.

    OSError
        If a file cannot be downloaded, or is not the one that it should be.

    See Also
    --------
    load_icu_stays : Set a by the hour, which ships with the package.
    sklstm.SequenceArray.from_events : Makes sequences of the events.

    References
    ----------
    .. [1] I. Silva, G. Moody, D. J. Scott, L. A. Celi and R. G. Mark (2012).
       "Predicting in-hospital mortality of ICU patients: the PhysioNet/Computing in
       Cardiology Challenge 2012". Computing in Cardiology 39, 245-248.

    Examples
    --------
    >>> from sklstm import LSTMClassifier, SequenceArray
    >>> from sklstm.datasets import fetch_physionet2012
    >>> icu = fetch_physionet2012(subset="a")  # doctest: +SKIP
    >>> X = SequenceArray.from_events(
    ...     icu.events, id="RecordID", time="Hours", code="Parameter", value="Value",
    ...     static=icu.static, freq=2, aggregate="mean",
    ... )  # doctest: +SKIP
    >>> X, y = X.align(icu.outcomes, "RecordID", "In-hospital_death")  # doctest: +SKIP
    >>> clf = LSTMClassifier().fit(X, y)  # doctest: +SKIP
    """
    pandas = _import_pandas()
    names = f"set-{subset}.tar.gz", f"Outcomes-{subset}.txt"
    archive, outcomes = (
        fetch_file(URL + name, SHA256[name], "physionet2012", data_home, download_if_missing)
        for name in names
    )
    rows = _read_rows(pandas, archive)
    is_static = (rows["Hours"] == 0) & rows["Parameter"].isin(STATIC)
    is_event = ~rows["Parameter"].isin([*STATIC, "RecordID"]) & (rows["Value"] != UNKNOWN)
    return Bunch(
        events=rows[is_event].reset_index(drop=True),
        static=_a_row_a_stay(rows[is_static]),
        outcomes=pandas.read_csv(outcomes),
        DESCR=load_description("physionet2012"),
    )


def _import_pandas():
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "fetch_physionet2012 returns frames of pandas, which is not installed: "
            "pip install pandas installs it."
        ) from error
    return pandas


def _read_rows(pandas, archive):
    """Return all rows of all stays, in the order of the archive."""
    lines = io.BytesIO()
    with tarfile.open(archive) as files:
        for member in files:
            if member.name.endswith(".txt"):
                record = PurePath(member.name).stem.encode()
                _, *rows = files.extractfile(member).read().splitlines()
                lines.writelines(b"%s,%s\n" % (record, row) for row in rows)
    lines.seek(0)
    rows = pandas.read_csv(lines, names=["RecordID", "Time", "Parameter", "Value"])
    place, clocks = pandas.factorize(rows["Time"])
    hours = [int(clock[:-3]) + int(clock[-2:]) / 60 for clock in clocks]
    rows["Hours"] = np.array(hours)[place]
    rows = rows.dropna(subset=["Parameter"])
    return rows[["RecordID", "Hours", "Parameter", "Value"]]


def _a_row_a_stay(rows):
    """Return a frame with the static columns of each stay, NaN where one is unknown."""
    rows = rows.drop_duplicates(["RecordID", "Parameter"])
    table = rows.pivot(index="RecordID", columns="Parameter", values="Value")
    table = table.reindex(columns=STATIC).replace(UNKNOWN, np.nan)
    return table.rename_axis(columns=None).reset_index()
