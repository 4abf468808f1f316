"""A source of pictures, with the factors behind them where they are known."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

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


class Data(Component):
    """A data set. Pixels are uint8; training scales them from 0..255 to ``range``."""

    role: ClassVar[str] = "data"

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
