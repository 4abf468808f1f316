"""Writing that a crash cannot halve. That no moment of a whole run can is shown by benchmarks/interrupted_runs.py."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from infogan.files import disk
from infogan.files.disk import (
    FAIL_POINTS,
    NEW,
    OLD,
    DiskFull,
    append_line,
    clear_unfinished,
    remove_folder,
    replace_folder,
    write_text,
)

Break = Callable[[str, BaseException], None]


class Death(BaseException):
    """What no handler of errors sees; though tidying up goes on, unlike after a SIGKILL."""


@pytest.fixture
def break_at(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Raises an error after a step of writing."""

    def break_at(point: str, error: BaseException) -> None:
        def fail_point(passed: str) -> None:
            if passed == point:
                raise error

        monkeypatch.setattr(disk, "fail_point", fail_point)

    return break_at


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_has_the_files_that_it_was_given_and_no_other(tmp_path: Path) -> None:
    for files in ({"a": b"1", "b": b"2"}, {"b": b"3"}):
        replace_folder(tmp_path / "sub" / "folder", files)
        assert content(tmp_path / "sub" / "folder") == files
        assert names(tmp_path / "sub") == ["folder"]


@pytest.mark.parametrize("point", [point for point in FAIL_POINTS if point.startswith(("file", "folder"))])
@pytest.mark.parametrize("error", [Death(), OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "broken")])
def test_wherever_it_breaks_there_is_one_whole_folder(
    tmp_path: Path, break_at: Break, point: str, error: BaseException
) -> None:
    old, new = {"a": b"old"}, {"a": b"new", "b": b"new"}
    replace_folder(tmp_path / "folder", old)
    break_at(point, error)
    if point in ("folder renamed for removal", "folder removed", "file renamed", "parent of file flushed"):
        replace_folder(tmp_path / "folder", new)  # which comes past no such point
    else:
        with pytest.raises((Death, OSError)):
            replace_folder(tmp_path / "folder", new)
    assert content(tmp_path / "folder") in (old, new)
    assert names(tmp_path) == ["folder"]


def test_what_a_killed_writer_left_is_cleared_and_what_it_had_moved_aside_put_back(tmp_path: Path) -> None:
    for folder in (f"{NEW}1", f"{NEW}2", f"{OLD}1/gone", f"{OLD}2/here", "here", "stranger"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").write_text(folder)
    (tmp_path / f"{NEW}note").write_text("half of a te")
    clear_unfinished(tmp_path)
    assert names(tmp_path) == ["gone", "here", "stranger"]
    assert (tmp_path / "gone" / "file").read_text() == f"{OLD}1/gone"
    assert (tmp_path / "here" / "file").read_text() == "here"


def test_a_text_is_replaced_whole(tmp_path: Path, break_at: Break) -> None:
    write_text(tmp_path / "note", "one")
    for point in ("file opened", "file written", "file flushed"):
        break_at(point, Death())
        with pytest.raises(Death):
            write_text(tmp_path / "note", "two")
        assert content(tmp_path) == {"note": b"one"}
    break_at("nowhere", Death())
    write_text(tmp_path / "note", "zwölf")
    assert content(tmp_path) == {"note": "zwölf".encode()}


def test_a_removed_folder_is_gone_before_the_first_of_its_files(tmp_path: Path, break_at: Break) -> None:
    replace_folder(tmp_path / "folder", {"a": b"1"})
    break_at("folder renamed for removal", Death())
    with pytest.raises(Death):
        remove_folder(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    clear_unfinished(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize(
    ("point", "write"),
    [
        ("file written", lambda path: write_text(path, "x" * 5000)),
        ("line appended", lambda path: append_line(path, "x" * 4999)),
        ("file written", lambda path: replace_folder(path, {"a": b"1" * 2000, "b": b"2" * 3000})),
    ],
)
def test_a_full_disk_is_one_error_with_the_path_and_the_bytes(
    tmp_path: Path, break_at: Break, code: int, point: str, write: Callable[[Path], None]
) -> None:
    break_at(point, OSError(code, os.strerror(code)))
    with pytest.raises(
        DiskFull, match=rf"^{tmp_path}/thing: {os.strerror(code).lower()}: 5,000 bytes are needed, [\d,]+ are free$"
    ):
        write(tmp_path / "thing")


def test_other_errors_of_the_system_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        append_line(tmp_path / "nowhere" / "log", "line")
