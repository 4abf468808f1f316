"""Reports to experiment trackers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infogan import RunSpec, train
from infogan.training.log import Report

pytestmark = pytest.mark.filterwarnings("default")  # TensorBoard's and accelerate's own are not ours to heed


def test_tensorboard_has_what_the_log_has(run_spec: Callable[..., RunSpec], tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    reports: list[Report] = []
    train(run_spec(trackers=("tensorboard",)), tmp_path, on_report=reports.append)
    events = accumulator.EventAccumulator(str(tmp_path / "infogan"))
    events.Reload()
    for name in ("d_loss", "information/digit"):
        found = [(event.step, event.value) for event in events.Scalars(name)]
        assert found == [(report.step, pytest.approx(report.values[name])) for report in reports]


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("tensorbord", ValueError, "'tensorbord' is no tracker; known: .*Did you mean 'tensorboard'"),
        ("aim", ImportError, "aim is not installed; pip install aim"),
    ],
)
def test_a_tracker_that_cannot_be_had_is_named(
    run_spec: Callable[..., RunSpec], tmp_path: Path, name: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        train(run_spec(trackers=(name,)), tmp_path)
