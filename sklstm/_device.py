"""From the `device` parameter to a torch device."""

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


def _count(name: str) -> int:
    if name == "mps":
        return int(torch.backends.mps.is_available())
    backend = getattr(torch, name, None)
    if name not in ACCELERATORS or backend is None or not backend.is_available():
        return 0
    return backend.device_count()
