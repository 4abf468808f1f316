"""Zip files of pictures that want to do harm: what they cost is bounded, and nothing but them is touched."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from infogan.plugins.folder import Folder, archive


def picture(side: int = 8) -> bytes:
    file = BytesIO()
    Image.new("L", (side, side), 7).save(file, "BMP")
    return file.getvalue()


def written(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in (("train/0.bmp", picture()), ("test/1.bmp", picture()), *entries):
            file.writestr(name, content)
    return path


def load(path: Path) -> Any:
    return Folder(folder=str(path), height=8, width=8).load("train")


def marked(name: str, mode: int) -> zipfile.ZipInfo:
    """An entry that says what kind of file it is."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


@pytest.mark.parametrize("name", ["../out.bmp", "train/../../out.bmp", "/etc/out.bmp", "../../etc/passwd"])
def test_an_entry_that_leads_out_of_it_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"a\.zip: an entry leads out of it: '"):
        load(written(tmp_path / "a.zip", (name, picture())))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_passed_over(tmp_path: Path, kind: int) -> None:
    path = written(tmp_path / "a.zip", (marked("train/link.bmp", kind | 0o777), b"/etc/passwd"))
    assert len(load(path)) == 1


def test_nothing_is_written_and_nothing_else_is_read(tmp_path: Path, watchman: Any) -> None:
    path = written(tmp_path / "a.zip", ("train/a\\..\\..\\b.bmp", picture()), (".bmp", picture()))
    load(path)  # so that all is imported
    with watchman.over(tmp_path) as seen:
        load(path)
    assert not seen
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_picture_that_unpacks_to_many_times_its_size_is_refused_unread(
    tmp_path: Path, peak_memory: Callable[[], int]
) -> None:
    path = written(tmp_path / "a.zip", ("train/bomb.bmp", bytes(100 * archive.SMALL)))
    with pytest.raises(ValueError, match=r"train/bomb\.bmp: is not unpacked: 101,\d\d\d bytes would be 104,857,600"):
        load(path)
    assert peak_memory() < 200 * archive.SMALL, "what the test itself took to pack it"


def test_a_small_picture_may_be_packed_tightly(tmp_path: Path) -> None:
    assert len(load(written(tmp_path / "a.zip", ("train/large.bmp", picture(900))))) == 2


def test_a_picture_that_says_less_than_it_unpacks_to_is_no_way_around(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip", ("train/bomb.bmp", bytes(100 * archive.SMALL)))
    content = path.read_bytes().replace(struct.pack("<I", 100 * archive.SMALL), struct.pack("<I", 1000))
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"train/bomb\.bmp: cannot be unpacked: it is damaged"):
        load(path)


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """The way to make one zip file say that it holds petabytes."""
    entry = b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, 0, 1000, 10**6, 5, 0) + b"a.bmp" + bytes(1000)
    listing = b"".join(
        b"PK\1\2"
        + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 8, 0, 0, 0, 1000, 10**6, 5, 0, 0, 0, 0, 0, 0)
        + f"{i}.bmp".encode()
        for i in range(5)
    )
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 5, 5, len(listing), len(entry), 0)
    (tmp_path / "a.zip").write_bytes(entry + listing + end)
    with pytest.raises(ValueError, match=r"a\.zip: its entries overlap"):
        load(tmp_path / "a.zip")


def test_one_with_too_many_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.zip", *((f"train/more-{i}.bmp", b"") for i in range(20)))
    monkeypatch.setattr(archive, "MOST_ENTRIES", 10)
    with pytest.raises(ValueError, match=r"a\.zip: has 22 entries, and may have 10"):
        load(path)


def test_one_with_a_long_list_of_entries_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.zip", *((f"train/more-{i}.bmp", b"") for i in range(20)))
    monkeypatch.setattr(archive, "MOST_DIRECTORY", 500)
    with pytest.raises(ValueError, match=r"the list of its entries has 1,\d\d\d bytes, and may have 500"):
        load(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_picture_that_is_packed_in_a_rare_way_is_refused(tmp_path: Path, method: int) -> None:
    path = written(tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a", method) as file:
        file.writestr("train/rare.bmp", picture())
    with pytest.raises(ValueError, match=r"train/rare\.bmp: cannot be unpacked: it is encrypted, or neither"):
        load(path)


def test_each_cut_and_changed_byte_is_harmless_or_an_error_that_names_the_archive(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip")
    whole = path.read_bytes()
    listing = whole.index(b"PK\1\2")
    for i in [*range(0, listing, 13), *range(listing, len(whole))]:
        for content in (whole[:i], whole[:i] + bytes([whole[i] ^ 0x15]) + whole[i + 1 :]):
            path.write_bytes(content)
            with suppress(ValueError, FileNotFoundError):
                load(path)
                continue
            with pytest.raises((ValueError, FileNotFoundError), match=str(tmp_path)):
                load(path)
