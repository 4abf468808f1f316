"""What every benchmark needs: a device, quiet threads, and where the figures came from."""

from __future__ import annotations

import platform

import pytest
import torch

DEVICES = ["cpu", "cuda"]


@pytest.fixture(params=DEVICES)
def device(request, benchmark) -> torch.device:
    """Each benchmark runs on the CPU, and on a GPU where there is one."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU on this machine")
    name = torch.cuda.get_device_name() if request.param == "cuda" else platform.processor() or platform.machine()
    benchmark.extra_info.update(device=name, torch=torch.__version__, threads=torch.get_num_threads())
    return torch.device(request.param)


@pytest.fixture
def synchronised(device):
    """Wraps a function so that its time includes the work it left on the device."""

    def wrap(function):
        if device.type != "cuda":
            return function

        def timed(*arguments):
            result = function(*arguments)
            torch.cuda.synchronize()
            return result

        return timed

    return wrap
