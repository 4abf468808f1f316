"""Q's heads: one fully connected layer, or the paper's small network."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import nn

from ..core.network import Head
from ..layers.initialisation import STD
from ..registry import hookimpl


class Linear(Head):
    """Just one fully connected layer on the body's features (paper, tables 4 and 6)."""

    kind: Literal["linear"] = "linear"

    def build(self, features: int, n_params: int) -> nn.Module:
        return _normal(nn.Linear(features, n_params))


class Mlp(Head):
    """FC 128, batch norm, leaky ReLU, FC (paper, tables 1 to 3)."""

    kind: Literal["mlp"] = "mlp"
    hidden: int = Field(default=128, ge=1, le=65536)
    """Units of the hidden layer."""
    leak: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Slope of the leaky ReLU below 0: 0.1 in the paper, 0.01 in the authors' code."""

    def build(self, features: int, n_params: int) -> nn.Module:
        norm = nn.BatchNorm1d(self.hidden)
        nn.init.normal_(norm.weight, 1.0, STD)
        return nn.Sequential(
            _normal(nn.Linear(features, self.hidden)),
            norm,
            nn.LeakyReLU(self.leak),
            _normal(nn.Linear(self.hidden, n_params)),
        )


def _normal(layer: nn.Linear) -> nn.Linear:
    nn.init.normal_(layer.weight, 0.0, STD)
    nn.init.zeros_(layer.bias)
    return layer


@hookimpl
def infogan_components() -> list[type]:
    return [Linear, Mlp]
