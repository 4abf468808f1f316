"""A run that begins from another run's weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.messages import short
from ..files.storage import read_manifest, read_tensors
from ..model.infogan import MANIFEST
from ..model.spec import ModelSpec
from .checkpoint import State
from .spec_text import by_path

SHOWN = 5
"""Differences that an error names."""


def begin_from(run: Path, state: State) -> None:
    """Take over the model in a run folder, or in a model folder: G, its running mean, D and Q, in place.

    Of another model than the state's, but for the losses, nothing is taken: ValueError says in what they differ.
    FileNotFoundError where there is none, StorageError where it is damaged.
    """
    folders = run / "model", run
    folder = next((folder for folder in folders if (folder / MANIFEST).is_file()), None)
    if folder is None:
        nowhere = " nor ".join(str(folder / MANIFEST) for folder in folders)
        raise FileNotFoundError(f"training.init: {run}: no model is there: neither {nowhere}")
    data = read_manifest(folder, MANIFEST)
    wrong = list(_differences(data.get("spec"), state.model.spec))
    if wrong:
        more = f", and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ValueError(
            f"training.init: {folder} has another model than this run, and only losses may differ: "
            f"{', '.join(wrong[:SHOWN])}{more}"
        )
    tensors = read_tensors(folder, data, state.model.state_dict())
    state.model.load_state_dict(tensors)
    state.ema.load_state_dict(state.model.generator.state_dict())


def _differences(there: Any, spec: ModelSpec) -> Iterator[str]:
    """What is not the same in a saved model's spec. An option that it lacks is younger than it, and at its default.

    As text, not as specs: a part that Python code passed by hand has a kind that no registry knows.
    """
    there = there if isinstance(there, Mapping) else {}
    here = spec.model_dump(mode="json")
    codes = there.get("codes")
    names = list(codes) if isinstance(codes, Mapping) else []
    if names != list(spec.codes):
        yield f"model.codes are {short(', '.join(names)) or 'none'} there and {', '.join(spec.codes)} here"
        return
    values = by_path(here)
    for path, value in by_path(dict(there)).items():
        if path.split(".")[0] != "losses" and (path not in values or values[path] != value):
            now = values.get(path, values.get(f"{path}.kind"))  # of a part where there was none, its kind
            yield f"model.{path} is {short(repr(value))} there and {short(repr(now))} here"
