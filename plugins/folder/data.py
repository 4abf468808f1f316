"""Any pictures below a folder."""

from __future__ import annotations

import hashlib
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor
from torch.utils.data import Dataset

from ...core.data import Data, Images, Split
from ...core.network import ImageShape
from ...files.datasets import data_folder

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Endings of the names of picture files, in small letters."""

IN_MEMORY = 2**30
"""Bytes of pixels up to which a split is decoded once and kept: 87,381 RGB pictures of 64x64. A larger one is read
picture by picture, every time anew."""


class Folder(Data):
    """Pictures of any size, made to fit, below ``folder`` and its sub-folders.

    BMP, GIF (its first picture), JPEG, PNG, PPM, TIFF and WebP files, known by their names' endings; hidden files and
    folders are passed over, and links to folders not followed. A picture is turned as its EXIF orientation says, laid
    on white where it is transparent, converted to gray or RGB, cut to the wanted ratio of its sides in its middle, and
    resampled (Lanczos, antialiased).

    Where there are sub-folders ``train`` and ``test``, they are the splits; else a share is held out. A file that
    cannot be read is a ValueError that names it, unless ``on_bad_image`` is ``skip``.
    """

    kind: Literal["folder"] = "folder"
    folder: str = Field(min_length=1, examples=["pictures", "/data/pictures"])
    """Where the pictures lie: an absolute path, or one below the environment's INFOGAN_DATA, or else below
    ``~/.cache/infogan``."""
    channels: Literal[1, 3] = 3
    """1 for gray, 3 for RGB."""
    height: int = Field(ge=1, le=4096, examples=[64])
    """Rows of pixels that every picture is made to have."""
    width: int = Field(ge=1, le=4096, examples=[64])
    """Columns of pixels."""
    held_out: float = Field(default=0.1, gt=0.0, lt=1.0)
    """Share of the pictures that are held out where there are no sub-folders ``train`` and ``test``. Which ones
    depends on each one's path below ``folder`` alone: pictures that are added move no others."""
    classes: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(),
        examples=[["cats", "dogs"]],
        json_schema_extra={
            "items": {"type": "string", "pattern": "^[^./][^/]*$"},
            "uniqueItems": True,
            "not": {"minItems": 1, "maxItems": 1},
        },
    )
    """Sub-folders (of ``train`` and ``test``, where there are these) that are the classes of a known factor ``class``,
    which training does not see and `infogan evaluate` measures codes against. Pictures elsewhere are left out.
    Absent: all pictures, and no known factor."""

    on_bad_image: Literal["error", "skip"] = "error"
    """Of a file that cannot be read: ``error`` ends the run; ``skip`` leaves it out with a warning that names it, or
    takes the next picture in its place where there are too many to keep in memory."""
    bad_share: float = Field(default=0.01, gt=0.0, lt=1.0)
    """Share of a split's files that ``skip`` puts up with; more of them are an error. Where there are too many pictures
    to keep in memory, each process that reads counts those that it came across."""

    @field_validator("classes")
    @classmethod
    def _names_of_folders(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) == 1 or len(set(value)) < len(value):
            raise ValueError(f"has to name two sub-folders at least, each once, not {list(value)}")
        for name in value:
            if not name or name.startswith(".") or Path(name).name != name:
                raise ValueError(f"{name!r} has to be the name of a sub-folder, neither a path nor hidden")
        return value

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=self.channels, height=self.height, width=self.width)

    @property
    def factors(self) -> Mapping[str, int | None]:
        return {"class": len(self.classes)} if self.classes else {}

    def load(self, split: Split) -> Images | Dataset[Any]:
        """The pictures of a split in the order of their paths, class by class.

        Up to `IN_MEMORY` bytes they are decoded at once; else items are read when they are asked for.
        """
        paths, classes = self._found(split)
        spare = int(len(paths) * self.bad_share) if self.on_bad_image == "skip" else None
        pictures = _Pictures(paths, classes if self.classes else None, self.image, spare)
        return pictures.decoded() if len(paths) * math.prod(self.image.dims) <= IN_MEMORY else pictures

    def _found(self, split: Split) -> tuple[list[Path], list[int]]:
        """Each picture's path, and the index of its class, which is 0 where there are none."""
        folder = data_folder(None) / Path(self.folder).expanduser()
        apart = (folder / "train").is_dir() and (folder / "test").is_dir()
        top = folder / split if apart else folder
        found = [(path, i) for i, name in enumerate(self.classes or [""]) for path in _below(top / name)]
        kept = found if apart else [(p, i) for p, i in found if self._holds_out(p, folder) == (split == "test")]
        if not kept:
            raise FileNotFoundError(
                f"none of the {len(found)} pictures below {top} is in the split {split!r}, with {self.held_out:.0%} "
                f"held out; expected more of them, or sub-folders {folder / 'train'} and {folder / 'test'}"
            )
        return [path for path, _ in kept], [index for _, index in kept]

    def _holds_out(self, path: Path, folder: Path) -> bool:
        digest = hashlib.sha256(os.fsencode(path.relative_to(folder).as_posix())).digest()
        return int.from_bytes(digest[:8]) < self.held_out * 2**64


class _Pictures(Dataset[Any]):
    """Picture files, read when they are asked for: uint8 tensors, or pairs of one and its known factors.

    Up to ``spare`` of them may be unreadable: then the next one is taken in its place. Without ``spare`` none may.
    """

    def __init__(
        self, paths: Sequence[Path], classes: Sequence[int] | None, image: ImageShape, spare: int | None
    ) -> None:
        self.paths, self.classes, self.image, self.spare = paths, classes, image, spare
        self.bad: set[Path] = set()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor | tuple[Tensor, dict[str, int]]:
        while (pixels := self._read(index)) is None:
            index = (index + 1) % len(self)
        return pixels if self.classes is None else (pixels, {"class": self.classes[index]})

    def decoded(self) -> Images:
        """All that can be read, by as many threads as torch computes with: decoders let go of Python's lock."""
        pixels = torch.empty(len(self), *self.image.dims, dtype=torch.uint8)
        kept: list[int] = []
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            for i, picture in enumerate(threads.map(self._read, range(len(self)))):
                if picture is not None:
                    pixels[len(kept)] = picture
                    kept.append(i)
        classes = {} if self.classes is None else {"class": torch.tensor([self.classes[i] for i in kept])}
        return Images(pixels[: len(kept)], classes)

    def _read(self, index: int) -> Tensor | None:
        """One picture, or None where it is bad and may be."""
        from .picture import read_picture  # Pillow, which only this needs

        path = self.paths[index]
        try:
            return read_picture(path, self.image)
        except ValueError as error:
            if self.spare is None:
                raise
            if path not in self.bad:
                self._leave_out(path, error, self.spare)
            return None

    def _leave_out(self, path: Path, error: ValueError, spare: int) -> None:
        self.bad.add(path)
        if len(self.bad) > spare:
            count = f"{len(self.bad)} of {len(self)} pictures"
            raise ValueError(f"{error}; that is {count}, and bad_share puts up with {spare}") from None
        warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)


def _below(folder: Path) -> list[Path]:
    """Picture files below a folder, sorted. FileNotFoundError where there is no folder, or no picture."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; expected pictures below it ({' '.join(SUFFIXES)})")
    found = []
    for parent, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if _is_picture(name)]
    if not found:
        raise FileNotFoundError(f"no picture below {folder}; expected files that end in {' '.join(SUFFIXES)}")
    return sorted(found)


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def _raise(error: OSError) -> None:
    raise error
