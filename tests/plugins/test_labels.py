"""What each picture is, from a CSV file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from infogan.core.data import Images
from infogan.plugins.folder import Folder, labels
from infogan.testing import check_data


def fill(folder: Path, *shades: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for shade in shades:
        Image.fromarray(np.full((8, 8), shade, dtype=np.uint8)).save(folder / f"{shade}.png")


def listed(folder: Path, lines: str | bytes) -> Folder:
    """The pictures of a folder with these labels."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.csv").write_bytes(lines.encode() if isinstance(lines, str) else lines)
    return Folder(folder=str(folder), height=8, width=8, channels=1, labels="labels.csv")


def known(pictures: Folder, split: str = "train") -> list[tuple[int, int]]:
    images = pictures.load(split)  # type: ignore[arg-type]
    assert isinstance(images, Images)
    return list(zip(images.pixels[:, 0, 0, 0].tolist(), images.factors["class"].tolist(), strict=True))


def test_it_keeps_the_contract_of_data(tmp_path: Path) -> None:
    fill(tmp_path / "some", *range(40))
    fill(tmp_path / "more", *range(100, 140))
    lines = [f"some/{i}.png,{'even' if i % 2 == 0 else 'odd'}" for i in range(40)]
    lines += [f"more/{i}.png,{'even' if i % 2 == 0 else 'odd'}" for i in range(100, 140)]
    pictures = listed(tmp_path, "\n".join(["file,label", *lines]))
    check_data(pictures)
    assert pictures.factors == {"class": 2}
    assert all(kind == shade % 2 for shade, kind in known(pictures) + known(pictures, "test"))


def test_labels_are_classes_in_the_order_of_the_alphabet_in_both_splits(tmp_path: Path) -> None:
    fill(tmp_path / "train", 1, 2, 3)
    fill(tmp_path / "test", 4)
    pictures = listed(tmp_path, "file,label\ntrain/1.png,cow\ntrain/2.png,ant\ntrain/3.png,bee\ntest/4.png,cow\n")
    assert pictures.factors == {"class": 3}
    assert known(pictures) == [(1, 2), (2, 0), (3, 1)]
    assert known(pictures, "test") == [(4, 2)]


def test_pictures_that_are_not_listed_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path / "train", 1, 2, 3)
    fill(tmp_path / "test", 4)
    pictures = listed(tmp_path, "file,label\ntrain/1.png,cow\ntrain/3.png,ant\ntest/4.png,cow\n")
    assert known(pictures) == [(1, 1), (3, 0)]
    assert pictures.ignored_files() == {"pictures in no split": 1, ".csv": 1}


def test_it_is_read_as_spreadsheets_write_it(tmp_path: Path) -> None:
    """With a mark of its encoding, lines that end as on Windows, quotes, and columns that nobody asked for."""
    fill(tmp_path / "train", 1, 2)
    fill(tmp_path / "test", 4)
    lines = '\ufeffid,label,file\r\n1,"cow, brown",train/1.png\r\n2,Kühe,./train/2.png\r\n3,Kühe,test/4.png\r\n'
    assert known(listed(tmp_path, lines)) == [(1, 1), (2, 0)]


def test_it_may_lie_in_a_zip_file(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "train", 1, 2)
    fill(tmp_path / "a" / "test", 3)
    listed(tmp_path / "a", "file,label\ntrain/1.png,b\ntrain/2.png,a\ntest/3.png,a\n")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in (tmp_path / "a").rglob("*.*"):
            archive.write(path, path.relative_to(tmp_path / "a"))
    pictures = Folder(folder=str(tmp_path / "a.zip"), height=8, width=8, channels=1, labels="labels.csv")
    assert known(pictures) == [(1, 1), (2, 0)]


WRONG: dict[str, tuple[str | bytes, str]] = {
    "other columns": ("name,class\n1.png,a\n", r"line 1: its first line has to name .* not 'name', 'class'"),
    "nothing": ("", r"line 0: its first line has to name the columns file and label"),
    "no such picture": ("file,label\n1.png,a\n9.png,b\n", r"line 3: there is no file '9.png' below /"),
    "two labels": ("file,label\n1.png,a\n1.png,b\n", r"line 3: '1.png' has had another label above"),
    "no label": ("file,label\n1.png,\n", r"line 2: has to have a file and a label"),
    "a short line": ("file,label\n1.png\n", r"line 2: has to have a file and a label"),
    "one label": (
        "file,label\n1.png,a\n2.png,a\n",
        r"there have to be 2 to 10,000 different labels, not 1",
    ),
    "an open quote": ('file,label\n1.png,"a\n', r"line 1: unexpected end of data"),
    "Latin-1": ("file,label\n1.png,Kühe\n".encode("latin-1"), r"labels.csv: has to be in UTF-8"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_in_it_is_named_with_its_line(tmp_path: Path, what: str) -> None:
    lines, said = WRONG[what]
    fill(tmp_path, 1, 2)
    with pytest.raises(ValueError, match=said):
        listed(tmp_path, lines).load("train")


def test_one_that_is_missing_is_answered_with_what_was_expected(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2)
    pictures = Folder(folder=str(tmp_path), height=8, width=8, labels="labels.csv")
    for asked in (lambda: pictures.load("train"), lambda: pictures.factors):
        with pytest.raises(FileNotFoundError, match=r"no file /.*/labels.csv; expected a CSV file with the columns"):
            asked()


def test_one_that_is_no_list_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MOST_BYTES", 10)
    fill(tmp_path, 1, 2)
    with pytest.raises(ValueError, match=r"labels.csv: is no list of labels: it has more than 10 bytes"):
        listed(tmp_path, "file,label\n1.png,a\n").load("train")


def test_classes_and_labels_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="both say what each picture is: leave one out"):
        Folder(folder="a", height=8, width=8, classes=("a", "b"), labels="labels.csv")
