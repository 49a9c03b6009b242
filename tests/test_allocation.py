"""Memory that is asked for again at every step."""

import platform

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklstm import LSTMClassifier
from sklstm._training.allocation import keep_freed_memory

resource = pytest.importorskip("resource", reason="counts pages as Unix does")


class CountPages(Callback):
    """Counts the pages that the system hands out in each step of training."""

    def on_train_begin(self, net, **kwargs):
        self.pages_ = []

    def on_batch_begin(self, net, training=None, **kwargs):
        self.before_ = self.pages_so_far()

    def on_batch_end(self, net, training=None, **kwargs):
        self.pages_.append(self.pages_so_far() - self.before_)

    def pages_so_far(self):
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc")
@pytest.mark.usefixtures("two_threads")
def test_steps_over_long_sequences_take_the_memory_that_earlier_ones_left():
    X = np.random.default_rng(0).standard_normal((64, 1000, 2), dtype=np.float32)
    counter = CountPages()
    model = LSTMClassifier(
        64, n_filters=0, pooling="last", stride=1, n_members=1, early_stopping=False,
        batch_size=32, max_epochs=5, callbacks=[counter], device="cpu", random_state=0,
    )  # fmt: skip
    model.fit(X, np.arange(64) % 2)
    # 4 kB each: a step takes some 80 MB.
    assert np.median(counter.pages_[2:]) < 2000


def test_where_there_is_no_room_nothing_is_kept(monkeypatch):
    def without_room(*args, **kwargs):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(torch, "empty", without_room)
    keep_freed_memory()
