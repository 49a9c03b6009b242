"""Leave torch's global state as it was."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

SHARE_OF_A_THREAD = 1 << 15
"""Numbers that torch gives to a thread at least, where it changes each by itself."""

_one_at_a_time = threading.RLock()


class SharedState:
    """A state of the process that the first thread enters, and the last one leaves.

    Parameters
    ----------
    make : callable
        Returns the context manager that sets the state.
    """

    def __init__(self, make: Callable[[], AbstractContextManager]):
        self.make = make
        self.n_inside = 0
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        with self.lock:
            if self.n_inside == 0:
                self.state = self.make()
                self.state.__enter__()
            self.n_inside += 1

    def __exit__(self, *raised: object) -> None:
        with self.lock:
            self.n_inside -= 1
            if self.n_inside == 0:
                self.state.__exit__(None, None, None)


@contextmanager
def _without_tf32() -> Iterator[None]:
    cudnn = torch.backends.cudnn
    # Since torch 2.9 recurrent kernels have a precision of their own.
    flags, name, exact = (
        (cudnn.rnn, "fp32_precision", "ieee")
        if hasattr(cudnn, "rnn")
        else (cudnn, "allow_tf32", False)
    )
    before = getattr(flags, name)
    setattr(flags, name, exact)
    try:
        yield
    finally:
        setattr(flags, name, before)


_exact_cudnn = SharedState(_without_tf32)


def exact_kernels(device: torch.device) -> AbstractContextManager:
    """Have recurrent kernels of cuDNN compute with all the digits of single precision.

    It rounds factors to TF32 otherwise, a thousand times coarser, and predictions would
    depend on the batch that they are made in.
    """
    return _exact_cudnn if device.type == "cuda" else nullcontext()


@contextmanager
def training_state(seed: int, device: torch.device) -> Iterator[None]:
    """Train from a seed, with gradients, in single precision, denormals flushed.

    One thread at a time: torch's generators and default type belong to the process.

    Parameters
    ----------
    seed : int
        Seeds the generators of the CPU and of `device`, whose states are restored.

    device : torch.device
        Where training runs.
    """
    with (
        _one_at_a_time,
        _forked_generators(device),
        _single_precision(),
        flushed_denormals(),
        exact_kernels(device),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(device.type, enabled=False),
    ):
        torch.default_generator.manual_seed(seed)
        if device.type != "cpu":
            _generator_of(device).manual_seed(seed)
        yield


@contextmanager
def loading_state() -> Iterator[None]:
    """Build a network in single precision and one thread, and draw nothing from torch.

    A process in which torch has begun threads must not be forked: services load their models
    before they fork.
    """
    with _one_at_a_time, torch.random.fork_rng(devices=[]), _single_precision(), one_thread():
        yield


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat denormal numbers as zero: a CPU computes with them many times slower.

    Gradients that vanish over long sequences end in the denormal range.
    """
    before = _flushes_denormals()
    _begin_threads()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _begin_threads() -> None:
    """Have torch begin the threads of its kernels, if it has not yet.

    A thread has the flag of denormals that the one that begins it has, and keeps it: begun
    later, they would flush denormals for as long as the process lives.
    """
    torch.empty(torch.get_num_threads() * SHARE_OF_A_THREAD, dtype=torch.uint8).fill_(1)


@contextmanager
def gradient_state() -> Iterator[None]:
    """Compute gradients of a network in evaluation mode, on any device.

    The recurrent kernels of cuDNN keep what a backward pass needs in training mode only,
    in which dropout would act: torch's own kernels do without.
    """
    with (
        _one_at_a_time,
        flushed_denormals(),
        torch.inference_mode(False),
        torch.enable_grad(),
        _without_cudnn(),
    ):
        yield


@contextmanager
def _without_cudnn() -> Iterator[None]:
    before = torch.backends.cudnn.enabled
    torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = before


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in this thread alone: others take time to wake, and to wait for."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@contextmanager
def _single_precision() -> Iterator[None]:
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)


def _forked_generators(device: torch.device) -> AbstractContextManager:
    if device.type == "cpu":
        return torch.random.fork_rng(devices=[])
    index = device.index or 0
    return torch.random.fork_rng(devices=[index], device_type=device.type)


def _generator_of(device: torch.device) -> Any:
    backend = getattr(torch, device.type)
    if device.type == "mps":
        return backend
    return backend.default_generators[device.index or 0]


def _flushes_denormals() -> bool:
    # torch has no getter. Half of the smallest normal number is denormal.
    smallest = torch.tensor(torch.finfo(torch.float32).tiny, dtype=torch.float32)
    return bool(smallest / 2 == 0)
