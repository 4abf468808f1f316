"""Nothing is lost, whatever happens to a run: benchmarks/interrupted_runs.py with few cases of each proof."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks/interrupted_runs.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks processes")
@pytest.mark.parametrize(
    ("proof", "count", "said"),
    [
        ("kills", 20, "all of them ended alike; [0-4] steps lost at most"),
        ("points", 1, "13 of [0-9]+ steps of writing, all 13 kinds of them; all ended alike"),
        ("full-disk", 1, "11 of [0-9]+ steps of writing, and a limit on the size of files; all ended alike"),
        ("damage", 60, "60 damages: none sound and an error [0-9]+, nothing lost [0-9]+, the one before and a warning"),
        ("signals", 4, "a second signal ended at once"),
    ],
)
def test_nothing_is_lost(proof: str, count: int, said: str) -> None:
    command = [sys.executable, str(SCRIPT), proof, "--count", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert re.search(said, done.stdout), done.stdout
