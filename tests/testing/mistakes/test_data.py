"""Mistakes that authors of data sets make, and what the contract answers.

Each is seeded into a part that is right but for it. The answer has to say what is wrong, where, and what to look at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
import torch
from torch import Tensor

from infogan import Data, ImageShape
from infogan.core.data import Draw, Images
from infogan.testing import check_component, check_data, check_missing_data


class Dots(Data):
    """Forty gray dots with two factors, right in every respect."""

    kind: Literal["dots"] = "dots"

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=1, height=2, width=2)

    @property
    def factors(self) -> dict[str, int | None]:
        return {"half": 2, "shade": None}

    def load(self, split: Literal["train", "test"]) -> Images:
        seeded = torch.Generator().manual_seed(len(split))
        pixels = torch.randint(256, (40, 1, 2, 2), generator=seeded, dtype=torch.uint8)
        return Images(pixels, {"half": torch.arange(40) % 2, "shade": torch.rand(40, generator=seeded)})


class FloatPixels(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels / 255, images.factors)


class WithoutChannels(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels[:, 0], images.factors)


class OneSplit(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        return super().load("train")


class AnotherFactor(Dots):
    @property
    def factors(self) -> dict[str, int | None]:
        return {"half": 2, "size": None}


class TooFewClasses(Dots):
    @property
    def factors(self) -> dict[str, int | None]:
        return {"half": 1, "shade": None}


class TooFewFactors(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels, {**images.factors, "half": torch.zeros(40, dtype=torch.int64)})


class ClassesThatWrap(Dots):
    @property
    def periods(self) -> dict[str, float]:
        return {"half": 2.0}


class NoPeriod(Dots):
    @property
    def periods(self) -> dict[str, float]:
        return {"shade": 0.0}


class NewPicturesEachTime(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(torch.randint(256, (40, 1, 2, 2), dtype=torch.uint8), images.factors)


class OtherPicturesEachTime(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        unseeded = torch.Generator()
        unseeded.seed()
        return Images(
            torch.randint(256, (40, 1, 2, 2), generator=unseeded, dtype=torch.uint8), super().load(split).factors
        )


class RaisesRuntimeError(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        raise RuntimeError("no such file")


class SaysNothing(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        raise FileNotFoundError("missing")


class SeedsTheProcess(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        torch.manual_seed(len(split))
        return Images(torch.randint(256, (40, 1, 2, 2), dtype=torch.uint8), super().load(split).factors)


class BlackOrOne(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels % 2, images.factors)


class FurtherThanItsPeriod(Dots):
    @property
    def periods(self) -> dict[str, float]:
        return {"shade": 0.5}


class BoundsFromOne(Dots):
    """Classes counted from 1, as in many files of labels."""

    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels, {**images.factors, "half": images.factors["half"] + 1})


class VariesByItsOwn(Dots):
    def augment(self, pixels: Tensor, draw: Draw) -> Tensor:
        return pixels ^ torch.randint(256, pixels.shape, dtype=torch.uint8)


class VariesAllAlike(Dots):
    """By the first picture's number, of which another process has another."""

    def augment(self, pixels: Tensor, draw: Draw) -> Tensor:
        return pixels ^ (draw(1)[0, 0] * 256).byte()


class VariesInPlace(Dots):
    def augment(self, pixels: Tensor, draw: Draw) -> Tensor:
        return pixels.mul_(2)


class VariesToFloats(Dots):
    def augment(self, pixels: Tensor, draw: Draw) -> Tensor:
        return pixels * draw(1)[0, :, None, None, None]


BROKEN_DATA: list[tuple[Callable[[Data], None], Data, str]] = [
    (check_data, FloatPixels(), "train: pixels have to be uint8"),
    (check_data, WithoutChannels(), r"train: pixels have to be \(n, 1x2x2\), not \(40, 2, 2\)"),
    (check_data, OneSplit(), "the splits train and test are the same pictures"),
    (check_data, AnotherFactor(), r"factors \['half', 'shade'\] are given, and \['half', 'size'\] declared"),
    (check_data, TooFewClasses(), "runs from 0 to 1, and its classes from 0 to 0"),
    (check_data, TooFewFactors(), r"declares 2 classes, but \[1\] never occur"),
    (check_data, ClassesThatWrap(), "periods names 'half', which is no continuous factor"),
    (check_data, NoPeriod(), "the period of 'shade' has to be above 0, not 0.0"),
    (check_data, NewPicturesEachTime(), "load uses torch's global random state"),
    (check_data, OtherPicturesEachTime(), "loading a split twice gives other pictures"),
    (check_data, SeedsTheProcess(), "load uses torch's global random state"),
    (check_data, BlackOrOne(), "no pixel is above 1; pixels run from 0 to 255, and range scales them"),
    (check_data, FurtherThanItsPeriod(), "factor 'shade' runs from .* further than its period of 0.5; take it modulo"),
    (check_data, BoundsFromOne(), "factor 'half' runs from 1 to 2, and its classes from 0 to 1"),
    (check_data, VariesByItsOwn(), "augment uses torch's global random state"),
    (check_data, VariesAllAlike(), "augment varies the same pictures differently; all that is random has to come from"),
    (check_data, VariesInPlace(), "augment changes the pixels it is given"),
    (check_data, VariesToFloats(), r"augment makes \(16, 1, 2, 2\) torch.float32 of \(16, 1, 2, 2\) torch.uint8"),
    (check_missing_data, RaisesRuntimeError(), "missing files raise RuntimeError"),
    (check_missing_data, SaysNothing(), "has to say which files were expected where"),
]


def test_the_right_data_that_the_broken_ones_are_made_from() -> None:
    check_component(Dots())


@pytest.mark.parametrize(("check", "data", "advice"), BROKEN_DATA, ids=lambda value: type(value).__name__)
def test_broken_data_are_caught(check: Callable[[Data], None], data: Data, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check(data)
