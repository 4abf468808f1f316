"""The handwritten digits that come with scikit-learn: real pictures without a download."""

from typing import Literal

import torch

from infogan import Data, Images, ImageShape

HELD_OUT = 360
"""Pictures of the test split, a fifth."""


class Digits(Data):
    """1,797 handwritten digits of 8x8 pixels in 17 grays, with their labels: 1,437 to learn from, 360 held out.

    They are the test part of the UCI set "Optical recognition of handwritten digits" (Alpaydin and Kaynak 1998). Which
    are held out is drawn once and for all, so that a writer may have pictures in both splits.
    """

    kind: Literal["digits"] = "digits"

    @property
    def image(self):
        return ImageShape(channels=1, height=8, width=8)

    @property
    def factors(self):
        return {"digit": 10}

    def load(self, split: Literal["train", "test"]) -> Images:
        """Read the file inside scikit-learn; its 0 to 16 become 0 to 255."""
        from sklearn.datasets import load_digits  # a second to import, and only this needs it

        found = load_digits()
        order = torch.randperm(len(found.target), generator=torch.Generator().manual_seed(0))
        chosen = order[HELD_OUT:] if split == "train" else order[:HELD_OUT]
        grays = torch.from_numpy(found.images)[chosen].unsqueeze(1)
        digit = torch.from_numpy(found.target).long()[chosen]
        return Images((grays * (255 / 16)).round().to(torch.uint8), {"digit": digit})
