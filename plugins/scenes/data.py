"""Scenes: a lit object on a floor, drawn from known factors; a data set that needs neither a file nor a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator

from ...core.data import Data, Images, Split
from ...core.network import ImageShape
from .rendering import FORMS, render

Interval = Annotated[tuple[float, float], Field(strict=False)]
Radius = Annotated[float, Field(gt=0.0, le=1.0)]
Height = Annotated[float, Field(ge=1.0, le=90.0)]


class Scenes(Data):
    """RGB pictures of an object in the sun, every factor drawn uniformly and independently.

    What the factors are, and from where angles are counted, is said in `plugins.scenes.rendering`. In the
    manner of 3D Shapes (Burgess and Kim, 2018), but with the light among the factors, so that pose can
    be told from lighting, as in the paper's figures of faces (section 7.2).
    """

    kind: Literal["scenes"] = "scenes"
    size: int = Field(default=32, ge=16, le=128)
    """Rows, and columns, of pixels."""
    n: int = Field(default=20_000, ge=1, le=1_000_000)
    """Pictures to learn from."""
    n_test: int = Field(default=4_000, ge=1, le=1_000_000)
    """Pictures held out."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """The same seed gives the same pictures."""
    hue: Interval = (0.0, 360.0)
    """First and last hue of the object in degrees."""
    scale: Annotated[tuple[Radius, Radius], Field(strict=False)] = (0.6, 0.9)
    """Smallest and largest radius that holds the object, in halves of the picture."""
    azimuth: Interval = (0.0, 360.0)
    """First and last turn of the object in degrees."""
    elevation: Annotated[tuple[Height, Height], Field(strict=False)] = (15.0, 60.0)
    """Lowest and highest camera in degrees above the floor."""
    light: Interval = (0.0, 360.0)
    """First and last direction of the light in degrees."""

    @field_validator("hue", "scale", "azimuth", "elevation", "light")
    @classmethod
    def _low_to_high(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] > value[1]:
            raise ValueError(f"has to go from low to high, or be one value twice, not {list(value)}")
        return value

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=3, height=self.size, width=self.size)

    @property
    def factors(self) -> Mapping[str, int | None]:
        return {"shape": len(FORMS), **dict.fromkeys(self._intervals)}

    @property
    def periods(self) -> Mapping[str, float]:
        return {"hue": 360.0, "azimuth": 360.0, "light": 360.0}

    @property
    def _intervals(self) -> dict[str, tuple[float, float]]:
        return {
            "hue": self.hue,
            "scale": self.scale,
            "azimuth": self.azimuth,
            "elevation": self.elevation,
            "light": self.light,
        }

    def load(self, split: Split) -> Images:
        """Draw the split's factors from (seed, split), and its pictures from them."""
        n, stream = (self.n, 0) if split == "train" else (self.n_test, 1)
        generator = torch.Generator().manual_seed(2 * self.seed + stream)
        factors = {"shape": torch.randint(len(FORMS), (n,), generator=generator)}
        for name, (low, high) in self._intervals.items():
            factors[name] = low + (high - low) * torch.rand(n, generator=generator)
        return Images(render(**factors, size=self.size), factors)
