"""MNIST, and Fashion-MNIST, which has its format, through torchvision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from ...core.data import Data, Images, Split
from ...core.network import ImageShape
from ...files.datasets import data_folder


class _Idx(Data):
    """60,000 gray pictures of 28x28 to learn from and 10,000 held out, in ten classes, as four idx files."""

    factor: ClassVar[str]
    """What the ten classes are of."""
    name: ClassVar[str]
    """torchvision's class, and the folder of its files."""

    root: str | None = Field(default=None, examples=["/data"])
    """Folder of data sets; absent: the environment's INFOGAN_DATA, or else ``~/.cache/infogan``."""

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=1, height=28, width=28)

    @property
    def factors(self) -> Mapping[str, int | None]:
        return {self.factor: 10}

    def load(self, split: Split) -> Images:
        """Read ``NAME/raw`` below the data folder; torchvision downloads what is missing there."""
        from torchvision import datasets  # 2 s to import, and only this needs it

        root = data_folder(self.root)
        try:
            found = getattr(datasets, self.name)(str(root), train=split == "train", download=True)
        except (RuntimeError, OSError) as error:
            raise FileNotFoundError(
                f"no {self.name} below {root}, and it could not be downloaded ({error}); expected "
                f"{root}/{self.name}/raw/train-images-idx3-ubyte, train-labels-idx1-ubyte, "
                f"t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or each with .gz)"
            ) from None
        return Images(found.data.unsqueeze(1), {self.factor: found.targets})


class Mnist(_Idx):
    """70,000 handwritten digits, 28x28 gray: 60,000 to learn from, 10,000 held out, with their labels.

    The files lie in ``MNIST/raw`` below the data folder.
    """

    factor: ClassVar[str] = "digit"
    name: ClassVar[str] = "MNIST"
    kind: Literal["mnist"] = "mnist"


class FashionMnist(_Idx):
    """70,000 garments, 28x28 gray: 60,000 to learn from, 10,000 held out, with their labels (Xiao et al. 2017).

    The files lie in ``FashionMNIST/raw`` below the data folder. The classes are 0 T-shirt or top, 1 trouser,
    2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.
    """

    factor: ClassVar[str] = "garment"
    name: ClassVar[str] = "FashionMNIST"
    kind: Literal["fashion_mnist"] = "fashion_mnist"
