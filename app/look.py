"""What the networks are fed: the pictures of a data set as they arrive, and what is odd about them."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ..core.data import Data, Examined, Split
from ..core.messages import short
from ..core.network import ImageShape
from ..evaluation.reading import public
from ..training.feed import Augment
from .pictures import Panel, draw, sample_panel

FLAT = 20
"""Levels, of 256: a picture is flat where its brightest and its darkest pixel are nearer than this in each channel."""

CUT = 1 / 3
"""A picture is told of where more than this share of it is cut off."""

ROWS: Mapping[Split, int] = {"train": 4, "test": 1}
"""Rows of pictures that the page shows of each split, whatever is the matter with them."""

VARIED = 3
"""Rows of varied pictures."""

NAMED = 3
"""Pictures that the page, and the table, name as an example."""


@dataclass(frozen=True)
class SplitFindings:
    """One split of a data set."""

    pictures: int
    """How many can be read."""
    sizes: Mapping[str, int]
    """How many were of which size before, most frequent first: ``640x480``."""
    modes: Mapping[str, int]
    """The same of modes: ``RGBA``."""
    unreadable: Mapping[str, str]
    """Why files cannot be read, by name."""
    flat: Sequence[str]
    """Those that are nearly one colour, by name."""
    cut: Mapping[str, float]
    """Those that lose more than a third to the cut, with the share that each loses, most first."""
    doubles: Sequence[Sequence[str]]
    """Names of those that are pixel for pixel the same; flat ones aside."""


@dataclass(frozen=True)
class Shared:
    """One picture that is in both splits: the names it has in each."""

    train: Sequence[str]
    test: Sequence[str]


@dataclass(frozen=True)
class Findings:
    """A whole data set."""

    data: str
    """Its kind."""
    image: str
    """Shape of every picture, channels x height x width."""
    splits: Mapping[Split, SplitFindings]
    in_both_splits: Sequence[Shared]
    """Pictures that are pixel for pixel the same in both splits; flat ones aside."""
    ignored_files: Mapping[str, int]
    """Files that are no picture of either split, by their ending or by the reason."""
    stops: str
    """Why training would end; empty where it would not."""
    panels: Sequence[Panel]
    """What the page shows."""

    def as_json(self) -> dict[str, Any]:
        """All but what the page shows."""
        values = asdict(replace(self, panels=()))
        del values["panels"]
        return values


def look(data: Data, *, batch_size: int) -> Findings:
    """Go through every picture of both splits once. FileNotFoundError where there are none."""
    train, test = _Looked("train", data.image), _Looked("test", data.image)
    for of_split, before in ((train, {}), (test, train.names)):
        for picture in data.examine(of_split.split):
            of_split.add(picture, before)
    stops = train.stops or test.stops
    if not stops and train.pictures < batch_size:
        stops = f"a batch of {batch_size} needs at least as many pictures; there are {train.pictures} to learn from"
    return Findings(
        data=data.kind,
        image=str(data.image),
        splits={of_split.split: of_split.findings() for of_split in (train, test)},
        in_both_splits=[
            Shared(names, test.names[content]) for content, names in train.names.items() if content in test.names
        ],
        ignored_files=data.ignored_files(),
        stops=stops,
        panels=[*train.panels(data.augment), *test.panels()],
    )


def look_page(found: Findings) -> Image.Image:
    """The contact sheet: some pictures of each split, then those that are odd."""
    return draw(found.panels)


class _Few:
    """Of all pictures that are added those with the smallest keys."""

    def __init__(self, most: int) -> None:
        self.most, self.added = most, 0
        self._kept: list[tuple[Any, Tensor, Sequence[str], str]] = []

    def add(self, key: Any, pixels: Tensor, names: Sequence[str], note: str = "") -> None:
        """``names``: all that this picture is called; ``note``: what else is to be said of it."""
        self.added += 1
        self._kept.append((key, pixels, names, note))
        if len(self._kept) > 4 * self.most:
            self._kept = self._smallest()

    def panel(self, title: str, *, named: bool = True) -> Panel | None:
        """A titled grid of them, with the names of the first ones; None where there are none."""
        few = self._smallest()
        if not few:
            return None
        images = public(torch.stack([pixels for _, pixels, _, _ in few]))
        grid = sample_panel(images, [""] * len(few), title, columns=columns(images.shape[-1]))
        caption = [same(names) + note for _, _, names, note in few[:NAMED]] if named else []
        return replace(grid, row_labels=(), caption=caption, framed=len(few))

    def pixels(self) -> list[Tensor]:
        """They alone."""
        return [pixels for _, pixels, _, _ in self._smallest()]

    def _smallest(self) -> list[tuple[Any, Tensor, Sequence[str], str]]:
        return sorted(self._kept, key=lambda entry: entry[0])[: self.most]


class _Looked:
    """One split while it is gone through."""

    def __init__(self, split: Split, image: ImageShape) -> None:
        self.split: Split = split
        self.image = image
        self.pictures = 0
        self.sizes: Counter[str] = Counter()
        self.modes: Counter[str] = Counter()
        self.unreadable: dict[str, str] = {}
        self.stops = ""
        self.flat: list[str] = []
        self.cut: dict[str, float] = {}
        self.names: dict[bytes, list[str]] = {}
        """By what the pictures are, pixel for pixel."""
        row = columns(image.width)
        self.some = _Few(row * ROWS[split])
        self.odd = {what: _Few(row) for what in ("flat", "cut", "doubles", "both")}

    def add(self, picture: Examined, before: Mapping[bytes, Sequence[str]]) -> None:
        """Note one picture; ``before``: the `names` of the split before."""
        name, pixels = picture.name, picture.pixels
        if pixels is None:
            self.unreadable[name] = picture.error
            self.stops = self.stops or (picture.error if picture.stops else "")
            return
        self.pictures += 1
        width, height = picture.size or (self.image.width, self.image.height)
        self.sizes[f"{width}x{height}"] += 1
        self.modes.update([picture.mode] if picture.mode else [])
        self.some.add(_digest(os.fsencode(name)), pixels, [name])
        if picture.lost > CUT:
            self.cut[name] = picture.lost
            self.odd["cut"].add(-picture.lost, pixels, [name], f": {picture.lost:.0%}")
        low, high = pixels.flatten(1).aminmax(dim=1)
        if int((high.int() - low).max()) < FLAT:
            self.flat.append(name)
            self.odd["flat"].add(self.pictures, pixels, [name])
            return
        content = _digest(pixels.numpy().tobytes())
        names = self.names.setdefault(content, [])
        names.append(name)
        if len(names) == 2:
            self.odd["doubles"].add(self.pictures, pixels, names)
        if len(names) == 1 and content in before:
            self.odd["both"].add(self.pictures, pixels, [before[content][0], name])

    def findings(self) -> SplitFindings:
        return SplitFindings(
            pictures=self.pictures,
            sizes=dict(self.sizes.most_common()),
            modes=dict(self.modes.most_common()),
            unreadable=self.unreadable,
            flat=self.flat,
            cut=dict(sorted(self.cut.items(), key=lambda item: -item[1])),
            doubles=[names for names in self.names.values() if len(names) > 1],
        )

    def _varied(self, augment: Augment) -> Panel | None:
        """Some of them again and again as training varies them; None where it does not."""
        few = self.some.pixels()[: columns(self.image.width)]
        if not few:
            return None
        pixels, random = torch.stack(few), torch.Generator().manual_seed(0)
        rows = [augment(pixels, lambda count: torch.rand(count, len(few), generator=random)) for _ in range(VARIED)]
        if all(torch.equal(row, pixels) for row in rows):
            return None
        title = f"{self.split}: the first of them as training varies them"
        return Panel(title, public(torch.stack(rows)), framed=VARIED * len(few))

    def panels(self, augment: Augment = lambda pixels, draw: pixels) -> list[Panel]:
        """What there is to show; ``augment`` is what training does to the pictures."""
        titles = {
            "flat": f"{self.split}: flat, or nearly so",
            "cut": f"{self.split}: more than a third is cut off",
            "doubles": f"{self.split}: there more than once",
            "both": "in both splits",
        }
        shown = [
            self.some.panel(
                f"{self.split}: of {self.pictures} pictures, {self.image}, as the networks are fed them", named=False
            ),
            self._varied(augment),
            *(self.odd[what].panel(f"{title}: {self.odd[what].added}") for what, title in titles.items()),
        ]
        return [panel for panel in shown if panel is not None]


def columns(width: int) -> int:
    """How many pictures stand beside one another on a page."""
    return max(2, min(10, 1200 // width))


def same(names: Sequence[str]) -> str:
    """All that one picture is called, on a line.

    >>> same(["a.png", "b.png", "c.png"])
    'a.png = b.png and 1 more'
    """
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return " = ".join(short(name, 60) for name in names[:2]) + more


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
