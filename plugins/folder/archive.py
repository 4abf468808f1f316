"""A zip file of pictures, read in place: nothing of it is written anywhere."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO, FileIO
from pathlib import Path, PurePosixPath

from .sources import Files, in_order

MOST_ENTRIES = 500_000
"""Files and folders that a zip file may have."""

MOST_DIRECTORY = 2**26
"""Bytes of the list of its entries."""

MOST_BYTES = 2**28
"""Bytes of one unpacked picture file."""

MOST_RATIO = 200
"""Bytes of an unpacked picture file for each packed one, where it is larger than `SMALL`."""

SMALL = 2**20
"""Bytes, which may be packed as tightly as they like."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""What stands before an entry's content; of its fields the mark, and how long name and extra field after it are."""


@dataclass(frozen=True)
class _Entry:
    """Where one file lies in a zip file, and what is said of it."""

    offset: int
    packed: int
    """Bytes that it takes."""
    size: int
    """Bytes that it has when it is unpacked."""
    checksum: int
    method: int
    encrypted: bool


@dataclass(frozen=True)
class Archive(Files):
    """A zip file in place of a folder. Where all that it holds lies in one folder, that is the top.

    Links in it are passed over. One that is not what it should be, or holds more than it may, is a ValueError. It can
    be read by several threads and processes at a time.
    """

    top: Path

    def names(self, folder: str = "") -> list[str]:
        """All files below a folder of it."""
        return [name for name in self._entries if not folder or name.startswith(f"{folder}/")]

    def has(self, folder: str) -> bool:
        """Whether something lies below a folder of that name."""
        return folder in self._folders

    def open(self, name: str) -> BytesIO:
        """A file's content. ValueError where it is damaged, packed in a rare way, or larger than it may be."""
        entry = self._entries.get(name)
        if entry is None:
            raise FileNotFoundError(f"there is no file {self.path(name)}")
        if entry.encrypted or entry.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("cannot be unpacked: it is encrypted, or neither stored nor deflated")
        if entry.size > MOST_BYTES or entry.size > max(SMALL, MOST_RATIO * entry.packed):
            raise ValueError(
                f"is not unpacked: {entry.packed:,} bytes would be {entry.size:,}, and a picture file may have "
                f"{MOST_BYTES:,}, and {MOST_RATIO} for each packed one"
            )
        return BytesIO(self._unpacked(entry))

    def _unpacked(self, entry: _Entry) -> bytes:
        with self.top.open("rb") as file:
            file.seek(entry.offset)
            header = file.read(_LOCAL_HEADER.size)
            if len(header) == _LOCAL_HEADER.size and header.startswith(b"PK\3\4"):
                _, name, extra = _LOCAL_HEADER.unpack(header)
                file.seek(name + extra, 1)
                content = file.read(min(entry.packed, 2 * entry.size + SMALL))
            else:
                content = b""
        if entry.method == zipfile.ZIP_DEFLATED:
            try:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, max(entry.size, 1))
            except zlib.error:
                content = b""
        if len(content) != entry.size or zlib.crc32(content) != entry.checksum:
            raise ValueError("cannot be unpacked: it is damaged")
        return content

    @cached_property
    def _entries(self) -> dict[str, _Entry]:
        """Each file by its name below the top, in order."""
        try:
            with _Listed(self.top) as file, zipfile.ZipFile(file) as archive:
                listed = archive.infolist()
        except Exception as error:  # whatever is wrong with it, it is what cannot be read
            said = str(error) or type(error).__name__
            raise ValueError(f"{self.top}: cannot be read as a zip file: {said}") from None
        bytes_in_all = self.top.stat().st_size
        if len(listed) > MOST_ENTRIES:
            raise ValueError(f"{self.top}: has {len(listed):,} entries, and may have {MOST_ENTRIES:,}")
        if not all(0 <= entry.header_offset < bytes_in_all for entry in listed):
            raise ValueError(f"{self.top}: cannot be read as a zip file: an entry lies outside of it")
        if sum(entry.compress_size for entry in listed) > bytes_in_all:
            raise ValueError(f"{self.top}: its entries overlap: together they take more bytes than the zip file has")
        found = {entry.filename: _entry(entry) for entry in listed if _is_file(entry)}
        for name in found:
            if name.startswith("/") or ".." in name.split("/"):
                raise ValueError(f"{self.top}: an entry leads out of it: {name!r}")
        visible = [name for name in found if not any(part.startswith(".") for part in name.split("/"))]
        first = {name.partition("/")[0] if "/" in name else "" for name in visible}
        start = f"{first.pop()}/" if len(first) == 1 and first != {""} else ""
        return {name: found[start + name] for name in in_order([name.removeprefix(start) for name in visible])}

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(
            "" if folder == PurePosixPath() else str(folder)
            for name in self._entries
            for folder in PurePosixPath(name).parents
        )


class _Listed(FileIO):
    """A file of which no more is read at once than the list of entries may have."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MOST_DIRECTORY:
            raise ValueError(f"the list of its entries has {size:,} bytes, and may have {MOST_DIRECTORY:,}")
        return super().read(size)


def _entry(listed: zipfile.ZipInfo) -> _Entry:
    return _Entry(
        listed.header_offset,
        listed.compress_size,
        listed.file_size,
        listed.CRC,
        listed.compress_type,
        bool(listed.flag_bits & 1),
    )


def _is_file(listed: zipfile.ZipInfo) -> bool:
    """Neither a folder nor a link; many archives say nothing of that."""
    return not listed.is_dir() and stat.S_IFMT(listed.external_attr >> 16) in (0, stat.S_IFREG)
