"""Sources of small plugins, and a registry that has loaded what is installed."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from infogan import Registry

PART = """
from typing import Any, Literal
import torch
from infogan import Noise, hookimpl

class {name}(Noise):
    kind: Literal["{kind}"] = "{kind}"

    @property
    def width(self):
        return {width}

    def sample(self, n, *, generator=None, device=None):
        return torch.zeros(n, {width})
"""

HOOK = """
@hookimpl
def infogan_components():
    return [{name}]
"""

GOOD = PART.format(name="Good", kind="good", width=2) + HOOK.format(name="Good")
"""A plugin with the noise ``good``."""

Install = Callable[..., None]


def loaded(*, warned: int = 0) -> Registry:
    """A registry with all plugins loaded, of which ``warned`` had to be skipped."""
    registry = Registry()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert registry.plugins
    assert [w.category for w in caught] == [RuntimeWarning] * warned, [str(w.message) for w in caught]
    return registry
