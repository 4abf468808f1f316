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

from ..core.messages import readable, short
from .disk import replace_folder
from .schema_version import SCHEMA_VERSION, check_schema_version

JSON_LIMIT = 1 << 20
"""Bytes; a larger JSON file is refused before it is read."""

LEVELS_LIMIT = 64
"""Levels of nesting in a JSON file."""

VALUES_LIMIT = 20_000
"""Values in a JSON file, objects and arrays among them: twice as many as a spec may have."""

HEADER_BYTES_PER_TENSOR = 1024
"""Bytes that the header of a tensor file may take for each tensor, beside its name."""


class StorageError(ValueError):
    """A folder on disk that is not what it should be; the message names the file.

    The message has no control characters and at most 2000 bytes, whatever is in the folder.
    """

    def __init__(self, message: str) -> None:
        super().__init__(readable(message))


def write_folder(
    folder: Path, manifest: str, data: Mapping[str, Any], tensors: Mapping[str, Tensor], **texts: str
) -> None:
    """Write ``folder`` with ``weights.safetensors``, the JSON file ``manifest``, and a text file per keyword.

    The manifest is ``data`` with the schema version, and size and SHA-256 of the tensor file. A reader finds the old
    folder or the new one, and one that holds anything else is refused. StorageError where the manifest is more than
    `read_manifest` takes; DiskFull where there is no room.
    """
    folder = folder.resolve()
    # Copies, as weights that two layers share would be refused.
    contiguous = torch.contiguous_format
    blob = save({name: t.detach().to("cpu", copy=True, memory_format=contiguous) for name, t in tensors.items()})
    stamp = {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}
    stamped = {"schema_version": SCHEMA_VERSION, **data, "weights": stamp}
    files = {
        "weights.safetensors": blob,
        manifest: (json.dumps(stamped, indent=2) + "\n").encode(),
        **{f"{stem}.md": text.encode() for stem, text in texts.items()},
    }
    _parsed(folder / manifest, files[manifest])  # what could not be read is not written
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
    """The JSON file of a folder: an object without duplicate keys, of finite numbers, and of bounded size and depth.

    StorageError where it is anything else, or missing, or of a schema version that this infogan does not read.
    """
    path = folder / manifest
    size = _size(path)
    with path.open("rb") as file:
        data = _parsed(path, file.read(min(size, JSON_LIMIT + 1)))
    try:
        check_schema_version(data.get("schema_version"))
    except ValueError as error:
        raise StorageError(f"{path}: {error}") from None
    return data


def _parsed(path: Path, content: bytes) -> dict[str, Any]:
    if len(content) > JSON_LIMIT:
        raise StorageError(f"{path}: larger than {JSON_LIMIT} bytes")
    try:
        data = json.loads(content.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{path}: is no JSON: {error}") from None
    if not isinstance(data, dict):
        raise StorageError(f"{path}: has to be a JSON object")
    _check_extent(path, data)
    return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {short(repr(name))} is there twice")
        found[name] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _check_extent(path: Path, data: Any) -> None:
    """Raise StorageError where there are too many levels, or too many values."""
    level, values = [data], 0
    for _ in range(LEVELS_LIMIT):
        values += len(level)
        if values > VALUES_LIMIT:
            raise StorageError(f"{path}: has more than {VALUES_LIMIT} values")
        level = [below for value in level for below in _below(value)]
        if not level:
            return
    raise StorageError(f"{path}: is nested more than {LEVELS_LIMIT} levels deep")


def _below(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def read_tensors(folder: Path, data: Mapping[str, Any], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a folder, which have to match the manifest's sum and, name by name, ``wanted``.

    ``wanted`` may live on the meta device. The file's size and header are compared before anything is allocated,
    so that what is allocated depends on ``wanted`` alone. StorageError says what differs.
    """
    path = folder / "weights.safetensors"
    stamp = data.get("weights")
    if not isinstance(stamp, dict):
        raise StorageError(f"{folder}: the manifest says nothing of its weights")
    size = _size(path)
    if size != stamp.get("bytes"):
        raise StorageError(f"{path}: {size} bytes, and the manifest says {short(repr(stamp.get('bytes')))}")
    _check_header(path, wanted)
    blob = path.read_bytes()
    if hashlib.sha256(blob).hexdigest() != stamp.get("sha256"):
        raise StorageError(f"{path}: damaged: its SHA-256 is not the one in the manifest")
    return load(blob)


def _check_header(path: Path, wanted: Mapping[str, Tensor]) -> None:
    """Raise StorageError where the names, shapes and types in a tensor file's header are not those wanted.

    That they make up the file's size to the byte is what safetensors checks.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > HEADER_BYTES_PER_TENSOR * (len(wanted) + 1) + sum(map(len, wanted)):
        raise StorageError(f"{path}: its header has {length} bytes, too many for {len(wanted)} tensors")
    try:
        with safe_open(path, framework="pt") as tensors:
            shapes = {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
            for name in sorted(shapes.keys() | wanted.keys()):
                expected = tuple(wanted[name].shape) if name in wanted else None
                if shapes.get(name) != expected:
                    raise StorageError(f"{path}: tensor {name!r} is {shapes.get(name)}, expected {expected}")
                dtype = (tensors.get_slice(name)[:0] if expected else tensors.get_tensor(name)).dtype
                if dtype != wanted[name].dtype:
                    raise StorageError(f"{path}: tensor {name!r} is {dtype}, expected {wanted[name].dtype}")
    except SafetensorError as error:
        raise StorageError(f"{path}: is no safetensors file: {error}") from None


def _size(path: Path) -> int:
    """Bytes of a file, which may be a link to one. StorageError for what is no file, such as a pipe or a device."""
    if not path.is_file():
        raise StorageError(f"{path}: {'is no file' if path.exists() else 'no such file'}")
    return path.stat().st_size
