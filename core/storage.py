"""Folders of tensors and JSON on disk: written whole or not at all, checked when read, no pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from .disk import replace_folder

JSON_LIMIT = 1 << 20
"""Bytes; a larger JSON file is refused before it is read."""


class StorageError(ValueError):
    """A folder on disk that is not what it should be; the message names the file."""


def write_folder(
    folder: Path, manifest: str, data: Mapping[str, Any], tensors: Mapping[str, Tensor], **texts: str
) -> None:
    """Write ``folder`` with ``weights.safetensors``, the JSON file ``manifest``, and a text file per keyword.

    The manifest is ``data`` with the size and SHA-256 of the tensor file. A reader finds the old folder or the
    new one, and one that holds anything else is refused. DiskFull where there is no room.
    """
    folder = folder.resolve()
    # Copies, as weights that two layers share would be refused.
    contiguous = torch.contiguous_format
    blob = save({name: t.detach().to("cpu", copy=True, memory_format=contiguous) for name, t in tensors.items()})
    stamped = {**data, "weights": {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}}
    files = {
        "weights.safetensors": blob,
        manifest: (json.dumps(stamped, indent=2) + "\n").encode(),
        **{f"{stem}.md": text.encode() for stem, text in texts.items()},
    }
    refuse_foreign(folder, files.keys())
    replace_folder(folder, files)


def refuse_foreign(folder: Path, ours: Collection[str]) -> None:
    """Raise StorageError where replacing ``folder`` would take away what is not ``ours``."""
    if folder.exists() and not folder.is_dir():
        raise StorageError(f"{folder}: is a file; choose a new folder")
    foreign = sorted({entry.name for entry in folder.iterdir()} - set(ours)) if folder.exists() else []
    if foreign:
        raise StorageError(f"{folder}: holds something else ({', '.join(foreign[:3])}); choose a new folder")


def read_manifest(folder: Path, manifest: str) -> dict[str, Any]:
    """The JSON file of a folder. StorageError where it is missing, too large, or not a JSON object."""
    path = folder / manifest
    if not path.is_file():
        raise StorageError(f"{path}: no such file")
    if path.stat().st_size > JSON_LIMIT:
        raise StorageError(f"{path}: larger than {JSON_LIMIT} bytes")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{path}: is no JSON: {error}") from None
    if not isinstance(data, dict):
        raise StorageError(f"{path}: has to be a JSON object")
    return data


def read_tensors(folder: Path, data: Mapping[str, Any], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a folder, which have to match the manifest's sum and, name by name, ``wanted``.

    ``wanted`` may live on the meta device. Size and header are compared before anything is
    allocated. StorageError says what differs.
    """
    path = folder / "weights.safetensors"
    stamp = data.get("weights")
    if not isinstance(stamp, dict):
        raise StorageError(f"{folder}: the manifest says nothing of its weights")
    if not path.is_file():
        raise StorageError(f"{path}: no such file")
    if path.stat().st_size != stamp.get("bytes"):
        raise StorageError(f"{path}: {path.stat().st_size} bytes, and the manifest says {stamp.get('bytes')}")
    try:
        with safe_open(path, framework="pt") as header:
            names = header.keys()
            shapes = {name: tuple(header.get_slice(name).get_shape()) for name in names}
    except SafetensorError as error:
        raise StorageError(f"{path}: is no safetensors file: {error}") from None
    for name in sorted(shapes.keys() | wanted.keys()):
        expected = tuple(wanted[name].shape) if name in wanted else None
        if shapes.get(name) != expected:
            raise StorageError(f"{path}: tensor {name!r} is {shapes.get(name)}, expected {expected}")
    blob = path.read_bytes()
    if hashlib.sha256(blob).hexdigest() != stamp.get("sha256"):
        raise StorageError(f"{path}: damaged: its SHA-256 is not the one in the manifest")
    tensors = load(blob)
    for name, tensor in tensors.items():
        if tensor.dtype != wanted[name].dtype:
            raise StorageError(f"{path}: tensor {name!r} is {tensor.dtype}, expected {wanted[name].dtype}")
    return tensors
