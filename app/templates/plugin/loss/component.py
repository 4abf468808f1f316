"""A regulariser that keeps D's logits from drifting away (Karras et al. 2018, appendix A.1)."""

from typing import Literal

from infogan import LossTerm
from pydantic import Field


class PluginNameRole(LossTerm):
    """The mean square of D's logit of real pictures. A game leaves its level free, and it may run off to where
    bfloat16 is coarse; a small weight holds it."""

    kind: Literal["plugin_name"] = "plugin_name"
    weight: float = Field(default=0.001, ge=0.0)
    """Factor on the term."""

    def reach(self, phase):
        """D learns from it, in its own phase; G and Q do not feel it."""
        return frozenset({"d_body", "d_head"} if phase == "d" else ())

    def d_loss(self, view):
        return view.real_logit.square().mean()
