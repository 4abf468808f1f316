"""The street view house numbers through torchvision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from ...core.data import Data, Images, Split
from ...core.network import ImageShape
from ...files.datasets import data_folder


class Svhn(Data):
    """99,289 digits cropped from photos of house numbers (Netzer et al. 2011), 32x32 RGB, with their labels.

    73,257 to learn from, 26,032 held out. Neighbouring digits reach into most pictures.
    """

    kind: Literal["svhn"] = "svhn"
    root: str | None = Field(default=None, examples=["/data"])
    """Folder that has ``train_32x32.mat``; absent: the environment's INFOGAN_DATA, or else ``~/.cache/infogan``."""

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=3, height=32, width=32)

    @property
    def factors(self) -> Mapping[str, int | None]:
        return {"digit": 10}

    def load(self, split: Split) -> Images:
        """Read the split's file in the data folder; torchvision downloads it if it is missing.

        ImportError, which says how to install it, where SciPy is missing: it reads MATLAB's format.
        """
        from torchvision.datasets import SVHN  # 2 s to import, and only this needs it

        root = data_folder(self.root)
        try:
            numbers = SVHN(str(root), split=split, download=True)
        except ImportError as error:
            raise ImportError(f'SciPy is needed to read SVHN; pip install "infogan[metrics]" ({error})') from None
        except (RuntimeError, OSError) as error:
            raise FileNotFoundError(
                f"no SVHN in {root}, and it could not be downloaded ({error}); expected {root}/train_32x32.mat "
                f"and {root}/test_32x32.mat, the cropped digits as their authors publish them"
            ) from None
        # torchvision's array is a view of the file's, in which the number of the picture is the last axis.
        pixels = torch.from_numpy(np.ascontiguousarray(numbers.data))
        return Images(pixels, {"digit": torch.from_numpy(numbers.labels)})
