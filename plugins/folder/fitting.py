"""How pictures are made to fit, and the words for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ...core.messages import known_names, short
from ...core.network import ImageShape

Fit = Literal["crop", "pad", "stretch"]

AUTOMATIC = "auto"

COLOURS = (
    *("aqua", "black", "blue", "fuchsia", "gray", "green", "lime", "maroon", "navy", "olive", "purple", "red"),
    *("silver", "teal", "white", "yellow"),
)
"""Colours that have a name: HTML's sixteen."""

BACKGROUND = f"^({'|'.join(('#[0-9a-fA-F]{3}', '#[0-9a-fA-F]{6}', AUTOMATIC, *COLOURS))})$"
"""The pattern of all that a background may be."""


@dataclass(frozen=True)
class Fitting:
    """How pictures are made to fit; `Folder` explains each option."""

    image: ImageShape
    fit: Fit
    background: str
    white: float | None


def check_background(text: str) -> str:
    """The same; ValueError where it is no background."""
    if not re.fullmatch(BACKGROUND, text):
        raise ValueError(
            f"{short(repr(text))} has to be {AUTOMATIC}, a colour such as '#2040a0' or '#fff', or a colour's name"
            f"{known_names(text, COLOURS)}"
        )
    return text
