"""Memory that is asked for again at every step."""

import platform
import subprocess
import sys

import pytest
import torch

from sklstm._training.allocation import keep_freed_memory

# In a process of its own, as what other tests free would move glibc's bounds, too. In one
# thread: others have heaps of 64 MB, of which glibc gives back a second one in any case.
COUNT_PAGES = """
import resource
import numpy as np
import torch
from skorch.callbacks import Callback
from sklstm import LSTMClassifier

class CountPages(Callback):
    def on_train_begin(self, net, **kwargs):
        self.pages = []

    def on_batch_begin(self, net, **kwargs):
        self.before = pages_so_far()

    def on_batch_end(self, net, **kwargs):
        self.pages.append(pages_so_far() - self.before)

def pages_so_far():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

torch.set_num_threads(1)
X = np.random.default_rng(0).standard_normal((64, 1000, 2), dtype=np.float32)
counter = CountPages()
model = LSTMClassifier(
    64, n_filters=0, pooling="last", stride=1, n_members=1, bidirectional=False,
    early_stopping=False, batch_size=32, max_epochs=5, callbacks=[counter], device="cpu",
    random_state=0,
)
model.fit(X, np.arange(64) % 2)
print(np.median(counter.pages[2:]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc")
def test_steps_over_long_sequences_take_the_memory_that_earlier_ones_left():
    command = [sys.executable, "-c", COUNT_PAGES]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    # 4 kB each: a step takes some 80 MB.
    assert float(done.stdout) < 2000


def test_where_there_is_no_room_nothing_is_kept(monkeypatch):
    def without_room(*args, **kwargs):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(torch, "empty", without_room)
    keep_freed_memory()
