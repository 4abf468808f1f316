"""Reports to experiment trackers beside ``log.jsonl``: TensorBoard, and whichever accelerate knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.messages import known_names
from .log import Report
from .run import RunSpec

PROJECT = "infogan"
"""What trackers file runs under; TensorBoard's events are in a folder of this name in the run folder."""


def check_trackers(names: tuple[str, ...]) -> None:
    """ValueError for a name that accelerate does not know, ImportError for one whose package is missing."""
    if not names:
        return
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

    known, installed = list(map(str, LOGGER_TYPE_TO_CLASS)), set(map(str, get_available_trackers()))
    for name in names:
        if name not in known:
            raise ValueError(f"training.trackers: {name!r} is no tracker{known_names(name, known)}")
        if name not in installed:
            package = '"infogan[track]"' if name == "tensorboard" else name
            raise ImportError(f"training.trackers: {name} is not installed; pip install {package}")


@contextmanager
def tracked(spec: RunSpec, out: Path) -> Iterator[Callable[[Report], None]]:
    """What takes each report to the trackers in ``training.trackers``, with the spec as the run's configuration."""
    names = spec.training.trackers
    if not names:
        yield lambda report: None
        return
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=spec.training.device == "cpu", log_with=list(names), project_dir=str(out))
    accelerator.init_trackers(PROJECT, config=_flat(spec.model_dump(mode="json")))
    try:
        yield lambda report: accelerator.log(report.values, step=report.step)
    finally:
        for tracker in accelerator.trackers:
            tracker.finish()


def _flat(values: Any, path: str = "") -> dict[str, bool | int | float | str]:
    """The settings by path, lists as text: trackers take plain values."""
    if isinstance(values, dict):
        found: dict[str, bool | int | float | str] = {}
        for key, value in values.items():
            found |= _flat(value, f"{path}.{key}" if path else key)
        return found
    return {path: values if isinstance(values, bool | int | float | str) else str(values)}
