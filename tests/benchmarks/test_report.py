"""From a benchmark run to tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import report
from PIL import Image

LIMIT = {"arithmetic": 0.008, "memory": 0.002, "launches": 0.0001}


def result(name: str, group: str, median: float, **extra_info: Any) -> dict[str, Any]:
    return {"name": name, "group": group, "stats": {"median": median}, "extra_info": extra_info}


def dq(way: str, median: float, batch: int) -> dict[str, Any]:
    case = {"device": "cpu", "architecture": "mnist", "precision": "fp32", "mode": "eager", "backward": True}
    return result("test_pass[...]", "D/Q pass", median, **case, way=way, batch=batch, limit=LIMIT)


RESULTS = [
    dq("separate", 0.02, 128),
    dq("fused", 0.0101, 128),
    dq("d_alone", 0.01, 128),
    dq("fused", 0.002, 64),
    result("test_step[...]", "step", 0.16, device="cpu", architecture="mnist", way="eager", pictures=128, limit=LIMIT),
    result("test_loop[cpu]", "ratios", 0.1, ratios={"a / b": {"median": 1.5, "low": 1.25, "high": 2.0}}),
    result("test_share[cpu-memory]", "waiting", 0.1, share=0.00051),
]
FOUND = {
    "benchmarks": RESULTS,
    "datetime": "2030-01-02T03:04:05",
    "machine_info": {
        "cpu": "a CPU",
        "threads": 2,
        "gpu": None,
        "torch": "2.0",
        "openmp": {"OMP_WAIT_POLICY": "PASSIVE"},
        "foreign_load": 0.031,
    },
}


def test_a_report_has_a_line_for_each_figure() -> None:
    lines = report.report(FOUND).splitlines()
    assert lines[0] == (
        "2030-01-02; a CPU, 2 threads; GPU: none; torch 2.0; OMP_WAIT_POLICY=PASSIVE; others' load at the start 3%."
    )
    for line in (
        "| loop (cpu) | a / b | 1.500 | 1.250 to 2.000 |",
        "| cpu | mnist | eager | 160 | 800 | 8 | arithmetic | 5% |",
        "| cpu | mnist | fp32 | eager | forward + backward | 128 | 10 | 10.1 | 20 | 8 | arithmetic |",
        "| share (cpu, memory) | 100 ms | 0.05% of a step waits for data |",
    ):
        assert line in lines
    smaller, larger = (next(i for i, line in enumerate(lines) if f"| {batch} |" in line) for batch in (64, 128))
    assert smaller < larger


def test_a_part_without_results_has_no_section() -> None:
    assert "The whole step" not in report.report({**FOUND, "benchmarks": RESULTS[:4]})


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    report.plot(RESULTS, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.width > 300
