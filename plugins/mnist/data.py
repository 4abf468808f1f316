"""The MNIST digits through torchvision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...core.data import Data, Images, Split, data_folder
from ...core.network import ImageShape


class Mnist(Data):
    """70,000 handwritten digits, 28x28 gray: 60,000 to learn from, 10,000 held out, with their labels."""

    kind: Literal["mnist"] = "mnist"
    root: str | None = None
    """Folder that has ``MNIST/raw``; absent: the environment's INFOGAN_DATA, or else ``~/.cache/infogan``."""

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=1, height=28, width=28)

    @property
    def factors(self) -> Mapping[str, int | None]:
        return {"digit": 10}

    def load(self, split: Split) -> Images:
        """Read ``MNIST/raw`` below the data folder; torchvision downloads what is missing there."""
        from torchvision.datasets import MNIST  # 2 s to import, and only this needs it

        root = data_folder(self.root)
        try:
            digits = MNIST(str(root), train=split == "train", download=True)
        except (RuntimeError, OSError) as error:
            raise FileNotFoundError(
                f"no MNIST below {root}, and it could not be downloaded ({error}); expected "
                f"{root}/MNIST/raw/train-images-idx3-ubyte, train-labels-idx1-ubyte, "
                f"t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or each with .gz)"
            ) from None
        return Images(digits.data.unsqueeze(1), {"digit": digits.targets})
