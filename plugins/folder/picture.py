"""One picture file, made to fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ...core.network import ImageShape
from ...files.datasets import PICTURE_FORMATS

ROOM = 2
"""A large JPEG is decoded at a half, a quarter or an eighth of its sides, as long as each still has this many times
the wanted pixels: one of 2048x1536 for 64x64 in a quarter of the time."""


def read_picture(path: Path, image: ImageShape) -> Tensor:
    """``(channels, height, width)`` uint8. ValueError naming the file where it cannot be read.

    One of more than twice `PIL.Image.MAX_IMAGE_PIXELS`, 178,956,970 pixels, is refused unread.
    """
    room = ROOM * max(image.height, image.width)
    try:
        with Image.open(path, formats=PICTURE_FORMATS) as file:
            file.draft(None, (room, room))
            upright = ImageOps.exif_transpose(file)
            opaque = _opaque(upright).convert("L" if image.channels == 1 else "RGB")
        fitted = ImageOps.fit(opaque, (image.width, image.height), Image.Resampling.LANCZOS)
    except Exception as error:  # whatever a decoder raises, the file is what has to be named
        raise ValueError(f"{path}: cannot be read as a picture: {str(error) or type(error).__name__}") from None
    pixels = torch.from_numpy(np.array(fitted))
    return pixels.reshape(image.height, image.width, image.channels).permute(2, 0, 1).contiguous()


def _opaque(picture: Image.Image) -> Image.Image:
    """With 8 bits a channel, and laid on white where it is transparent."""
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))  # Pillow would cut off at 255
    if picture.mode in ("I", "F"):
        raise ValueError("it has 32 bits a pixel, which do not say what is white; save it with 8 or 16")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA"))
    return picture
