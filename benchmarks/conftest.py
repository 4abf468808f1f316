"""What every benchmark needs: a device, and where the figures came from."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest
import torch
from harness.clock import foreign_load

NOISY = 0.2
"""A share of the cores in others' use above which figures are not to be relied on."""


def pytest_addoption(parser):
    parser.addoption("--turns", type=int, default=16, help="turns of each way in an interleaved measurement")


def pytest_report_header():
    load = foreign_load()
    if load is None or load <= NOISY:
        return None
    return f"others use {load:.0%} of this machine's cores: take the ratios below with care"


def pytest_benchmark_update_machine_info(config, machine_info):
    """Only what a reader needs: no names of hosts."""
    kept = {key: machine_info[key] for key in ("python_version", "system", "machine")}
    machine_info.clear()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    machine_info.update(
        kept,
        cpu=_cpu(),
        threads=torch.get_num_threads(),
        gpu=gpu,
        torch=torch.__version__,
        foreign_load=foreign_load(),
        openmp={name: os.environ[name] for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT") if name in os.environ},
    )


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


@pytest.fixture(params=["cpu", "cuda"])
def device(request) -> torch.device:
    """Each benchmark runs on the CPU, and on a GPU where there is one."""
    return torch_device(request.param)


def torch_device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU on this machine")
    return torch.device(name)


@pytest.fixture
def turns(request) -> int:
    """How often each way has its turn."""
    return request.config.getoption("--turns")
