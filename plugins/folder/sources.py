"""Where picture files lie: below a top, which may be a folder."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path


class Files(ABC):
    """Files below a top folder, each named by its path from there, with slashes. Hidden ones are passed over."""

    top: Path
    """Where they are."""

    @abstractmethod
    def names(self, folder: str = "") -> list[str]:
        """All files below a folder, sorted by folder. FileNotFoundError where there is no such folder."""

    @abstractmethod
    def has(self, folder: str) -> bool:
        """Whether there is a folder of that name, "" being the top."""

    @abstractmethod
    def open(self, name: str) -> Path | BytesIO:
        """What the file can be read from. FileNotFoundError, at the latest then, where there is none."""

    def path(self, name: str) -> Path:
        """The file, or folder, as a message names it."""
        return self.top / name


@dataclass(frozen=True)
class OnDisk(Files):
    """A folder of the file system. Links to files are followed, links to folders are not."""

    top: Path

    def names(self, folder: str = "") -> list[str]:
        start = self.top / folder
        found = []
        for parent, folders, names in os.walk(start, onerror=_raise):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(parent).relative_to(self.top)
            found += [(below / name).as_posix() for name in names if not name.startswith(".")]
        return in_order(found)

    def has(self, folder: str) -> bool:
        return (self.top / folder).is_dir()

    def open(self, name: str) -> Path:
        return self.top / name


def in_order(names: list[str]) -> list[str]:
    """Folder by folder: ``a/b`` before ``a.b``."""
    return sorted(names, key=lambda name: name.split("/"))


def _raise(error: OSError) -> None:
    raise error
