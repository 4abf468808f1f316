"""Several processes train the model that one would: benchmarks/several_processes.py."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "benchmarks/several_processes.py"


@pytest.mark.skipif(
    not torch.distributed.is_available() or not torch.distributed.is_gloo_available(), reason="torch has no gloo here"
)
@pytest.mark.parametrize(
    ("proof", "said"),
    [
        ("equal", "bit-equal in both processes after every step"),
        ("killed", "relaunched, they ended alike"),
        ("stopped", "saved, and left after"),
    ],
)
def test_several_are_as_one(proof: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), proof, "--count", "1"], capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    assert re.search(said, done.stdout), done.stdout
