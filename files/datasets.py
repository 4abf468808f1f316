"""Where data sets lie, and which files are read as pictures."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "INFOGAN_DATA"
"""Environment variable: the folder of data sets."""

PICTURE_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What Pillow may take a picture file for, whatever its name says: it would hand EPS to another program."""


def data_folder(root: str | None) -> Path:
    """Where data sets lie: ``root``, or else the environment's INFOGAN_DATA, or else a cache folder.

    >>> data_folder("/data")
    PosixPath('/data')
    """
    return Path(root or os.environ.get(FOLDER_VARIABLE) or "~/.cache/infogan").expanduser()
