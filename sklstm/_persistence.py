"""What is pickled of an estimator."""

from typing import Any

import torch

from sklstm._device import exists
from sklstm._network import network_from_arrays, network_to_arrays


class NetworkStateMixin:
    """Pickles the network as plain arrays, which any machine can read.

    The state of the optimiser is left out. An estimator whose device does not exist where
    it is loaded is then on the CPU.
    """

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_optimizer_state", None)
        if "module_" in state:
            state["module_"] = network_to_arrays(state["module_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "module_" in state:
            if not exists(state["device_"]):
                state["device_"] = torch.device("cpu")
            state["module_"] = network_from_arrays(state["module_"]).to(state["device_"])
        super().__setstate__(state)
