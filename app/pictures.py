"""Pictures for people: grids of images with labelled rows and columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..files.disk import write_file
from ..model.infogan import InfoGAN, Traversal

CELL = 56
"""Smallest side of an image on the page, in pixels; smaller images are magnified by a whole number."""

GAP = 4
MARGIN = 16
INK, PAPER, FRAME = (30, 30, 30), (255, 255, 255), (200, 200, 200)
FONT_SIZE, TITLE_SIZE = 13, 16


@dataclass(frozen=True)
class Panel:
    """A titled grid of images with labels."""

    title: str
    images: Tensor
    """``(rows, columns, channels, height, width)`` in [-1, 1]."""
    column_labels: Sequence[str] = ()
    row_labels: Sequence[str] = ()
    caption: Sequence[str] = ()
    """Lines below the title."""
    framed: int = 0
    """How many of the images, in reading order, have a thin frame: white ones would be lost on the paper."""


def draw(parts: Sequence[Panel | Image.Image]) -> Image.Image:
    """The panels, or images of some, below one another on one page."""
    drawn = [_draw_panel(part) if isinstance(part, Panel) else part for part in parts]
    width = max(image.width for image in drawn) + 2 * MARGIN
    height = sum(image.height + MARGIN for image in drawn) + MARGIN
    page = Image.new("RGB", (width, height), PAPER)
    top = MARGIN
    for image in drawn:
        page.paste(image, (MARGIN, top))
        top += image.height + MARGIN
    return page


def side_by_side(panels: Sequence[Panel]) -> Image.Image:
    """The panels beside one another, as one image for `draw`."""
    drawn = [_draw_panel(panel) for panel in panels]
    width, height = sum(image.width for image in drawn), max(image.height for image in drawn)
    page = Image.new("RGB", (width + 2 * MARGIN * (len(drawn) - 1), height), PAPER)
    left = 0
    for image in drawn:
        page.paste(image, (left, 0))
        left += image.width + 2 * MARGIN
    return page


def traversal_panel(walk: Traversal, title: str | None = None, caption: Sequence[str] = ()) -> Panel:
    """The code, or another title; it walks from left to right, each row has noise and other codes of its own."""
    return Panel(title or walk.code, walk.images, [label(value) for value in walk.values], caption=caption)


def sample_panel(images: Tensor, labels: Sequence[str], title: str, *, columns: int = 10) -> Panel:
    """Images ``(n, channels, height, width)`` in [-1, 1] in reading order, each column or cell labelled."""
    n = len(images)
    columns = min(columns, max(n, 1))
    rows = -(-n // columns)
    padding = torch.ones(rows * columns - n, *images.shape[1:])
    cells = torch.cat([images.cpu(), padding]).unflatten(0, (rows, columns))
    varied = len(set(labels)) > 1
    one_row = rows == 1 and varied
    return Panel(
        title, cells, labels if one_row else (), [f"{row * columns}" for row in range(rows)] if rows > 1 else ()
    )


def save_traversal(model: InfoGAN, step: int, run: Path) -> None:
    """Keep the traversal after ``step`` steps of a run, and make it the run's last one."""
    folder = run / "pictures"
    folder.mkdir(exist_ok=True)
    page = draw([traversal_panel(model.traverse(name)) for name in model.latents.codes])
    drawn = BytesIO()
    page.save(drawn, "PNG")
    for name in (f"step-{step:06d}.png", "traversal.png"):
        write_file(folder / name, drawn.getvalue())


def save_animation(traversals: Sequence[Traversal], path: Path, *, milliseconds: int = 120) -> None:
    """A GIF in which one code after another walks over its dial and back."""
    frames = []
    for walk in traversals:
        there = list(range(walk.images.shape[1]))
        for position in there + there[-2:0:-1]:
            title = f"{walk.code} = {label(walk.values[position])}"
            frames.append(draw([Panel(title, walk.images[:, position].unsqueeze(0))]))
    size = (max(frame.width for frame in frames), max(frame.height for frame in frames))
    pages = [Image.new("RGB", size, PAPER) for _ in frames]
    for page, frame in zip(pages, frames, strict=True):
        page.paste(frame)
    pages[0].save(path, save_all=True, append_images=pages[1:], duration=milliseconds, loop=0)


def label(value: Any) -> str:
    """A code's value in a few characters."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < 10 else f"{value:.0f}"
    if isinstance(value, list | tuple):
        return ", ".join(label(item) for item in value)
    return str(value)


def to_pixels(images: Tensor) -> Tensor:
    """Images in [-1, 1] to uint8; values beyond are cut off."""
    return ((images.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def _draw_panel(panel: Panel) -> Image.Image:
    font, title_font = ImageFont.load_default(FONT_SIZE), ImageFont.load_default(TITLE_SIZE)
    rows, columns, _, height, width = panel.images.shape
    scale = max(1, -(-CELL // max(height, width)))
    cell_height, cell_width = height * scale, width * scale
    rim = int(panel.framed > 0)
    left = max((int(font.getlength(text)) + 2 * GAP for text in panel.row_labels), default=rim)
    line = FONT_SIZE + GAP
    captioned = TITLE_SIZE + 2 * GAP + len(panel.caption) * line
    top = captioned + (FONT_SIZE + 2 * GAP if panel.column_labels else 0)
    grid_width, grid_height = columns * (cell_width + GAP) - GAP, rows * (cell_height + GAP) - GAP
    texts = [title_font.getlength(panel.title), *(font.getlength(text) for text in panel.caption)]
    width = left + max(grid_width + rim, *map(math.ceil, texts))
    page = Image.new("RGB", (width, top + grid_height + rim), PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((left, 0), panel.title, INK, title_font)
    for row, text in enumerate(panel.caption):
        pen.text((left, TITLE_SIZE + 2 * GAP + row * line), text, INK, font)
    for column, text in enumerate(panel.column_labels):
        middle = left + column * (cell_width + GAP) + cell_width // 2
        pen.text((middle, top - 2 * GAP), text, INK, font, anchor="ms")
    for row, text in enumerate(panel.row_labels):
        pen.text((left - 2 * GAP, top + row * (cell_height + GAP) + cell_height // 2), text, INK, font, anchor="rm")
    pixels = to_pixels(panel.images)
    for row in range(rows):
        for column in range(columns):
            image = _to_pil(pixels[row, column]).resize((cell_width, cell_height), Image.Resampling.NEAREST)
            x, y = left + column * (cell_width + GAP), top + row * (cell_height + GAP)
            page.paste(image, (x, y))
            if row * columns + column < panel.framed:
                pen.rectangle((x - 1, y - 1, x + cell_width, y + cell_height), outline=FRAME)
    return page


def _to_pil(pixels: Tensor) -> Image.Image:
    """``(channels, height, width)`` uint8; RGBA lies on a checkerboard, more channels show their first three."""
    if len(pixels) in (1, 2):
        return Image.fromarray(pixels[0].numpy())
    channels_last = pixels.permute(1, 2, 0).contiguous().numpy()
    if len(pixels) == 4:
        picture = Image.fromarray(channels_last)
        return Image.alpha_composite(_checkerboard(picture.size), picture)
    return Image.fromarray(np.ascontiguousarray(channels_last[..., :3]))


def _checkerboard(size: tuple[int, int]) -> Image.Image:
    """Gray and white squares, which stand for nothing: eight across the longer side."""
    across, down = np.arange(size[0]), np.arange(size[1])
    side = max(1, max(size) // 8)
    light = (across // side + down[:, None] // side) % 2 == 0
    return Image.fromarray(np.where(light, 255, 204).astype(np.uint8)).convert("RGBA")
