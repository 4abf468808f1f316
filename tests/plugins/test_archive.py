"""A zip file of pictures in place of a folder."""

from __future__ import annotations

import pickle
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from infogan.core.data import Images
from infogan.files.datasets import FOLDER_VARIABLE
from infogan.plugins.folder import Folder, data
from infogan.plugins.folder.archive import Archive
from infogan.testing import check_data
from infogan.training.feed import batches_from


def picture(shade: int) -> bytes:
    file = BytesIO()
    Image.fromarray(np.full((8, 8), shade, dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def zipped(path: Path, names: dict[str, int], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip file with a picture of one shade under each name."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, shade in names.items():
            archive.writestr(name, picture(shade))
    return path


def folder(path: Path, **options: object) -> Folder:
    return Folder.model_validate({"folder": str(path), "height": 8, "width": 8, "channels": 1, **options})


def shades(images: object) -> list[int]:
    assert isinstance(images, Images)
    return images.pixels[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("in_memory", [True, False])
def test_it_keeps_the_contract_of_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: int, in_memory: bool
) -> None:
    if not in_memory:
        monkeypatch.setattr(data, "IN_MEMORY", 0)
    names = {f"{kind}/{i}.png": 100 * k + i for k, kind in enumerate(("cats", "dogs")) for i in range(30)}
    check_data(folder(zipped(tmp_path / "a.zip", names, method), classes=("cats", "dogs"), held_out=0.4))


def test_it_has_what_the_folder_has_in_the_same_splits_and_order(tmp_path: Path) -> None:
    names = {f"{i % 3}/{i}.png": i for i in range(60)} | {"1.b/7.png": 70, ".hidden.png": 71, "1/.b/c.png": 72}
    with zipfile.ZipFile(zipped(tmp_path / "a.zip", names)) as archive:
        archive.extractall(tmp_path / "a")
    for split in ("train", "test"):
        assert shades(folder(tmp_path / "a.zip").load(split)) == shades(folder(tmp_path / "a").load(split))


def test_its_folders_may_be_the_splits(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"train/1.png": 1, "train/deep/2.png": 2, "valid/3.png": 3})
    assert shades(folder(path).load("train")) == [1, 2]
    assert shades(folder(path).load("test")) == [3]


def test_the_only_folder_in_it_is_its_top(tmp_path: Path) -> None:
    names = {"pets/train/1.png": 1, "pets/test/2.png": 2, "__MACOSX/pets/train/._1.png": 3}
    path = zipped(tmp_path / "a.zip", names)
    assert shades(folder(path).load("train")) == [1]
    assert [found.name for found in folder(path).examine("test")] == ["test/2.png"]


def test_its_name_need_not_say_what_it_is_and_it_is_found_below_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    zipped(tmp_path / "pictures", {"train/1.png": 1, "test/2.png": 2})
    assert shades(folder(Path("pictures")).load("train")) == [1]


def test_workers_read_what_memory_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = folder(zipped(tmp_path / "a.zip", {f"{i}.png": i for i in range(40)}))
    batches = []
    for limit in (data.IN_MEMORY, 0):
        monkeypatch.setattr(data, "IN_MEMORY", limit)
        feed = batches_from(pictures.load("train"), batch_size=4, seed=0, start=0, device=torch.device("cpu"))
        batches.append(torch.stack([feed(step) for step in range(3)]))
        feed.close()
    assert torch.equal(*batches)


def test_it_goes_to_another_process(tmp_path: Path) -> None:
    archive = Archive(zipped(tmp_path / "a.zip", {"1.png": 1}))
    there: Archive = pickle.loads(pickle.dumps(archive))
    assert there.open("1.png").read() == archive.open("1.png").read() == picture(1)


def test_what_is_no_picture_is_counted(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"train/1.png": 1, "val/2.png": 2, "notes.txt": 3, "else/4.png": 4})
    assert folder(path).ignored_files() == {".txt": 1, "pictures in no split": 1}


def test_a_picture_that_is_damaged_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"train/1.png": 1, "train/2.png": 2, "test/3.png": 3}, zipfile.ZIP_STORED)
    content = path.read_bytes()
    at = content.index(picture(2))
    path.write_bytes(content[: at + 20] + b"?" + content[at + 21 :])
    with pytest.raises(ValueError, match=r"^/.*/a\.zip/train/2\.png: cannot be unpacked: it is damaged$"):
        folder(path).load("train")


@pytest.mark.parametrize("content", [b"", b"Hello, I am a text.", picture(3)])
def test_what_is_no_zip_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.zip: cannot be read as a zip file: File is not a zip file"):
        folder(tmp_path / "a.zip").load("train")
