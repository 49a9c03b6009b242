"""Downloaded data, from files in a local folder."""

import hashlib
import io
import sys
import tarfile

import numpy as np
import pandas as pd
import pytest

from sklstm import SequenceArray
from sklstm.datasets import _physionet2012, fetch_physionet2012

RECORDS = {
    "132540": [
        "00:00,RecordID,132540",
        "00:00,Age,76",
        "00:00,Gender,1",
        "00:00,Height,-1",
        "00:00,ICUType,2",
        "00:00,Weight,-1",
        "00:42,pH,7.45",
        "01:11,HR,88",
        "47:30,HR,71.5",
    ],
    "132539": [
        "00:00,RecordID,132539",
        "00:00,Age,54",
        "00:00,Gender,0",
        "00:00,Height,160",
        "00:00,ICUType,4",
        "00:07,HR,73",
        "00:07,,",
        "10:00,Weight,81",
    ],
}
OUTCOMES = """RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death
132539,6,1,5,-1,0
132540,16,8,8,3,1
"""
COLUMNS = {"id": "RecordID", "time": "Hours", "code": "Parameter", "value": "Value"}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that stands for the site of the data, with two stays."""
    folder = tmp_path / "site"
    folder.mkdir()
    with tarfile.open(folder / "set-a.tar.gz", "w:gz") as archive:
        for record, lines in RECORDS.items():
            content = "\n".join(["Time,Parameter,Value", *lines, ""]).encode()
            member = tarfile.TarInfo(f"set-a/{record}.txt")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (folder / "Outcomes-a.txt").write_text(OUTCOMES)
    checksums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()
    }
    monkeypatch.setattr(_physionet2012, "URL", f"{folder.as_uri()}/")
    monkeypatch.setattr(_physionet2012, "SHA256", checksums)
    return folder


def test_events_as_recorded(site, tmp_path):
    icu = fetch_physionet2012(data_home=tmp_path)
    assert icu.events.to_dict("list") == {
        "RecordID": [132540, 132540, 132540, 132539, 132539],
        "Hours": [0.7, 1 + 11 / 60, 47.5, 7 / 60, 10.0],
        "Parameter": ["pH", "HR", "HR", "HR", "Weight"],
        "Value": [7.45, 88, 71.5, 73, 81],
    }


def test_static_columns_with_gaps(site, tmp_path):
    static = fetch_physionet2012(data_home=tmp_path).static
    assert static.columns.tolist() == ["RecordID", "Age", "Gender", "Height", "ICUType"]
    np.testing.assert_array_equal(
        static, [[132539, 54, 0, 160, 4], [132540, 76, 1, np.nan, 2]]
    )


def test_become_sequences_with_labels(site, tmp_path):
    icu = fetch_physionet2012(data_home=tmp_path)
    X = SequenceArray.from_events(icu.events, **COLUMNS, static=icu.static, freq=1)
    X, y = X.align(icu.outcomes, "RecordID", "In-hospital_death")
    assert X.ids.tolist() == [132539, 132540]
    assert X.times.tolist() == [0, 10, 0, 1, 47]
    assert X.n_static == 4
    assert y.tolist() == [0, 1]


def test_are_downloaded_once(site, tmp_path):
    first = fetch_physionet2012(data_home=tmp_path)
    for path in site.iterdir():
        path.unlink()
    again = fetch_physionet2012(data_home=str(tmp_path), download_if_missing=False)
    pd.testing.assert_frame_equal(again.events, first.events)
    names = sorted(path.name for path in (tmp_path / "physionet2012").iterdir())
    assert names == ["Outcomes-a.txt", "set-a.tar.gz"]


def test_another_file_is_refused_and_not_kept(site, tmp_path):
    (site / "Outcomes-a.txt").write_text("<html>not found</html>")
    with pytest.raises(OSError, match=r"Outcomes-a.txt is not the file that it should be"):
        fetch_physionet2012(data_home=tmp_path)
    assert not (tmp_path / "physionet2012" / "Outcomes-a.txt").exists()
    (tmp_path / "physionet2012" / "Outcomes-a.txt").write_text("changed")
    with pytest.raises(OSError, match=r"physionet2012.Outcomes-a.txt is not the file"):
        fetch_physionet2012(data_home=tmp_path)


def test_without_a_connection_the_place_is_named(site, tmp_path):
    (site / "set-a.tar.gz").unlink()
    with pytest.raises(OSError, match=r"cannot be downloaded: .* put the file at"):
        fetch_physionet2012(data_home=tmp_path)
    assert not list((tmp_path / "physionet2012").iterdir())


def test_nothing_is_downloaded_unasked(site, tmp_path):
    with pytest.raises(OSError, match=r"set-a.tar.gz is not there, and download_if"):
        fetch_physionet2012(data_home=tmp_path, download_if_missing=False)


def test_each_file_of_each_set_has_a_checksum():
    names = {f"set-{s}.tar.gz" for s in "abc"} | {f"Outcomes-{s}.txt" for s in "abc"}
    assert set(_physionet2012.SHA256) == names
    assert len({*_physionet2012.SHA256.values()}) == 6
    assert {len(checksum) for checksum in _physionet2012.SHA256.values()} == {64}


def test_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"fetch_physionet2012 returns frames of pandas"):
        fetch_physionet2012()


@pytest.mark.parametrize("subset", ["d", "A", None])
def test_sets_that_do_not_exist(subset):
    with pytest.raises(ValueError, match=r"'subset' parameter of fetch_physionet2012"):
        fetch_physionet2012(subset=subset)
