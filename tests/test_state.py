"""States of the process that several threads need at once."""

from contextlib import contextmanager

import torch

from sklstm._state import SharedState, exact_kernels, gradient_state


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


def precision_of_recurrent_kernels():
    cudnn = torch.backends.cudnn
    return cudnn.rnn.fp32_precision if hasattr(cudnn, "rnn") else cudnn.allow_tf32


def test_kernels_of_a_gpu_are_exact_for_as_long_as_it_is_asked():
    before = precision_of_recurrent_kernels()
    with exact_kernels(torch.device("cuda")), exact_kernels(torch.device("cuda")):
        assert precision_of_recurrent_kernels() in ("ieee", False)
    assert precision_of_recurrent_kernels() == before
    with exact_kernels(torch.device("cpu")):
        assert precision_of_recurrent_kernels() == before


def test_gradients_are_without_cudnn_whoever_leaves_first():
    enabled = torch.backends.cudnn.enabled
    prediction, gradient = exact_kernels(torch.device("cuda")), gradient_state()
    before = precision_of_recurrent_kernels()
    gradient.__enter__()
    prediction.__enter__()
    gradient.__exit__(None, None, None)
    prediction.__exit__(None, None, None)
    assert torch.backends.cudnn.enabled == enabled
    assert precision_of_recurrent_kernels() == before
