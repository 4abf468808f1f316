"""The contract of whole plugins."""

from __future__ import annotations

import pytest

from infogan import Registry, hookimpl
from infogan.testing import check_plugin
from infogan.testing.small import Level, Sign


def test_a_plugin_and_its_recipes() -> None:
    class Plugin:
        @hookimpl
        def infogan_components(self) -> list[type]:
            return [Sign, Level]

        @hookimpl
        def infogan_recipes(self) -> dict[str, str]:
            return {"mine": Registry(entry_points=False).recipe("mnist").replace("n: 10", "n: 12")}

    registry = check_plugin(Plugin(), "mine")
    assert registry.find("code", "sign") is Sign
    assert registry.find("code", "mine:level") is Level


def test_a_plugin_whose_recipe_is_wrong() -> None:
    class Plugin:
        @hookimpl
        def infogan_recipes(self) -> dict[str, str]:
            return {"mine": Registry(entry_points=False).recipe("mnist").replace("kind: mlp", "kind: mpl")}

    with pytest.raises(AssertionError, match=r"its recipe 'mine' is wrong: mine:\d+:\d+: model.head.*'mlp'"):
        check_plugin(Plugin(), "mine")


def test_something_that_is_no_plugin() -> None:
    with pytest.raises(AssertionError, match="plugin mine: it has neither of the hooks"):
        check_plugin(object(), "mine")
