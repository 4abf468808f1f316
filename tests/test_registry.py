"""How a part is found: by role and kind, with its distribution where two claim it, or added by hand."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch
from plugin_sources import GOOD, Install, loaded

from infogan import ModelSpec, Noise, Registry, hookimpl
from infogan.core.component import Component
from infogan.registry import BUILT_IN, ROLES, PluginError, UnknownKind


def test_built_in_plugins_come_first_and_are_all_sound() -> None:
    registry = Registry(entry_points=False)
    assert [plugin.name for plugin in registry.plugins] == list(BUILT_IN)
    assert {plugin.distribution for plugin in registry.plugins} == {"infogan"}
    assert not any(plugin.error for plugin in registry.plugins)


def test_a_built_in_kind_is_never_shadowed(install: Install) -> None:
    install("infogan-good", GOOD.replace("good", "uniform"))
    registry = loaded()
    assert registry.find("noise", "uniform").__module__ == "infogan.plugins.noises"
    assert registry.find("noise", "infogan:uniform") is registry.find("noise", "uniform")
    other = registry.find("noise", "infogan-good:uniform")
    assert other.__module__ != "infogan.plugins.noises"
    assert registry.name(other) == "infogan-good:uniform"
    assert {"uniform", "infogan-good:uniform"} <= registry.components("noise").keys()


def test_the_same_kind_in_two_roles_is_no_clash() -> None:
    registry = Registry(entry_points=False)
    assert registry.find("noise", "normal") is not registry.find("code", "normal")


def two(install: Install, *, reverse: bool = False) -> Registry:
    """A registry in which two distributions claim the noise ``good``."""
    pair = [("infogan-a", GOOD), ("infogan-b", GOOD.replace("return 2", "return 7"))]
    for distribution, source in reversed(pair) if reverse else pair:
        install(distribution, source)
    return loaded()


@pytest.mark.parametrize("reverse", [False, True])
def test_a_kind_of_two_distributions_needs_the_distribution(install: Install, reverse: bool) -> None:
    registry = two(install, reverse=reverse)
    with pytest.raises(
        UnknownKind, match="comes from more than one distribution; write 'infogan-a:good' or 'infogan-b:good'"
    ):
        registry.find("noise", "good")
    widths = [registry.find("noise", f"infogan-{letter}:good")().width for letter in "ab"]  # type: ignore[attr-defined]
    assert widths == [2, 7]
    assert "good" not in registry.components("noise")
    assert [p.distribution for p in registry.plugins if p.distribution != "infogan"] == ["infogan-a", "infogan-b"]


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))], ids=str)
def test_the_order_of_installation_changes_nothing(install: Install, order: tuple[int, ...]) -> None:
    """Plugins that clash with one another and with a built-in one, and one that is broken."""
    sources = [GOOD, GOOD.replace("return 2", "return 7"), GOOD.replace("good", "uniform"), "1 / 0"]
    for i in order:
        install(f"infogan-{'abcd'[i]}", sources[i])
    registry = loaded(warned=1)
    found = [(plugin.distribution, plugin.kinds, plugin.error) for plugin in registry.plugins[len(BUILT_IN) :]]
    assert found == [
        ("infogan-a", {"noise": ["good"]}, None),
        ("infogan-b", {"noise": ["good"]}, None),
        ("infogan-c", {"noise": ["uniform"]}, None),
        ("infogan-d", {}, "ZeroDivisionError: division by zero"),
    ]
    names = registry.components("noise")
    assert list(names) == ["infogan-a:good", "infogan-b:good", "normal", "uniform", "infogan-c:uniform"]
    assert names["uniform"].__module__ == "infogan.plugins.noises"


def test_a_qualified_kind_survives_json(install: Install, model_spec: Callable[..., ModelSpec], tmp_path: Path) -> None:
    registry = two(install)
    b = registry.find("noise", "infogan-b:good")
    spec = model_spec(noise=b())
    tiny = {type(part) for part in (spec.generator, spec.body)}
    registry.add(_plugin(*tiny), "tiny")
    text = spec.model_dump_json(context={"registry": registry})
    assert json.loads(text)["noise"]["kind"] == "infogan-b:good"
    again = ModelSpec.model_validate_json(text, context={"registry": registry})
    assert again == spec
    assert type(again.noise) is b


def _plugin(*components: type[Component]) -> object:
    class Plugin:
        @hookimpl
        def infogan_components(self) -> list[type[Component]]:
            return list(components)

    return Plugin()


RECIPE = "from infogan import hookimpl\n@hookimpl\ndef infogan_recipes(): return {recipes!r}\n"


def test_recipes_follow_the_same_rules(install: Install) -> None:
    install("infogan-a", RECIPE.format(recipes={"mnist": "a's", "rings": "a's", "own": "a's"}))
    install("infogan-b", RECIPE.format(recipes={"rings": "b's"}))
    registry = loaded()
    assert registry.recipe("mnist") == Registry(entry_points=False).recipe("mnist")
    assert registry.recipe("infogan-a:mnist") == "a's"
    assert registry.recipe("own") == registry.recipe("infogan-a:own") == "a's"
    assert registry.recipe("infogan-b:rings") == "b's"
    with pytest.raises(UnknownKind, match="the recipe 'rings' comes from more than one distribution; write 'infogan-a"):
        registry.recipe("rings")
    with pytest.raises(UnknownKind, match=r"no recipe is named 'ring'; known: .*, own, "):
        registry.recipe("ring")
    assert {"mnist", "own", "infogan-a:mnist", "infogan-a:rings", "infogan-b:rings"} <= registry.recipes.keys()


def test_two_plugins_of_one_distribution_with_one_recipe_name(install: Install, tmp_path: Path) -> None:
    install("infogan-a", RECIPE.format(recipes={"rings": "first"}), entry_point="one")
    (info,) = tmp_path.glob("site0/*.dist-info")
    (tmp_path / "site0" / "second_module.py").write_text(RECIPE.format(recipes={"rings": "second"}))
    with (info / "entry_points.txt").open("a") as file:
        file.write("two = second_module\n")
    registry = loaded(warned=1)
    assert registry.recipe("rings") == "first"
    assert registry.plugins[-1].error == "the distribution infogan-a has two of the recipe 'rings'"


class Fixed(Noise):
    """A part to add by hand."""

    kind: Literal["fixed"] = "fixed"

    @property
    def width(self) -> int:
        return 1

    def sample(self, n, *, generator=None, device=None):
        return torch.zeros(n, 1)


def test_adding_by_hand() -> None:
    registry = Registry(entry_points=False)
    registry.add(_plugin(Fixed), "mine")
    assert registry.find("noise", "fixed") is Fixed
    assert registry.find("noise", "local:fixed") is Fixed
    before = registry.plugins
    with pytest.raises(PluginError, match="either of the hooks"):
        registry.add(object(), "other")
    with pytest.raises(PluginError, match="the distribution local has two plugins named 'mine'"):
        registry.add(_plugin(Fixed), "mine")
    with pytest.raises(PluginError, match="the distribution local has two of the noise 'fixed'"):
        registry.add(_plugin(Fixed), "another")
    assert registry.plugins == before
    assert registry.find("noise", "fixed") is Fixed


def test_an_unregistered_part_goes_by_its_bare_kind() -> None:
    registry = Registry(entry_points=False)
    uniform = registry.find("noise", "uniform")

    class Other(uniform):  # type: ignore[valid-type,misc]
        kind: Literal["other"] = "other"

    assert registry.name(Other) == "other"
    assert registry.provider(Other) is None


def test_every_role_has_a_part() -> None:
    registry = Registry(entry_points=False)
    assert all(registry.components(role) for role in ROLES)


def test_one_object_is_taken_once() -> None:
    registry = Registry(entry_points=False)
    plugin = _plugin(Fixed)
    registry.add(plugin, "one")
    with pytest.raises(PluginError, match="it is registered already, as local:one"):
        registry.add(plugin, "two")
    assert registry.find("noise", "fixed") is Fixed
