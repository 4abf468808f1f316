"""What a run says of itself."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from infogan import RunSpec
from infogan.training.group import Group
from infogan.training.log import Log


@pytest.fixture
def log(run_spec: Callable[..., RunSpec], tmp_path: Path) -> Log:
    return Log(tmp_path / "log.jsonl", run_spec(), 0, Group(torch.device("cpu")))


def add(log: Log, **values: float) -> None:
    log.add({name.replace("__", "/"): torch.tensor(value) for name, value in values.items()})


def test_a_line_is_the_mean_over_its_steps_however_often_it_is_read(log: Log) -> None:
    for step, value in enumerate([1.0, 2.0, 6.0, 10.0, 20.0], 1):
        add(log, d_loss=value)
        if step in (2, 3, 5):
            assert log.read() == ""
        if step in (3, 5):
            log.write({})
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert [(line["step"], line["d_loss"]) for line in lines] == [(3, 3.0), (5, 15.0)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_first_step_and_the_terms_of_its_first_phase_are_named(log: Log, value: float) -> None:
    add(log, d_loss=0.0, g_loss=0.0, d__one=0.0, d__two=0.0, g__one=0.0)
    assert log.read() == ""
    add(log, d_loss=0.0, g_loss=0.0, d__one=0.0, d__two=0.0, g__one=0.0)
    add(log, d_loss=value, g_loss=value, d__one=0.0, d__two=value, g__one=value)
    add(log, d_loss=value, g_loss=value, d__one=value, d__two=value, g__one=value)
    assert log.read() == f"d/two became {value} at step 3"


def test_a_sum_may_be_lost_though_its_terms_are_finite(log: Log) -> None:
    add(log, d_loss=math.inf, g_loss=0.0, d__one=3e38, d__two=3e38, g__one=0.0)
    assert log.read() == "d_loss became inf at step 1"
