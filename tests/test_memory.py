"""Data larger than the memory that a process may use."""

import resource
import subprocess
import sys

import numpy as np
import pytest

MEGABYTE = 1 << 20
DATA_MEGABYTES = 160
ALLOWED_MEGABYTES = 120

SETUP = """
import resource, sys
import numpy as np
import torch
from sklstm import LSTMClassifier

torch.set_num_threads(1)
shape = tuple(map(int, sys.argv[2:5]))
X = np.memmap(sys.argv[1], np.float32, mode="r", shape=shape)
y = np.arange(len(X)) % 2
clf = LSTMClassifier(4, max_epochs=1, batch_size=512, random_state=0, device="cpu")
clf.fit(np.array(X[:1024]), y[:1024])  # all that is loaded and started once

def memory():
    lines = open("/proc/self/status").read().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData"))

limit = memory() + int(sys.argv[5])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
"""

SCRIPTS = {
    "fit on a memory map": "clf.fit(X, y)",
    "partial_fit over chunks": """
for start in range(0, len(X), 20_000):
    part = slice(start, start + 20_000)
    clf.partial_fit(np.array(X[part]), y[part], classes=[0, 1])
""",
    "predict on a memory map": "assert clf.predict(X).shape == (len(X),)",
}


@pytest.fixture(scope="module")
def memory_map(tmp_path_factory):
    """A file of random numbers, and its shape."""
    shape = (DATA_MEGABYTES * MEGABYTE // (4 * 32 * 8), 32, 8)
    path = tmp_path_factory.mktemp("memory") / "X"
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, shape[0], 10_000):
            n_rows = min(10_000, shape[0] - start)
            rng.standard_normal((n_rows, *shape[1:]), dtype=np.float32).tofile(file)
    return path, shape


def run(script, memory_map):
    path, shape = memory_map
    arguments = [path, *shape, ALLOWED_MEGABYTES * MEGABYTE]
    return subprocess.run(
        [sys.executable, "-c", SETUP + script, *map(str, arguments)],
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_data_may_be_larger_than_memory(script, memory_map):
    done = run(script, memory_map)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_the_limit_is_one(memory_map):
    assert resource.RLIMIT_DATA is not None
    done = run("copy = np.array(X)", memory_map)
    assert done.returncode != 0
    assert "MemoryError" in done.stderr
