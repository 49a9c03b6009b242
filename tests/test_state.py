"""States of the process that several threads need at once."""

from contextlib import contextmanager

import torch

from sklstm._state import SharedState, exact_kernels


def test_the_first_one_enters_a_shared_state_and_the_last_one_leaves_it():
    changes = []

    @contextmanager
    def make():
        changes.append("entered")
        yield
        changes.append("left")

    shared = SharedState(make)
    with shared:
        with shared:
            assert changes == ["entered"]
        assert changes == ["entered"]
    assert changes == ["entered", "left"]
    with shared:
        pass
    assert changes == ["entered", "left"] * 2


def test_kernels_of_a_gpu_are_exact_for_as_long_as_it_is_asked():
    before = torch.backends.cudnn.allow_tf32
    with exact_kernels(torch.device("cuda")), exact_kernels(torch.device("cuda")):
        assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.enabled
    assert torch.backends.cudnn.allow_tf32 == before
    with exact_kernels(torch.device("cpu")):
        assert torch.backends.cudnn.allow_tf32 == before
