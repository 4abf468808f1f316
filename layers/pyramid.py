"""The levels of a network that takes pictures of any size: their sides, halved again and again."""

from __future__ import annotations

from torch import Tensor, nn

from ..core.network import ImageShape

SMALLEST = 8
"""Pixels that each side of a picture has to have, so that it can be halved at all."""


def halvings(image: ImageShape, *, min_side: int = 4) -> int:
    """How often both sides can be halved, rounding down, and still have ``min_side`` pixels.

    ValueError where a side has fewer than 8.

    >>> [halvings(ImageShape(channels=1, height=side, width=side)) for side in (8, 28, 32, 45, 64)]
    [1, 2, 3, 3, 4]
    """
    side = min(image.height, image.width)
    if side < SMALLEST:
        raise ValueError(
            f"these networks are for pictures with sides of at least {SMALLEST} pixels, "
            f"not {image.height}x{image.width}"
        )
    return max((side // min_side).bit_length() - 1, 0)


def initial_size(image: ImageShape, times: int) -> tuple[int, int]:
    """Rows and columns from which ``times`` doublings make the picture's size, or the next larger one.

    >>> initial_size(ImageShape(channels=1, height=28, width=45), 2)
    (7, 12)
    """
    return -(-image.height >> times), -(-image.width >> times)


class CenterCrop(nn.Module):
    """``(batch, channels, at least height, at least width)`` to the rows and columns of a picture in its middle."""

    def __init__(self, image: ImageShape) -> None:
        super().__init__()
        self.height, self.width = image.height, image.width

    def forward(self, images: Tensor) -> Tensor:
        """``(batch, channels, height, width)`` of the picture's size."""
        top, left = (images.shape[2] - self.height) // 2, (images.shape[3] - self.width) // 2
        return images[:, :, top : top + self.height, left : left + self.width]
