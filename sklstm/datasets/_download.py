"""Files that are downloaded once, and are what their checksums say."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from sklearn.datasets import get_data_home

TIMEOUT = 60
"""Seconds without an answer after which a download is given up."""


def fetch_file(url: str, sha256: str, folder: str, data_home=None, download=True) -> Path:
    """Return the path of a file, which is downloaded if it is not there yet.

    Parameters
    ----------
    url : str
        Where it is.

    sha256 : str
        Its checksum.

    folder : str
        Folder below `data_home`.

    data_home : str or Path, default=None
        Folder of all data sets, that of scikit-learn if None.

    download : bool, default=True
        Whether it may be downloaded.

    Returns
    -------
    path : Path
        A file of this checksum.

    Raises
    ------
    OSError
        If it is not there and may not or cannot be downloaded, or its checksum differs.
    """
    path = Path(get_data_home(data_home)) / folder / url.rsplit("/", 1)[-1]
    if not path.exists():
        if not download:
            raise OSError(f"{path} is not there, and download_if_missing is False.")
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(url, path, sha256)
    _check(path, sha256)
    return path


def _download(url: str, path: Path, sha256: str) -> None:
    """Put a file in its place, once it is whole."""
    number, part = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(number, "wb") as file, urlopen(url, timeout=TIMEOUT) as answer:
            shutil.copyfileobj(answer, file)
        _check(Path(part), sha256, url)
        os.replace(part, path)
    except URLError as error:
        raise OSError(
            f"{url} cannot be downloaded: {error.reason}. Without a connection, put the file "
            f"at {path} yourself."
        ) from error
    finally:
        Path(part).unlink(missing_ok=True)


def _check(path: Path, sha256: str, source: str | None = None) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise OSError(
            f"{source or path} is not the file that it should be: its SHA-256 is {found}, not "
            f"{sha256}. Remove it and download it again."
        )
