"""The house numbers: read as they lie on disk, and missing ones."""

from __future__ import annotations

import hashlib
import re
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from infogan.core.data import Split
from infogan.plugins.svhn import Svhn
from infogan.testing import check_data, check_missing_data

PICTURES: dict[Split, int] = {"train": 40, "test": 20}


def picture_file(split: Split) -> dict[str, np.ndarray]:
    """What is in a file: (row, column, channel, picture), and labels from 1 to 10, where 10 is the digit 0."""
    n = PICTURES[split]
    pixels = np.random.default_rng(n).integers(0, 256, (32, 32, 3, n), dtype=np.uint8)
    return {"X": pixels, "y": (np.arange(n, dtype=np.uint8) % 10 + 1)[:, None]}


@pytest.fixture
def svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Svhn:
    """SVHN's files with few pictures, for whose sums torchvision then looks."""
    from torchvision.datasets import SVHN

    expected = {}
    for split in PICTURES:
        address, name, _ = SVHN.split_list[split]
        savemat(tmp_path / name, picture_file(split))
        expected[split] = [address, name, hashlib.md5((tmp_path / name).read_bytes()).hexdigest()]
    monkeypatch.setattr(SVHN, "split_list", expected)
    return Svhn(root=str(tmp_path))


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Connections that were asked for; there is no network."""
    asked: list[object] = []

    def no_network(*address: object, **_: object) -> None:
        asked.append(address)
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    return asked


def test_the_data_keep_the_contract(svhn: Svhn) -> None:
    check_data(svhn)


def test_pixels_and_digits_are_those_of_the_file(svhn: Svhn) -> None:
    for split, n in PICTURES.items():
        images, file = svhn.load(split), picture_file(split)
        assert images.pixels.shape == (n, 3, 32, 32)
        assert images.pixels.is_contiguous()
        for picture, channel, row, column in [(0, 0, 0, 0), (3, 2, 31, 5), (n - 1, 1, 7, 30)]:
            assert images.pixels[picture, channel, row, column] == file["X"][row, column, channel, picture]
        assert images.factors["digit"].tolist() == [label % 10 for label in file["y"][:, 0].tolist()]
        assert images.factors["digit"].dtype == torch.int64


def test_missing_data_are_answered_with_the_expected_files(tmp_path: Path, tries: list[object]) -> None:
    """At the second try too: what a failed download leaves behind does not pass for the data."""
    for _ in range(2):
        tries.clear()
        check_missing_data(Svhn(root=str(tmp_path)))
        assert tries, "the network may be back"
    with pytest.raises(FileNotFoundError, match=re.escape(f"{tmp_path}/test_32x32.mat")):
        Svhn(root=str(tmp_path)).load("test")


def test_a_damaged_file_is_not_taken_for_the_data(svhn: Svhn, tmp_path: Path, tries: list[object]) -> None:
    path = tmp_path / "train_32x32.mat"
    path.write_bytes(path.read_bytes()[:-100])
    check_missing_data(svhn)
    assert tries, "it is fetched again"


def test_without_scipy_it_is_said_how_to_install_it(svhn: Svhn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(ImportError, match=re.escape('pip install "infogan[metrics]"')):
        svhn.load("train")
