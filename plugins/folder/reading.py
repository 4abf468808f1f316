"""Picture files as a data set."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...core.data import Examined, Images
from .fitting import Fitting
from .sources import Files

if TYPE_CHECKING:
    from .picture import Fitted

AT_ONCE = 1024
"""Pictures that may wait for whoever examines them."""


class Pictures(Dataset[Any]):
    """Picture files, read when they are asked for: uint8 tensors, or pairs of one and its known factors.

    Up to ``spare`` of them may be unreadable: then the next one is taken in its place. Without ``spare`` none may.
    """

    def __init__(
        self, files: Files, names: Sequence[str], classes: Sequence[int] | None, fitting: Fitting, spare: int | None
    ) -> None:
        self.files, self.names, self.classes, self.fitting, self.spare = files, names, classes, fitting, spare
        self.bad: set[str] = set()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Tensor | tuple[Tensor, dict[str, int]]:
        while (pixels := self._read(index)) is None:
            index = (index + 1) % len(self)
        return pixels if self.classes is None else (pixels, {"class": self.classes[index]})

    def decoded(self) -> Images:
        """All that can be read, by as many threads as torch computes with: decoders let go of Python's lock."""
        pixels = torch.empty(len(self), *self.fitting.image.dims, dtype=torch.uint8)
        kept: list[int] = []
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            for i, picture in enumerate(threads.map(self._read, range(len(self)))):
                if picture is not None:
                    pixels[len(kept)] = picture
                    kept.append(i)
        classes = {} if self.classes is None else {"class": torch.tensor([self.classes[i] for i in kept])}
        return Images(pixels[: len(kept)], classes)

    def examined(self) -> Iterator[Examined]:
        """Each, in order, also those that cannot be read: up to ``spare`` of them do not stop training."""
        bad = 0
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            for start in range(0, len(self), AT_ONCE):
                for picture in threads.map(self._examined, range(start, min(start + AT_ONCE, len(self)))):
                    bad += picture.pixels is None
                    yield replace(picture, stops=picture.pixels is None and bad > (self.spare or 0))

    def _examined(self, index: int) -> Examined:
        try:
            fitted = self.fitted(index)
        except ValueError as error:
            return Examined(self.names[index], None, str(error))
        return Examined(self.names[index], fitted.pixels, size=fitted.size, mode=fitted.mode, lost=fitted.lost)

    def fitted(self, index: int) -> Fitted:
        """A picture with what it was before; ValueError naming the file where it cannot be read."""
        from .picture import read_picture  # Pillow, which only this needs

        name = self.names[index]
        try:
            return read_picture(self.files.open(name), self.fitting)
        except ValueError as error:
            raise ValueError(f"{self.files.path(name)}: {error}") from None

    def _read(self, index: int) -> Tensor | None:
        """One picture, or None where it is bad and may be."""
        try:
            return self.fitted(index).pixels
        except ValueError as error:
            if self.spare is None:
                raise
            if self.names[index] not in self.bad:
                self._leave_out(self.names[index], error, self.spare)
            return None

    def _leave_out(self, name: str, error: ValueError, spare: int) -> None:
        self.bad.add(name)
        if len(self.bad) > spare:
            count = f"{len(self.bad)} of {len(self)} pictures"
            raise ValueError(f"{error}; that is {count}, and bad_share puts up with {spare}") from None
        warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)
