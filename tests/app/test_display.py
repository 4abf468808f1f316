"""What a run shows while it goes on."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from infogan.app.display import Display
from infogan.training.log import Report

VALUES = {
    **{"d_loss": 0.3, "g_loss": -1.2, "d/adversarial": 1.1, "d/information": -0.8, "d/r1": 0.012},
    **{"g/adversarial": 0.7, "g/information": -1.9, "information/digit": 2.1, "information/slant": 0.4},
    **{"pictures/mean": -0.51, "pictures/spread": 0.42, "pictures/noise": 0.31, "data/mean": -0.6, "data/spread": 0.45},
    **{"effect/digit": 0.52, "effect/slant": 0.031},
}


@pytest.fixture
def report() -> Report:
    return Report(50, 200, VALUES, {"digit": 2.3026, "slant": 0.6931}, 100.0)


def test_a_line_has_each_term_of_the_game_apart_from_the_information(report: Report) -> None:
    console = Console(file=StringIO())
    with Display(console, 200, 64) as display:
        display(report)
    assert console.file.getvalue() == (
        "step 50/200  100 images/s, 1:36 left  D: adversarial 1.100, information -0.800, r1 0.012  "
        "G: adversarial 0.700, information -1.900  pictures (data): mean -0.51 (-0.60), spread 0.42 (0.45)  "
        "information (nats), effect: digit 2.10/2.30 52%  slant 0.40/0.69 3%\n"
    )


def test_a_terminal_has_it_in_tables(report: Report) -> None:
    console = Console(file=StringIO(), force_terminal=True, width=120, height=40, color_system=None)
    with Display(console, 200, 64) as display:
        display(report)
    rows = [" ".join(row.replace("━", "").replace("╸", "").split()) for row in console.file.getvalue().splitlines()]
    for row in (
        "digit 2.100 2.303 52.0%",
        "adversarial 1.100 0.700",
        "r1 0.012",
        "mean -0.510 -0.600",
        "spread by noise alone 0.310",
    ):
        assert row in rows, row
