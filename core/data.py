"""A source of pictures, with the factors behind them where they are known."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator
from torch import Tensor
from torch.utils.data import Dataset

from .component import Component
from .network import ImageShape

Split = Literal["train", "test"]
"""Pictures to learn from, and pictures held out to measure on."""


@dataclass(frozen=True)
class Images:
    """A whole split in memory."""

    pixels: Tensor
    """``(n, channels, height, width)``, uint8."""
    factors: Mapping[str, Tensor] = field(default_factory=dict)
    """``(n,)`` per known factor: int64 class indices, or float32 values."""

    def __len__(self) -> int:
        return len(self.pixels)


Draw = Callable[[int], Tensor]
"""``draw(count)`` gives ``(count, n)`` uniform numbers in [0, 1) for a batch of ``n`` pictures, on its device. They are
drawn for the whole batch, so that several processes draw what one would."""


@dataclass(frozen=True)
class Examined:
    """One picture of a split, as `infogan look` sees it."""

    name: str
    """What a person finds it by: a file's path, or its number."""
    pixels: Tensor | None
    """``(channels, height, width)`` uint8, as the networks are fed it; None where it cannot be read."""
    error: str = ""
    """Why it cannot be read."""
    stops: bool = False
    """Whether training ends where it cannot be read."""
    size: tuple[int, int] | None = None
    """Width and height of what it was made from; None where that is not known."""
    mode: str = ""
    """What its pixels were before, such as ``RGBA``; empty where that is not known."""
    lost: float = 0.0
    """Share of it that was cut off to make it fit."""


class Data(Component):
    """A data set. Pixels are uint8; training scales them from 0..255 to ``range``."""

    role: ClassVar[str] = "data"

    advice: ClassVar[Mapping[str, str]] = {}
    """Which option helps where `infogan look` finds pictures that are ``unreadable``, ``flat`` or ``cut``, in a few
    words each."""

    range: Annotated[tuple[float, float], Field(strict=False)] = (0.0, 1.0)
    """What black and white become. Has to equal the generator's range."""

    @field_validator("range")
    @classmethod
    def _low_before_high(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] >= value[1]:
            raise ValueError(f"the range has to go from low to high, such as [0, 1], not {list(value)}")
        return value

    @property
    @abstractmethod
    def image(self) -> ImageShape:
        """Shape of one picture."""

    @property
    def factors(self) -> Mapping[str, int | None]:
        """Known factors by name: the number of classes, or None for a continuous one."""
        return {}

    @property
    def periods(self) -> Mapping[str, float]:
        """Continuous factors that wrap, by what they wrap at: 360 for an angle in degrees that goes all around."""
        return {}

    @abstractmethod
    def load(self, split: Split) -> Images | Dataset[Any]:
        """The pictures of a split.

        `Images` where they fit into memory (they then live on the device); else a map-style data set
        of ``(channels, height, width)`` uint8 tensors, or tuples that begin with one, read by worker
        processes. FileNotFoundError says what files were expected where.
        """

    def augment(self, pixels: Tensor, draw: Draw) -> Tensor:
        """Pictures to learn from, varied; those to measure on are left as they are.

        ``pixels`` are a batch, or several processes' part of one, ``(n, channels, height, width)`` uint8 on the device,
        and stay as they are. What is random has to come from ``draw``, so that a resumed run varies them the same.
        Unless a kind varies its pictures: these.
        """
        return pixels

    def without_augmentation(self) -> Self:
        """The same data without the options of `augment`: what two runs have to agree in to be measured on the same."""
        return self

    def examine(self, split: Split) -> Iterator[Examined]:
        """Every picture of a split, in order, with what is known of it; those that cannot be read too.

        Unless a kind knows more: what `load` gives, by number.
        """
        pictures = self.load(split)
        if isinstance(pictures, Images):
            yield from (Examined(str(index), pixels) for index, pixels in enumerate(pictures.pixels))
            return
        for index in range(len(pictures)):  # type: ignore[arg-type]
            try:
                item = pictures[index]
            except (ValueError, OSError) as error:
                yield Examined(str(index), None, str(error), stops=True)
            else:
                yield Examined(str(index), item[0] if isinstance(item, list | tuple) else item)

    def ignored_files(self) -> Mapping[str, int]:
        """What lies where the pictures are and is in no split: how many files, by their ending or by the reason."""
        return {}
