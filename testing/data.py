"""The contract of a data set."""

from __future__ import annotations

import math
from typing import Any, get_args

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..core.data import Data, Images, Split
from ..core.network import ImageShape
from .common import check_options, require, seeded, untouched_global_state

__tracebackhide__ = True  # pytest shows an author's own frames, and not these


def check_data(data: Data) -> None:
    """The contract of a data set whose files are there: both splits, pixels, factors.

    Raises AssertionError that says which promise is broken, and FileNotFoundError, as `Data.load` does,
    where the files are missing: then there is nothing to check but `check_missing_data`.
    """
    check_options(data)
    image = data.image
    require(isinstance(image, ImageShape), data, f"image has to be an ImageShape, not {type(image).__name__}")
    _check_periods(data)
    with untouched_global_state(data, "load"):
        splits = {split: data.load(split) for split in get_args(Split)}
    for split, pictures in splits.items():
        if isinstance(pictures, Images):
            _check_images(data, split, pictures)
        else:
            _check_dataset(data, split, pictures)
    first = [_first_pictures(splits[split]) for split in ("train", "test")]
    require(not torch.equal(*first), data, "the splits train and test are the same pictures; hold some out")
    require(
        torch.equal(_first_pictures(data.load("test")), first[1]),
        data,
        "loading a split twice gives other pictures; whatever is random in load has to be seeded",
    )
    _check_augment(data, first[0])


def _check_augment(data: Data, pixels: Tensor) -> None:
    before, numbers = pixels.clone(), torch.rand(64, len(pixels), generator=seeded(0))

    def varied(part: slice) -> Tensor:
        return data.augment(pixels[part], lambda count: numbers[:count, part])

    with untouched_global_state(data, "augment"):
        whole = varied(slice(None))
    right = whole.dtype == torch.uint8 and whole.shape == pixels.shape
    require(right, data, f"augment makes {tuple(whole.shape)} {whole.dtype} of {tuple(pixels.shape)} torch.uint8")
    require(torch.equal(pixels, before), data, "augment changes the pixels it is given; it has to return others")
    half = len(pixels) // 2
    alone = torch.cat([varied(slice(half)), varied(slice(half, None))]) if half else whole
    require(
        torch.equal(whole, alone),
        data,
        "augment varies the same pictures differently; all that is random has to come from draw, each picture's from "
        "its own numbers",
    )


def check_missing_data(data: Data) -> None:
    """The contract of a data set whose files are missing: the error says what was expected where."""
    try:
        data.load("train")
    except FileNotFoundError as error:
        require("/" in str(error), data, f"FileNotFoundError has to say which files were expected where, not {error}")
    except Exception as error:  # whatever an author's code lets out, it has to become a FileNotFoundError
        require(False, data, f"missing files raise {type(error).__name__}; it has to be a FileNotFoundError: {error}")
    else:
        require(False, data, "load finds pictures although its files are missing")


def _check_periods(data: Data) -> None:
    for name, period in data.periods.items():
        continuous = name in data.factors and data.factors[name] is None
        require(continuous, data, f"periods names {name!r}, which is no continuous factor")
        require(math.isfinite(period) and period > 0, data, f"the period of {name!r} has to be above 0, not {period}")


def _check_images(data: Data, split: str, images: Images) -> None:
    pixels = images.pixels
    right = pixels.dtype == torch.uint8
    advice = "give 0 to 255 and leave the scaling to range"
    require(right, data, f"{split}: pixels have to be uint8, not {pixels.dtype}; {advice}")
    right = pixels.ndim == 4 and tuple(pixels.shape[1:]) == data.image.dims and len(pixels) > 0
    require(right, data, f"{split}: pixels have to be (n, {data.image}), not {tuple(pixels.shape)}")
    require(bool(pixels.min() < pixels.max()), data, f"{split}: every pixel is {int(pixels.min())}")
    require(
        int(pixels.max()) > 1, data, f"{split}: no pixel is above 1; pixels run from 0 to 255, and range scales them"
    )
    given, declared = set(images.factors), set(data.factors)
    require(given == declared, data, f"{split}: factors {sorted(given)} are given, and {sorted(declared)} declared")
    for name, classes in data.factors.items():
        _check_factor(data, split, name, images.factors[name], classes, len(pixels))


def _check_factor(data: Data, split: str, name: str, values: Tensor, classes: int | None, n: int) -> None:
    what = f"{split}: factor {name!r}"
    require(tuple(values.shape) == (n,), data, f"{what} has to be ({n},), not {tuple(values.shape)}")
    if classes is None:
        require(values.dtype == torch.float32, data, f"{what} is continuous: float32, not {values.dtype}")
        require(bool(values.isfinite().all()), data, f"{what} has values that are not finite")
        low, high, period = float(values.min()), float(values.max()), data.periods.get(name, math.inf)
        wraps = f"{what} runs from {low:g} to {high:g}, further than its period of {period:g}"
        require(high - low <= period, data, f"{wraps}; take it modulo the period, or put the period right")
        return
    require(values.dtype == torch.int64, data, f"{what} has {classes} classes: int64 indices, not {values.dtype}")
    low, high, last = int(values.min()), int(values.max()), classes - 1
    require(low >= 0 and high <= last, data, f"{what} runs from {low} to {high}, and its classes from 0 to {last}")
    if n >= 20 * classes:  # enough pictures for each class to be among them
        absent = sorted(set(range(classes)) - set(values.unique().tolist()))
        require(not absent, data, f"{what} declares {classes} classes, but {absent} never occur")


def _check_dataset(data: Data, split: str, pictures: Dataset[Any]) -> None:
    n = len(pictures)  # type: ignore[arg-type]
    require(n > 0, data, f"{split}: has no picture")
    for index in (0, n // 2, n - 1):
        picture = _picture(pictures[index])
        right = isinstance(picture, Tensor) and picture.dtype == torch.uint8
        require(right, data, f"{split}: item {index} has to be, or begin with, a uint8 tensor")
        shape = tuple(picture.shape)
        require(shape == data.image.dims, data, f"{split}: item {index} is {shape}, and image says {data.image}")


def _picture(item: Any) -> Any:
    return item[0] if isinstance(item, list | tuple) else item


def _first_pictures(pictures: Images | Dataset[Any], count: int = 16) -> Tensor:
    if isinstance(pictures, Images):
        return pictures.pixels[:count]
    n = len(pictures)  # type: ignore[arg-type]
    return torch.stack([_picture(pictures[index]) for index in range(min(count, n))])
