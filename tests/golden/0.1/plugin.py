"""A plugin as it was written for infogan 0.1: a part of each role, by the public names alone."""

import math
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from infogan import Body, Code, Data, Generator, Head, ImageShape, LossTerm, Noise, hookimpl
from infogan.core.data import Images


class OldNoise(Noise):
    """Fair coins of -1 and 1."""

    kind: Literal["old"] = "old"
    size: int = Field(default=3, ge=1)
    """Numbers in one draw."""
    width = property(lambda self: self.size)

    def sample(self, n, *, generator=None, device=None):
        return 2.0 * torch.randint(2, (n, self.size), generator=generator, device=device) - 1


class OldCode(Code):
    """A die, one-hot."""

    kind: Literal["old"] = "old"
    sides: int = Field(ge=2, le=20)
    """Number of sides."""
    discrete: ClassVar[bool] = True
    width = n_params = property(lambda self: self.sides)
    entropy = property(lambda self: math.log(self.sides))

    def sample(self, n, *, generator=None, device=None):
        rolls = torch.randint(self.sides, (n,), generator=generator, device=device)
        return torch.eye(self.sides, device=device)[rolls]

    def log_prob(self, params, value):
        return (params.log_softmax(dim=1) * value).sum(dim=1)

    def grid(self, steps):
        return torch.eye(self.sides)


class OldGenerator(Generator):
    """One layer and a tanh."""

    kind: Literal["old"] = "old"
    range = property(lambda self: (-1.0, 1.0))

    def build(self, latent_width, image):
        return nn.Sequential(nn.Linear(latent_width, math.prod(image.dims)), nn.Tanh(), nn.Unflatten(1, image.dims))


class OldBody(Body):
    """One layer with batch norm."""

    kind: Literal["old"] = "old"
    units: int = Field(default=6, ge=1)
    """Units of the layer."""
    features = property(lambda self: self.units)

    def build(self, image):
        layer = nn.Linear(math.prod(image.dims), self.units)
        return nn.Sequential(nn.Flatten(), layer, nn.BatchNorm1d(self.units), nn.LeakyReLU(0.1))


class OldHead(Head):
    """One layer."""

    kind: Literal["old"] = "old"

    def build(self, features, n_params):
        return nn.Linear(features, n_params)


class OldLoss(LossTerm):
    """The game of Wasserstein, without a bound on D's slope."""

    kind: Literal["old"] = "old"

    def reach(self, phase):
        return frozenset({"d_body", "d_head"} if phase == "d" else {"generator"})

    def d_loss(self, view):
        return view.fake_logit.mean() - view.real_logit.mean()

    def g_loss(self, view):
        return -view.fake_logit.mean()


class OldData(Data):
    """Grays, dark or bright."""

    kind: Literal["old"] = "old"
    image = property(lambda self: ImageShape(channels=1, height=8, width=8))
    factors = property(lambda self: {"bright": 2})

    def load(self, split):
        generator = torch.Generator().manual_seed(0 if split == "train" else 1)
        bright = torch.arange(64) % 2
        noise = torch.randint(100, (64, 1, 8, 8), generator=generator)
        return Images((noise + 155 * bright[:, None, None, None]).to(torch.uint8), {"bright": bright})


RECIPE = """\
schema_version: 1
model:
  image: {channels: 1, height: 8, width: 8}
  noise: {kind: old, size: 3}
  codes:
    die: {kind: old, sides: 6}
  generator: {kind: old}
  body: {kind: old, units: 6}
  head: {kind: old}
  losses:
    game: {kind: old, weight: 0.5}
    information: {kind: mutual_information}
data: {kind: old, range: [-1.0, 1.0]}
training: {steps: 2, batch_size: 4, device: cpu}
"""


@hookimpl
def infogan_components():
    return [OldNoise, OldCode, OldGenerator, OldBody, OldHead, OldLoss, OldData]


@hookimpl
def infogan_recipes():
    return {"old": RECIPE}
