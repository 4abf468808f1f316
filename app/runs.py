"""Finding things on disk: a run's model and spec, pictures."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..core.data import Data
from ..core.network import ImageShape
from ..evaluation import same_pictures
from ..files.datasets import PICTURE_FORMATS
from ..model.infogan import MANIFEST, InfoGAN, load
from ..training.run import RunSpec
from ..training.spec_text import read_run


def open_model(folder: Path) -> InfoGAN:
    """The model of a run folder or of a model folder, ready for inference."""
    for candidate in (folder / "model", folder):
        if (candidate / MANIFEST).is_file():
            return load(candidate).frozen()
    raise FileNotFoundError(
        f"{folder}: no model is there: neither {folder / 'model' / MANIFEST} nor {folder / MANIFEST}"
    )


def open_run(folder: Path) -> RunSpec:
    """The spec of a run folder."""
    if not (folder / "run.yaml").is_file():
        raise FileNotFoundError(f"{folder}: no run is there: {folder / 'run.yaml'} is missing")
    return read_run(folder / "run.yaml")


def data_of_all(folders: Sequence[Path]) -> Data:
    """The data of run folders, of which there is at least one; ValueError where two have other pictures."""
    first, *others = folders
    data = open_run(first).data
    for folder in others:
        other = open_run(folder).data
        if same_pictures(other) != same_pictures(data):
            raise ValueError(
                f"{folder} was trained on other pictures than {first} and cannot be compared with it: "
                f"{other!r}, not {data!r}"
            )
    return data


def read_log(folder: Path) -> list[dict[str, float]]:
    """The lines of a run's log, in the order of their steps; at least one. A last one that is cut off is left out."""
    path = folder / "log.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    if not whole:
        raise FileNotFoundError(f"{folder}: nothing has been logged there: {path} has no lines")
    return whole


def read_image(path: Path, shape: ImageShape) -> Tensor:
    """A picture file as ``(channels, height, width)`` in [-1, 1]; ValueError where it does not fit.

    One of another size is refused before it is decoded.
    """
    modes = {1: "L", 3: "RGB", 4: "RGBA"}
    if shape.channels not in modes:
        raise ValueError(f"{path}: the model reads {shape.channels} channels, which no picture file has")
    try:
        # Of one too large to be decoded its size says enough.
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            file = Image.open(path, formats=PICTURE_FORMATS)
        with file:
            size = file.size
            image = file.convert(modes[shape.channels]) if size == (shape.width, shape.height) else None
    except Exception as error:  # whatever a decoder raises, the file is what has to be named
        raise ValueError(f"{path}: cannot be read as a picture: {str(error) or type(error).__name__}") from None
    if image is None:
        raise ValueError(f"{path}: is {size[0]}x{size[1]}, but the model reads {shape.width}x{shape.height}")
    pixels = torch.from_numpy(np.asarray(image).copy()).float() / 127.5 - 1
    return pixels.reshape(shape.height, shape.width, shape.channels).permute(2, 0, 1)
