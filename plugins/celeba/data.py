"""CelebA's faces through torchvision, decoded as they are needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.utils.data import Dataset

from ...core.data import Data, Split
from ...core.network import ImageShape
from ...files.datasets import data_folder

ATTRIBUTES = (
    *("5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose"),
    *("Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses"),
    *("Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache"),
    *("Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks"),
    *("Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick"),
    *("Wearing_Necklace", "Wearing_Necktie", "Young"),
)
"""The known factors under their authors' names, in the order of ``list_attr_celeba.txt``."""

CROP = 160
"""Side of the square that is cut from the middle of a picture of 178x218 pixels: it holds face and hair."""

SIDE = 32
"""Rows, and columns, of a picture. Each of its pixels is the mean of 5x5 of the square's."""


class Celeba(Data):
    """182,732 faces of celebrities (Liu et al. 2015), 32x32 RGB, with 40 attributes that are 0 or 1.

    The authors' partition: 162,770 faces to learn from, 19,962 held out; their validation set is left
    aside. Of a picture the middle 160x160 pixels count, averaged 5x5 by 5x5; the paper does not say how it cut
    its pictures. They are decoded as they are needed, by worker processes: to decode all beforehand
    takes minutes.
    """

    kind: Literal["celeba"] = "celeba"
    root: str | None = Field(default=None, examples=["/data"])
    """Folder that has ``celeba/``; absent: the environment's INFOGAN_DATA, or else ``~/.cache/infogan``."""

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=3, height=SIDE, width=SIDE)

    @property
    def factors(self) -> Mapping[str, int | None]:
        return dict.fromkeys(ATTRIBUTES, 2)

    def load(self, split: Split) -> Dataset[Any]:
        """List ``celeba/`` below the data folder; torchvision tries to download it if it is missing.

        A picture that cannot be decoded is a ValueError, which names the file, when its turn comes.
        """
        from torchvision.datasets import CelebA  # 2 s to import, and only this needs it

        folder = data_folder(self.root) / "celeba"
        try:
            faces = CelebA(str(folder.parent), split=split, download=True)
        except Exception as error:  # the downloader has errors of its own, and need not be installed
            raise FileNotFoundError(
                f"no CelebA in {folder}, and it could not be downloaded ({error}); expected "
                f"{folder}/img_align_celeba/000001.jpg to 202599.jpg, and in {folder} the lists list_attr_celeba.txt, "
                f"list_eval_partition.txt, identity_CelebA.txt, list_bbox_celeba.txt and "
                f"list_landmarks_align_celeba.txt, as their authors publish them"
            ) from None
        pictures = folder / "img_align_celeba"
        missing = sorted(set(faces.filename) - set(os.listdir(pictures)))
        if missing:  # torchvision does not look: an unpacking that was cut short would show in mid-training
            raise FileNotFoundError(
                f"{len(missing)} of {len(faces)} pictures are missing, such as {pictures / missing[0]}; "
                f"expected all of img_align_celeba.zip, unpacked in {folder}"
            )
        return _Faces(pictures, faces.filename, faces.attr.to(torch.uint8))


class _Faces(Dataset[tuple[Tensor, dict[str, int]]]):
    """Faces ``(3, 32, 32)`` uint8, each with its attributes."""

    def __init__(self, folder: Path, names: list[str], attributes: Tensor) -> None:
        self.folder, self.names, self.attributes = folder, names, attributes

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, int]]:
        known = dict(zip(ATTRIBUTES, self.attributes[index].tolist(), strict=True))
        return _decoded(self.folder / self.names[index]), known


def _decoded(path: Path) -> Tensor:
    """The middle of a picture, made small."""
    from PIL import Image

    try:
        with Image.open(path, formats=["JPEG"]) as picture:
            left, top = (picture.width - CROP) // 2, (picture.height - CROP) // 2
            middle = (left, top, left + CROP, top + CROP)
            small = picture.resize((SIDE, SIDE), Image.Resampling.BOX, middle)
            return torch.from_numpy(np.array(small)).permute(2, 0, 1).contiguous()
    except Exception as error:  # what a damaged file raises depends on the damage
        raise ValueError(f"{path} cannot be decoded: {error}") from error
