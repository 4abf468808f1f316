"""The parts with weights: options that build modules."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from pydantic import Field
from torch import nn

from .component import Component, Strict


class ImageShape(Strict):
    """Shape of one picture, ``(channels, height, width)``.

    >>> ImageShape(channels=1, height=28, width=28).dims
    (1, 28, 28)
    """

    channels: int = Field(ge=1, le=64, examples=[1, 3])
    """1 for gray, 3 for RGB, 4 for RGBA."""
    height: int = Field(ge=1, le=4096, examples=[28])
    """Rows of pixels."""
    width: int = Field(ge=1, le=4096, examples=[28])
    """Columns of pixels."""

    @property
    def dims(self) -> tuple[int, int, int]:
        """``(channels, height, width)``."""
        return self.channels, self.height, self.width

    def __str__(self) -> str:
        return f"{self.channels}x{self.height}x{self.width}"


class Generator(Component):
    """G: ``(batch, latent_width) -> (batch, channels, height, width)`` in ``range``."""

    role: ClassVar[str] = "generator"

    @property
    @abstractmethod
    def range(self) -> tuple[float, float]:
        """Lowest and highest pixel value, as the last activation bounds them: (0, 1) or (-1, 1)."""

    @abstractmethod
    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        """A freshly initialised network. ValueError where it cannot make pictures of that shape."""


class Body(Component):
    """The convolutional body that D's head and Q's head share: ``(batch, *image) -> (batch, features)``."""

    role: ClassVar[str] = "body"

    @property
    @abstractmethod
    def features(self) -> int:
        """Numbers that the heads read."""

    @abstractmethod
    def build(self, image: ImageShape) -> nn.Module:
        """A freshly initialised network. ValueError where it cannot read pictures of that shape."""


class Head(Component):
    """Q's head: ``(batch, features) -> (batch, n_params)``."""

    role: ClassVar[str] = "head"

    @abstractmethod
    def build(self, features: int, n_params: int) -> nn.Module:
        """A freshly initialised network."""
