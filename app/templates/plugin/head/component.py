"""A head for Q that normalises each picture's features on their own, so that no picture depends on its batch."""

from typing import Literal

from infogan import Head
from pydantic import Field
from torch import nn


class PluginNameRole(Head):
    """Layer norm, FC, SiLU, FC."""

    kind: Literal["plugin_name"] = "plugin_name"
    hidden: int = Field(default=128, ge=1)
    """Units of the hidden layer."""

    def build(self, features: int, n_params: int) -> nn.Module:
        return nn.Sequential(
            nn.LayerNorm(features),
            nn.Linear(features, self.hidden),
            nn.SiLU(),
            nn.Linear(self.hidden, n_params),
        )
