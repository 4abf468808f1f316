"""Proof that a long run neither grows nor leaks: python benchmarks/soak.py [STEPS].

A tiny run with many checkpoints and reports; memory and open files at each. Ends with 1 where memory grows by 1 MB per
1,000 steps or more, by a straight line through the second half, or files are left open.
"""

from __future__ import annotations

import sys
import tempfile

import numpy as np
import psutil
from interrupted_runs import tiny

from infogan import train
from infogan.app.pictures import save_traversal
from infogan.training.log import Report

STEPS = 20_000


def main(steps: int) -> bool:
    process = psutil.Process()
    seen: list[tuple[int, float, int]] = []

    def look(report: Report) -> None:
        if report.step % 100 == 0:
            seen.append((report.step, process.memory_info().rss / 2**20, process.num_fds()))

    spec = tiny(steps)
    often = {"checkpoint_every": 100, "picture_every": 1000, "log_every": 10}
    spec = spec.model_copy(update={"training": spec.training.model_copy(update=often)})
    with tempfile.TemporaryDirectory() as folder:
        train(spec, folder, on_report=look, on_model=save_traversal)
    step, memory, files = (np.array(column, dtype=float) for column in zip(*seen, strict=True))
    half = len(step) // 2
    slope = np.polyfit(step[half:] / 1000, memory[half:], 1)[0]
    print(
        f"{steps} steps, {steps // 100} checkpoints: memory {memory[half]:.1f} MB in the middle, {memory[-1]:.1f} MB "
        f"at the end, slope {slope:+.3f} MB per 1,000 steps; open files {files[0]:.0f} at first, "
        f"{files[-1]:.0f} at last"
    )
    return slope < 1 and files[-1] <= files[0]


if __name__ == "__main__":
    sys.exit(not main(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS))
