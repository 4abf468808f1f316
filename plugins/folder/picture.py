"""One picture file, made to fit."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageColor, ImageOps
from torch import Tensor

from ...core.network import ImageShape
from ...files.datasets import PICTURE_FORMATS
from .fitting import AUTOMATIC, Fit, Fitting

ROOM = 2
"""A large JPEG is decoded at a half, a quarter or an eighth of its sides, as long as each still has this many times
the wanted pixels: one of 2048x1536 for 64x64 in a quarter of the time."""

PALE = 32
"""Levels, of 255, by which what can be seen of a picture has to differ from white in the mean to be laid on white."""


@dataclass(frozen=True)
class Fitted:
    """A picture that fits, and what it was before."""

    pixels: Tensor
    """``(channels, height, width)``, uint8."""
    size: tuple[int, int]
    """Width and height before, upright."""
    mode: str
    """Pillow's word for what its pixels were: ``L``, ``RGB``, ``P``, ``I;16``."""
    lost: float
    """Share of it that was cut off."""


def read_picture(file: Path | BytesIO, fitting: Fitting) -> Fitted:
    """ValueError where it cannot be read.

    One of more than twice `PIL.Image.MAX_IMAGE_PIXELS`, 178,956,970 pixels, is refused unread.
    """
    image = fitting.image
    room = ROOM * max(image.height, image.width)
    try:
        with Image.open(file, formats=PICTURE_FORMATS) as opened:
            (width, height), mode, white = opened.size, opened.mode, _white(opened, fitting.white)
            opened.draft(None, (room, room))
            upright = ImageOps.exif_transpose(opened)
            if upright.size != opened.size:
                width, height = height, width
            eight_bits = _in_8_bits(upright, white)
            ground = _ground(eight_bits, fitting.background)
            pixels = _pixels(eight_bits, image, fitting.fit, ground)
    except Exception as error:  # whatever a decoder raises, the file is what cannot be read
        raise ValueError(f"cannot be read as a picture: {str(error) or type(error).__name__}") from None
    ratio = (width * image.height) / (height * image.width)
    lost = 1 - min(ratio, 1 / ratio) if fitting.fit == "crop" else 0.0
    return Fitted(pixels, (width, height), mode, lost)


def _white(file: Image.Image, given: float | None) -> float | None:
    """The value that is white in a file with more than 8 bits a pixel; None where nobody says."""
    if file.format == "PPM" and file.mode == "I":
        return 65535  # to which Pillow has scaled what the header says is white
    if given is None and file.mode.startswith("I;16"):
        bits = getattr(file, "tag_v2", {}).get(258, (16,))[0]  # a TIFF file may have 12
        return float(2**bits - 1)
    return given


def _in_8_bits(picture: Image.Image, white: float | None) -> Image.Image:
    """With 8 bits a channel; what is above white, or below 0, is cut off."""
    if picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
        return picture
    if white is None:
        raise ValueError("it has 32 bits a pixel, which do not say what is white; save it with 8 or 16, or set white")
    levels = np.nan_to_num(np.asarray(picture, dtype=np.float32) * (255 / white))
    return Image.fromarray(levels.clip(0, 255).round().astype(np.uint8))


def _ground(picture: Image.Image, background: str) -> tuple[int, ...]:
    """The colour on which a picture is laid, RGB: of ``auto`` white, or black where all that is seen is white."""
    if background != AUTOMATIC:
        return ImageColor.getrgb(background)
    if picture.has_transparency_data:
        pixels = np.asarray(picture.convert("RGBA"))
        visible = pixels[..., 3].astype(np.float32)
        from_white = 255 - pixels[..., :3].min(axis=2)
        hides = visible.any() and (visible * from_white).sum() < PALE * visible.sum()
        if hides and visible.min() < 255:
            return (0, 0, 0)
    return (255, 255, 255)


def _pixels(picture: Image.Image, image: ImageShape, fit: Fit, ground: tuple[int, ...]) -> Tensor:
    """``(channels, height, width)`` uint8."""
    if image.channels == 4:
        picture = picture.convert("RGBA")
        page = Image.new("RGBA", (image.width, image.height), (*ground, 0))
    else:
        mode = "L" if image.channels == 1 else "RGB"
        picture = _opaque(picture, ground).convert(mode)
        page = Image.new("RGB", (image.width, image.height), ground).convert(mode)
    fitted = np.array(_fitted(picture, page, fit)).reshape(image.height, image.width, image.channels)
    if image.channels == 4:
        fitted[fitted[..., 3] == 0, :3] = ground  # else G learns what colours nobody sees
    return torch.from_numpy(fitted).permute(2, 0, 1).contiguous()


def _opaque(picture: Image.Image, ground: tuple[int, ...]) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, ground), picture.convert("RGBA"))


def _fitted(picture: Image.Image, page: Image.Image, fit: Fit) -> Image.Image:
    """The picture in the size of the page, on which it lies where it does not fill it."""
    if fit == "crop":
        return ImageOps.fit(picture, page.size, Image.Resampling.LANCZOS)
    if fit == "stretch":
        return picture.resize(page.size, Image.Resampling.LANCZOS)
    scale = min(page.width / picture.width, page.height / picture.height)
    inner = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
    )
    page.paste(inner, ((page.width - inner.width) // 2, (page.height - inner.height) // 2))
    return page
