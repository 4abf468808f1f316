"""Any pictures below a folder."""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator
from torch import Tensor
from torch.utils.data import Dataset

from ...core.data import Data, Draw, Examined, Images, Split
from ...core.network import ImageShape
from ...files.datasets import data_folder
from .archive import Archive
from .augment import flipped_and_shifted
from .fitting import BACKGROUND, Fit, Fitting, check_background
from .labels import read_labels
from .reading import Pictures
from .sources import Files, OnDisk

SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff"),
    ".webp",
)
"""Endings of the names of picture files, in small letters."""

HELD_OUT = ("test", "val", "valid", "validation")
"""What the sub-folder of held-out pictures may be called, beside ``train``; of several the first one counts."""

IN_MEMORY = 2**30
"""Bytes of pixels up to which a split is decoded once and kept: 87,381 RGB pictures of 64x64. A larger one is read
picture by picture, every time anew."""


class Folder(Data):
    """Pictures of any size, made to fit, below ``folder`` and its sub-folders.

    AVIF (where Pillow was built with it), BMP, GIF (its first picture), JPEG, PNG, PPM, TIFF and WebP files, known by
    their names' endings; hidden files and folders are passed over, and links to folders not followed. A picture is
    turned as its EXIF orientation says, laid on ``background`` where it is transparent (unless that is kept), converted
    to gray, RGB or RGBA, made to ``fit`` and resampled (Lanczos, antialiased). A BMP file of 32 bits is transparent
    only where its header says which bits are; most leave it open, and their fourth byte means nothing.

    Where there are sub-folders ``train`` and ``test`` (or ``val``, ``valid``, ``validation``), they are the splits;
    else a share is held out. A file that cannot be read is a ValueError that names it, unless ``on_bad_image`` is
    ``skip``.
    """

    advice: ClassVar[Mapping[str, str]] = {
        "unreadable": "on_bad_image: skip leaves a few out",
        "flat": "background: auto, or another colour, for white on nothing; white: 4095 for a camera's 12 bits",
        "cut": "fit: pad shows all of a picture",
    }

    kind: Literal["folder"] = "folder"
    folder: str = Field(min_length=1, examples=["pictures", "/data/pictures", "pictures.zip"])
    """Where the pictures lie, a folder or a zip file: an absolute path, or one below the environment's INFOGAN_DATA, or
    else below ``~/.cache/infogan``. A zip file is read in place, and is a folder with what it holds; where that is one
    folder alone, it is that one."""
    channels: Literal[1, 3, 4] = 3
    """1 for gray, 3 for RGB, 4 for RGBA: then transparency is kept and learnt, and what nobody sees has the colour of
    ``background``."""
    height: int = Field(ge=1, le=4096, examples=[64])
    """Rows of pixels that every picture is made to have."""
    width: int = Field(ge=1, le=4096, examples=[64])
    """Columns of pixels."""
    fit: Fit = "crop"
    """How a picture of other proportions is made to fit: ``crop`` cuts it in its middle, ``pad`` shows all of it on
    ``background``, ``stretch`` distorts it."""
    background: Annotated[str, AfterValidator(check_background)] = Field(
        default="white",
        examples=["white", "#2040a0", "auto"],
        json_schema_extra={"pattern": BACKGROUND},
    )
    """What transparent pictures are laid on, and what ``pad`` fills: ``"#rgb"`` or ``"#rrggbb"`` (in quotes: YAML takes
    a # for the beginning of a comment), one of HTML's sixteen names of colours, or ``auto``: white, but black where all
    that can be seen of a transparent picture is nearly white."""
    white: float | None = Field(default=None, gt=0.0, examples=[4095.0])
    """What is white in gray pictures of more than 8 bits: 1023 for a camera's 10 bits, 4095 for its 12. Absent: 65535,
    or what the file says; 32 bits, which do not say it, cannot be read then. PGM files always say it."""
    flip: bool = False
    """Show each picture to training mirrored, left for right, half of the time. Not for letters, nor for whatever has
    a left and a right that a code should find."""
    shift: float = Field(default=0.0, ge=0.0, le=0.25, examples=[0.05])
    """Show each picture to training moved at random, by up to this share of its sides in each direction; an edge is
    repeated where it leaves a gap. Position then becomes something that codes may find."""
    held_out: float = Field(default=0.1, gt=0.0, lt=1.0)
    """Share of the pictures that are held out where there are no sub-folders for the splits. Which ones depends
    on each one's path below ``folder`` alone: pictures that are added move no others."""
    classes: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(),
        examples=[["cats", "dogs"]],
        json_schema_extra={
            "items": {"type": "string", "pattern": "^[^./][^/]*$"},
            "uniqueItems": True,
            "not": {"minItems": 1, "maxItems": 1},
        },
    )
    """Sub-folders (of those for the splits, where there are these) that are the classes of a known factor ``class``,
    which training does not see and `infogan evaluate` measures codes against. Pictures elsewhere are left out.
    Absent: all pictures, and no known factor."""
    labels: str | None = Field(default=None, min_length=1, examples=["labels.csv"])
    """In place of ``classes``: a CSV file below ``folder``, in UTF-8, whose first line names the columns ``file`` and
    ``label``. Under ``file`` are paths below ``folder``. The labels, in the order of the alphabet, are the classes;
    pictures that are not listed are left out."""

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

    @field_validator("background", mode="before")
    @classmethod
    def _no_comment(cls, value: Any) -> Any:
        if value is None:
            raise ValueError('is empty; a colour such as "#fff" has to stand in quotes, as # begins a comment in YAML')
        return value

    @model_validator(mode="after")
    def _one_source_of_classes(self) -> Folder:
        if self.classes and self.labels:
            raise ValueError("classes and labels are given, and both say what each picture is: leave one out")
        return self

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=self.channels, height=self.height, width=self.width)

    @property
    def factors(self) -> Mapping[str, int | None]:
        """The class, where there are some; read from the CSV file where that has the labels."""
        if self.labels:
            return {"class": len(set(read_labels(self._files(), self.labels).values()))}
        return {"class": len(self.classes)} if self.classes else {}

    def load(self, split: Split) -> Images | Dataset[Any]:
        """The pictures of a split in the order of their paths, class by class where ``classes`` names them.

        Up to `IN_MEMORY` bytes they are decoded at once; else items are read when they are asked for.
        """
        pictures = self._pictures(split)
        return pictures.decoded() if len(pictures) * math.prod(self.image.dims) <= IN_MEMORY else pictures

    def augment(self, pixels: Tensor, draw: Draw) -> Tensor:
        """Mirrored and moved as ``flip`` and ``shift`` say."""
        if not self.flip and not self.shift:
            return pixels
        return flipped_and_shifted(pixels, draw(3), flip=self.flip, shift=self.shift)

    def without_augmentation(self) -> Self:
        """Without ``flip`` and ``shift``."""
        return self.model_copy(update={"flip": False, "shift": 0.0})

    def examine(self, split: Split) -> Iterator[Examined]:
        """Every file of a split by its path below ``folder``, with its size and mode and what the cut takes away."""
        return self._pictures(split).examined()

    def ignored_files(self) -> Mapping[str, int]:
        """Files by their endings, hidden ones aside; pictures outside of the sub-folders that are read."""
        files = self._files()
        taken = {name for split in get_args(Split) for name in self._found(files, split)[0]}
        left = [name for name in files.names() if name not in taken]
        kinds = ("pictures in no split" if _is_picture(name) else PurePosixPath(name).suffix.lower() for name in left)
        return dict(Counter(kind or "files without an ending" for kind in kinds).most_common())

    def _files(self) -> Files:
        top = data_folder(None) / Path(self.folder).expanduser()
        return Archive(top) if top.is_file() else OnDisk(top)

    def _pictures(self, split: Split) -> Pictures:
        files = self._files()
        names, classes = self._found(files, split)
        spare = int(len(names) * self.bad_share) if self.on_bad_image == "skip" else None
        fitting = Fitting(self.image, self.fit, self.background, self.white)
        known = bool(self.classes or self.labels)
        return Pictures(files, names, classes if known else None, fitting, spare)

    def _found(self, files: Files, split: Split) -> tuple[list[str], list[int]]:
        """Each picture's name, and the index of its class, which is 0 where there are none."""
        held_out = next((name for name in HELD_OUT if files.has(name)), None) if files.has("train") else None
        top = (held_out if split == "test" else "train") if held_out else ""
        found = self._labelled(files, top) if self.labels else self._sorted(files, top)
        kept = found if held_out else [(name, i) for name, i in found if self._holds_out(name) == (split == "test")]
        if not kept:
            raise FileNotFoundError(
                f"none of the {len(found)} pictures below {files.path(top)} is in the split {split!r}, with "
                f"{self.held_out:.0%} held out; expected more of them, or sub-folders {files.path('train')} and "
                f"{files.path('test')}"
            )
        return [name for name, _ in kept], [index for _, index in kept]

    def _sorted(self, files: Files, top: str) -> list[tuple[str, int]]:
        """The pictures below a folder, class by class."""
        return [
            (name, index)
            for index, of_class in enumerate(self.classes or [""])
            for name in _pictures_below(files, "/".join(filter(None, (top, of_class))))
        ]

    def _labelled(self, files: Files, top: str) -> list[tuple[str, int]]:
        """The pictures below a folder that have a label."""
        labels = read_labels(files, self.labels or "")
        index = {label: i for i, label in enumerate(sorted(set(labels.values())))}
        return [(name, index[labels[name]]) for name in _pictures_below(files, top) if name in labels]

    def _holds_out(self, name: str) -> bool:
        digest = hashlib.sha256(os.fsencode(name)).digest()
        return int.from_bytes(digest[:8]) < self.held_out * 2**64


def _pictures_below(files: Files, folder: str) -> list[str]:
    """The pictures below a folder, in order. FileNotFoundError where there is no folder, or no picture."""
    if not files.has(folder):
        nor = "" if folder else ", nor a zip file of that name"
        raise FileNotFoundError(
            f"there is no folder {files.path(folder)}{nor}; expected pictures below it ({' '.join(SUFFIXES)})"
        )
    found = [name for name in files.names(folder) if _is_picture(name)]
    if not found:
        raise FileNotFoundError(
            f"no picture below {files.path(folder)}; expected files that end in {' '.join(SUFFIXES)}"
        )
    return found


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)
