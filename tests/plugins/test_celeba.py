"""CelebA's faces: which pixels of a picture count, attributes, workers, and files that are missing or damaged."""

from __future__ import annotations

import hashlib
import pickle
import re
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import infogan
from infogan.core.data import Split
from infogan.evaluation import read_split
from infogan.plugins.celeba import Celeba
from infogan.plugins.celeba.data import ATTRIBUTES
from infogan.testing import check_data, check_missing_data
from infogan.training.feed import batches_from

PARTITION = [0, 0, 0, 1, 0, 2, 2, 1, 0, 0, 2]
"""Which split each picture is in: 0 to learn from, 1 for validation, 2 held out."""

MEMBERS: dict[Split, list[int]] = {
    "train": [i for i, part in enumerate(PARTITION) if part == 0],
    "test": [i for i, part in enumerate(PARTITION) if part == 2],
}


def has(picture: int, attribute: int) -> bool:
    """Attributes such that no two pictures, and no two attributes, have the same."""
    return bool((picture + 1) * (attribute + 3) % 7 % 2)


@pytest.fixture
def celeba(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Celeba:
    """CelebA's files with few pictures, for whose sums torchvision then looks.

    Of each picture of 178x218 pixels the red is the number of the row, the green that of the column.
    """
    from torchvision.datasets import CelebA

    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06}.jpg" for i in range(len(PARTITION))]
    row, column = np.mgrid[:218, :178].astype(np.uint8)
    for i, name in enumerate(names):
        picture = Image.fromarray(np.stack([row, column, np.full_like(row, 20 * i)], axis=2))
        picture.save(folder / "img_align_celeba" / name, quality=100, subsampling=0)
    attributes = [" ".join("1" if has(i, a) else "-1" for a in range(40)) for i in range(len(names))]
    lists = {
        "list_eval_partition.txt": ([], PARTITION),
        "identity_CelebA.txt": ([], [2880] * len(names)),
        "list_bbox_celeba.txt": ["image_id x_1 y_1 width height", ["95 71 226 313"] * len(names)],
        "list_landmarks_align_celeba.txt": ["lefteye_x lefteye_y", ["69 109"] * len(names)],
        "list_attr_celeba.txt": [" ".join(ATTRIBUTES) + " ", attributes],
    }
    expected = [("no address", "no sum", "img_align_celeba.zip")]
    for file, (header, rows) in lists.items():
        lines = [str(len(names)), str(header)] if header else []
        text = "\n".join([*lines, *(f"{name}  {values}" for name, values in zip(names, rows, strict=True))]) + "\n"
        (folder / file).write_text(text)
        expected.append(("no address", hashlib.md5(text.encode()).hexdigest(), file))
    monkeypatch.setattr(CelebA, "file_list", expected)
    return Celeba(root=str(tmp_path))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)


def test_the_data_keep_the_contract(celeba: Celeba) -> None:
    check_data(celeba)


def test_a_pixel_is_the_mean_of_5_by_5_in_the_middle(celeba: Celeba) -> None:
    """Rows 29 to 188 and columns 9 to 168 count, so the first pixel's are centred on row 31 and column 11."""
    pixels, _ = celeba.load("test")[1]  # type: ignore[index]
    steps = 5.0 * torch.arange(32)
    expected = torch.stack([(31 + steps)[:, None].expand(32, 32), (11 + steps).expand(32, 32)])
    torch.testing.assert_close(pixels[:2].float(), expected, atol=2.0, rtol=0)
    assert (pixels[2].float() - 20 * MEMBERS["test"][1]).abs().max() <= 2


def test_each_split_has_its_pictures_and_their_attributes(celeba: Celeba) -> None:
    for split, members in MEMBERS.items():
        faces = celeba.load(split)
        assert len(faces) == len(members)  # type: ignore[arg-type]
        for index, picture in enumerate(members):
            pixels, known = faces[index]
            assert int(pixels[2, 16, 16]) == pytest.approx(20 * picture, abs=2)
            assert known == {name: int(has(picture, a)) for a, name in enumerate(ATTRIBUTES)}


def test_evaluation_reads_the_attributes_as_factors(celeba: Celeba) -> None:
    model = infogan.build(infogan.read_run("celeba").model, seed=0)
    reading = read_split(model, celeba, "test")
    assert reading.factors.keys() == set(ATTRIBUTES)
    assert reading.factors["Eyeglasses"].tolist() == [has(i, ATTRIBUTES.index("Eyeglasses")) for i in MEMBERS["test"]]
    assert reading.values["trait_1"].shape == (len(MEMBERS["test"]), 10)


def test_there_are_forty_attributes_in_the_order_of_the_alphabet() -> None:
    assert len(set(ATTRIBUTES)) == 40
    assert sorted(ATTRIBUTES) == list(ATTRIBUTES)


def test_worker_processes_read_batches(celeba: Celeba) -> None:
    faces = celeba.load("train")
    feed = batches_from(faces, batch_size=6, seed=0, start=0, device=torch.device("cpu"))
    batch = feed(0)
    assert sorted(batch[:, 2, 16, 16].tolist()) == pytest.approx([20 * i for i in MEMBERS["train"]], abs=2)
    assert torch.equal(pickle.loads(pickle.dumps(faces))[0][0], faces[0][0]), "where workers are spawned it is sent"


@pytest.mark.parametrize("kept", ["nothing", "half", "another format", "another size"])
def test_a_picture_that_cannot_be_decoded_is_named(celeba: Celeba, tmp_path: Path, kept: str) -> None:
    path = tmp_path / "celeba" / "img_align_celeba" / "000002.jpg"
    content = path.read_bytes()
    if kept == "another format":
        Image.new("RGB", (178, 218)).save(path, format="PNG")
    elif kept == "another size":
        Image.new("RGB", (64, 64)).save(path, format="JPEG")
    else:
        path.write_bytes(content[: len(content) // 2] if kept == "half" else b"")
    faces = celeba.load("train")
    assert faces[0][0].shape == (3, 32, 32)
    with pytest.raises(ValueError, match=re.escape(f"{path} cannot be decoded: ")):
        faces[1]


def test_missing_data_are_answered_with_the_expected_files(tmp_path: Path) -> None:
    check_missing_data(Celeba(root=str(tmp_path)))
    for expected in ("img_align_celeba/000001.jpg", "list_attr_celeba.txt", "list_eval_partition.txt"):
        with pytest.raises(FileNotFoundError, match=re.escape(expected)):
            Celeba(root=str(tmp_path)).load("test")


def test_pictures_that_were_not_unpacked_are_missed_at_once(celeba: Celeba, tmp_path: Path) -> None:
    (tmp_path / "celeba" / "img_align_celeba" / "000010.jpg").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"1 of 6 pictures are missing, such as .*/img_align_celeba/000010\.jpg"
    ):
        celeba.load("train")
    assert len(celeba.load("test")) == 3  # type: ignore[arg-type]


def test_lists_of_another_content_are_not_taken_for_the_data(celeba: Celeba, tmp_path: Path) -> None:
    with (tmp_path / "celeba" / "list_attr_celeba.txt").open("a") as file:
        file.write("\n")
    check_missing_data(celeba)
