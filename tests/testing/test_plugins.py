"""The contract of whole plugins, and the registry and the fixture that their tests use."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field
from torch import Tensor

from infogan import Registry
from infogan.plugins.codes import Categorical
from infogan.plugins.invariance import Invariance
from infogan.plugins.losses import MutualInformation
from infogan.plugins.mnist import Mnist
from infogan.registry import UnknownKind, default
from infogan.testing import check_plugin, plugin_of, registry_of
from infogan.testing.fixtures import registry_with
from infogan.testing.tiny_model import Level, Sign, TinyNoise


class WrongEntropy(Sign):
    @property
    def entropy(self) -> float:
        return 2 * math.log(2)


class Above(Level):
    """Its one option has no default."""

    low: float = Field()
    checked: ClassVar[list[float]] = []

    def sample(self, n: int, **kwargs) -> Tensor:  # type: ignore[override]
        Above.checked.append(self.low)
        return super().sample(n, **kwargs)


def mnist_with(old: str, new: str) -> dict[str, str]:
    return {"mine": Registry(entry_points=False).recipe("mnist").replace(old, new)}


registry = registry_with(plugin_of(Sign))


def test_a_plugin_and_its_recipes() -> None:
    found = check_plugin(plugin_of(Sign, Level, recipes=mnist_with("n: 10", "n: 12")), "mine")
    assert found.find("code", "sign") is Sign
    assert found.find("code", "mine:level") is Level


def test_a_plugin_whose_recipe_is_wrong() -> None:
    with pytest.raises(AssertionError, match=r"its recipe 'mine' is wrong: mine:\d+:\d+: model.head.*'mlp'"):
        check_plugin(plugin_of(recipes=mnist_with("kind: mlp", "kind: mpl")), "mine")


def test_something_that_is_no_plugin() -> None:
    with pytest.raises(AssertionError, match="plugin mine: it offers nothing by either of the hooks"):
        check_plugin(object(), "mine")


def test_every_part_is_held_to_its_contract() -> None:
    with pytest.raises(AssertionError, match=r"WrongEntropy .*entropy says 1.3863 nats"):
        check_plugin(plugin_of(TinyNoise, WrongEntropy))


def test_examples_take_the_place_of_defaults() -> None:
    check_plugin(plugin_of(Above), examples=[Above(low=1.0), Above(low=2.0)])
    assert set(Above.checked) == {1.0, 2.0}


def test_an_option_without_a_default_asks_for_an_example() -> None:
    with pytest.raises(AssertionError, match=r"Above has no default for low; .*examples=\[Above\(low=\.\.\.\)\]"):
        check_plugin(plugin_of(Sign, Above))


def test_an_example_of_something_else_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="Level is none of its components; is it registered"):
        check_plugin(plugin_of(Sign), examples=[Level()])


def test_a_part_whose_check_needs_arguments_is_checked_apart() -> None:
    """Its options name a code that the small model lacks."""
    digits = Invariance(codes=("digit",))
    with pytest.raises(ValueError, match="no code is named 'digit'"):
        check_plugin(plugin_of(Invariance), examples=[digits])
    check_plugin(plugin_of(Invariance, TinyNoise), apart=[Invariance])


def test_data_without_their_files_have_to_say_so(tmp_path: Path) -> None:
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    check_plugin(plugin_of(Mnist), examples=[Mnist(root=str(tmp_path))])


def test_a_registry_of_its_own() -> None:
    found = registry_of(plugin_of(Sign), plugin_of(Level))
    assert (found.find("code", "sign"), found.find("code", "level")) == (Sign, Level)
    assert found.find("code", "categorical") is Categorical
    with pytest.raises(AssertionError, match="plugin plugin-0: it offers nothing by either of the hooks"):
        registry_of(object())


def test_the_fixture_has_the_plugin_and_stays_apart(registry: Registry) -> None:
    assert registry.find("code", "sign") is Sign
    registry.add(plugin_of(Level), "of this test")
    with pytest.raises(UnknownKind):
        default().find("code", "sign")


def test_the_fixture_is_fresh_for_each_test(registry: Registry) -> None:
    with pytest.raises(UnknownKind):
        registry.find("code", "level")
    assert {plugin.distribution for plugin in registry.plugins} == {"infogan", "plugin-0"}
    assert registry.find("loss", "mutual_information") is MutualInformation
