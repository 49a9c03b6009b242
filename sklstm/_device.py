"""From the `device` and `precision` parameters to what torch takes."""

from contextlib import AbstractContextManager, nullcontext

import torch

ACCELERATORS = ("cuda", "xpu", "mps")


def resolve_device(device: str | torch.device) -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    device : str or torch.device
        "auto" takes the first that is there of CUDA, XPU, MPS and CPU. Anything else
        is taken as it is.

    Returns
    -------
    device : torch.device
        A device that exists.

    Raises
    ------
    ValueError
        If the device does not exist on this machine.
    """
    if device == "auto":
        found = [name for name in ACCELERATORS if _count(name)]
        return torch.device(found[0] if found else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is not a device that torch knows.") from error
    if not exists(resolved):
        raise ValueError(
            f"device={str(device)!r} does not exist on this machine: "
            f"{_count(resolved.type)} {resolved.type} devices were found. "
            "Use device='auto' for the best one that is there, or device='cpu'."
        )
    return resolved


def exists(device: torch.device) -> bool:
    """Whether this machine has the device."""
    return device.type == "cpu" or (device.index or 0) < _count(device.type)


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of matrix products.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        "auto" is bfloat16 where a CUDA device has it in hardware, and float32 elsewhere:
        on a CPU bfloat16 can be slower, or stop the process on a virtual machine.

    device : torch.device
        Where they are computed.

    Returns
    -------
    dtype : torch.dtype
        float32 or bfloat16.
    """
    if precision != "auto":
        return getattr(torch, precision)
    has_it = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.bfloat16 if has_it else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager:
    """Compute matrix products and recurrent layers in another type than float32."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def has_room(device: torch.device, n_bytes: int) -> bool:
    """Whether half of a GPU's free memory takes `n_bytes`; other devices are not asked."""
    if device.type != "cuda":
        return True
    # What torch keeps for later is free, too.
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return n_bytes <= (torch.cuda.mem_get_info(device)[0] + cached) // 2


def empty_cache(device: torch.device) -> None:
    """Give cached memory of an accelerator back."""
    if device.type != "cpu":
        getattr(torch, device.type).empty_cache()


def _count(name: str) -> int:
    if name == "mps":
        return int(torch.backends.mps.is_available())
    backend = getattr(torch, name, None)
    if name not in ACCELERATORS or backend is None or not backend.is_available():
        return 0
    return backend.device_count()
