"""Writing that a crash cannot halve: to a temporary name, flushed, renamed into place, and the folder flushed too."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

NEW, OLD = ".unfinished-", ".replaced-"
"""What temporary names begin with: those of files and folders being written, and of folders being replaced."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a system says where there is no room for a file: disk, quota, or limit on its size."""

FailPoint = Literal[
    "folder made",
    "file opened",
    "file written",
    "file flushed",
    "folder flushed",
    "old folder renamed",
    "folder renamed",
    "parent of folder flushed",
    "file renamed",
    "parent of file flushed",
    "line appended",
    "folder renamed for removal",
    "folder removed",
]
"""Every step of writing, after which a process may die or a disk be full."""

FAIL_POINTS: tuple[FailPoint, ...] = get_args(FailPoint)


class DiskFull(OSError):
    """No room for a file; the message has its path, the bytes needed and the bytes free."""


def fail_point(point: FailPoint) -> None:
    """Called after every step of writing. Tests put in its place what kills the process, or fills the disk."""


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Have ``folder`` hold these files, and nothing else. A reader finds the old folder or the new one.

    Only between two renames, where there was an old one, there is none; `clear_unfinished` puts back the
    old one should the process die right then. DiskFull where there is no room; the old folder stays.
    """
    with _room_for(folder, sum(map(len, files.values()))):
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=NEW, dir=folder.parent))
        try:
            new.chmod(0o755)
            fail_point("folder made")
            for name, content in files.items():
                _write_through(new / name, content)
            _flush_folder(new)
            fail_point("folder flushed")
            _put_in_place(new, folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        _flush_folder(folder.parent)
        fail_point("parent of folder flushed")


def write_file(path: Path, content: bytes) -> None:
    """Replace a file, whole or not at all. DiskFull where there is no room; the old one stays."""
    temporary = path.with_name(f"{NEW}{path.name}")
    with _room_for(path, len(content)):
        try:
            _write_through(temporary, content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        fail_point("file renamed")
        _flush_folder(path.parent)
        fail_point("parent of file flushed")


def write_text(path: Path, text: str) -> None:
    """`write_file` of a text in UTF-8."""
    write_file(path, text.encode())


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file. DiskFull where there is no room."""
    content = f"{line}\n".encode()
    with _room_for(path, len(content)):
        with path.open("ab") as file:
            file.write(content)
        fail_point("line appended")


def remove_folder(folder: Path) -> None:
    """Remove a folder, which is gone under its name before the first file is."""
    aside = folder.with_name(f"{NEW}{secrets.token_hex(8)}")  # a rename takes no room, which there may be none of
    folder.rename(aside)
    fail_point("folder renamed for removal")
    shutil.rmtree(aside)
    fail_point("folder removed")


def clear_unfinished(parent: Path) -> None:
    """Clear away what writers that died left in ``parent``. Nobody may be writing there.

    A folder whose replacement never came is put back.
    """
    for old in parent.glob(f"{OLD}*"):
        _retire(old)
    for new in parent.glob(f"{NEW}*"):
        shutil.rmtree(new) if new.is_dir() else new.unlink()


def _put_in_place(new: Path, folder: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        fail_point("folder renamed")
        return
    old = Path(tempfile.mkdtemp(prefix=OLD, dir=folder.parent))
    try:
        folder.rename(old / folder.name)
        fail_point("old folder renamed")
        new.rename(folder)
        fail_point("folder renamed")
    finally:
        _retire(old)


def _retire(old: Path) -> None:
    """Remove the folder that was replaced, or put it back where its replacement has not come."""
    for folder in old.iterdir():
        if not (old.parent / folder.name).exists():
            folder.rename(old.parent / folder.name)
    shutil.rmtree(old)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        fail_point("file opened")
        file.write(content)
        fail_point("file written")
        file.flush()
        os.fsync(file.fileno())
    fail_point("file flushed")


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _room_for(path: Path, needed: int) -> Iterator[None]:
    """Say of which file it was, and how much it needed, where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        existing = next(parent for parent in path.absolute().parents if parent.exists())
        free = shutil.disk_usage(existing).free
        reason = os.strerror(error.errno or 0).lower()
        raise DiskFull(f"{path}: {reason}: {needed:,} bytes are needed, {free:,} are free") from None
