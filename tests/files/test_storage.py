"""Folders on disk: whole or not at all, and checked when read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from infogan.files import disk
from infogan.files.storage import JSON_LIMIT, StorageError, read_manifest, read_tensors, write_folder

MANIFEST = "thing.json"


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    return {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3), "c": torch.ones(2, dtype=torch.bfloat16)}


@pytest.fixture
def folder(tmp_path: Path, tensors: dict[str, Tensor]) -> Path:
    write_folder(tmp_path / "thing", MANIFEST, {"version": 1}, tensors, README="hello")
    return tmp_path / "thing"


def read(folder: Path, wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    return read_tensors(folder, read_manifest(folder, MANIFEST), wanted)


def test_what_is_written_is_read(folder: Path, tensors: dict[str, Tensor]) -> None:
    found = read(folder, tensors)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) and found[name].dtype == tensors[name].dtype for name in tensors)
    assert read_manifest(folder, MANIFEST)["version"] == 1
    assert (folder / "README.md").read_text() == "hello"


def test_the_wanted_tensors_may_be_on_the_meta_device(folder: Path, tensors: dict[str, Tensor]) -> None:
    assert read(folder, {name: tensor.to("meta") for name, tensor in tensors.items()}).keys() == tensors.keys()


def test_a_folder_of_ours_is_replaced_whole_and_leaves_nothing_beside_it(folder: Path) -> None:
    write_folder(folder, MANIFEST, {"version": 2}, {"z": torch.zeros(1)}, README="new")
    assert read(folder, {"z": torch.zeros(1)})["z"].tolist() == [0]
    assert read_manifest(folder, MANIFEST)["version"] == 2
    assert [f.name for f in folder.parent.iterdir()] == [folder.name]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "empty", MANIFEST, {}, {"a": torch.zeros(1)})
    assert (tmp_path / "empty" / MANIFEST).is_file()


@pytest.mark.parametrize("stranger", ["thesis.tex", "model.json", ".git"])
def test_a_folder_with_anything_else_is_refused_and_kept(folder: Path, stranger: str) -> None:
    (folder / stranger).write_text("mine")
    before = {f.name: f.read_bytes() for f in folder.iterdir()}
    with pytest.raises(StorageError, match=f"{folder.name}: holds something else .{stranger}"):
        write_folder(folder, MANIFEST, {}, {"a": torch.zeros(1)}, README="new")
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == before


def test_a_file_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError, match="is a file"):
        write_folder(tmp_path / "file", MANIFEST, {}, {"a": torch.zeros(1)})
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("data", "said"),
    [({"labels": "x" * JSON_LIMIT}, "larger than"), ({"labels": [0] * 30_000}, "more than"), ({"x": math.nan}, "NaN")],
)
def test_what_could_not_be_read_is_not_written(folder: Path, data: dict[str, Any], said: str) -> None:
    before = {f.name: f.read_bytes() for f in folder.iterdir()}
    with pytest.raises(StorageError, match=rf"thing\.json: .*{said}"):
        write_folder(folder, MANIFEST, data, {"a": torch.zeros(1)})
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == before


def test_a_write_that_fails_leaves_the_old_folder(
    folder: Path, tensors: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(disk, "_write_through", full)
    with pytest.raises(OSError, match="no space"):
        write_folder(folder, MANIFEST, {"version": 2}, {"z": torch.zeros(1)}, README="new")
    monkeypatch.undo()
    assert read(folder, tensors).keys() == tensors.keys()
    assert [f.name for f in folder.parent.iterdir()] == [folder.name]


def test_tensors_that_share_memory_are_written(tmp_path: Path) -> None:
    base = torch.arange(6.0)
    write_folder(tmp_path / "tied", MANIFEST, {}, {"a": base, "b": base, "c": base[2:4]})
    found = read(tmp_path / "tied", {"a": base, "b": base, "c": base[2:4]})
    assert found["b"].tolist() == base.tolist()
    assert found["c"].tolist() == [2, 3]


def test_every_cut_of_the_tensor_file_is_noticed(folder: Path, tensors: dict[str, Tensor]) -> None:
    path = folder / "weights.safetensors"
    blob = path.read_bytes()
    for length in range(0, len(blob), 16):
        path.write_bytes(blob[:length])
        with pytest.raises(StorageError, match=r"weights\.safetensors: \d+ bytes, and the manifest says"):
            read(folder, tensors)


def test_every_flipped_bit_of_the_tensor_file_is_noticed(folder: Path, tensors: dict[str, Tensor]) -> None:
    path = folder / "weights.safetensors"
    blob = path.read_bytes()
    for position in range(len(blob)):
        damaged = bytearray(blob)
        damaged[position] ^= 1 << (position % 8)
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"weights\.safetensors"):
            read(folder, tensors)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"a": torch.zeros(3, 2)}, r"tensor 'a' is \(2, 3\), expected \(3, 2\)"),
        ({"d": torch.zeros(1)}, r"tensor 'd' is None, expected \(1,\)"),
        ({"a": torch.zeros(2, 3, dtype=torch.float64)}, r"tensor 'a' is torch.float32, expected torch.float64"),
    ],
)
def test_other_tensors_than_the_wanted_ones_are_named(
    folder: Path, tensors: dict[str, Tensor], change: dict[str, Tensor], said: str
) -> None:
    with pytest.raises(StorageError, match=said):
        read(folder, {**tensors, **change})


def test_a_tensor_that_nobody_wants_is_named(folder: Path, tensors: dict[str, Tensor]) -> None:
    del tensors["b"]
    with pytest.raises(StorageError, match=r"tensor 'b' is \(\), expected None"):
        read(folder, tensors)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[1]", "has to be a JSON object"),
        (b"[" * 100_000, "is no JSON"),
        (b"{}" + b" " * JSON_LIMIT, f"larger than {JSON_LIMIT} bytes"),
    ],
)
def test_a_damaged_manifest_is_named(folder: Path, content: bytes, said: str) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(StorageError, match=rf"thing\.json: .*{said}"):
        read_manifest(folder, MANIFEST)


@pytest.mark.parametrize("weights", [None, 3, {}, {"bytes": "many"}])
def test_a_manifest_without_sums_is_refused(folder: Path, tensors: dict[str, Tensor], weights: object) -> None:
    (folder / MANIFEST).write_text(json.dumps({"schema_version": 1, "weights": weights}))
    with pytest.raises(StorageError, match="the manifest"):
        read(folder, tensors)


@pytest.mark.parametrize("missing", [MANIFEST, "weights.safetensors"])
def test_a_missing_file_is_named(folder: Path, tensors: dict[str, Tensor], missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(StorageError, match=f"{missing}: no such file"):
        read(folder, tensors)
