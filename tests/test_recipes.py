"""Every recipe that ships: complete, explained, and known to editors."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infogan import Registry, RunSpec
from infogan.files.strict_yaml import parse
from infogan.training.spec_text import validate

RECIPES = Registry(entry_points=False).recipes


@cache
def schema() -> Draft202012Validator:
    return Draft202012Validator(RunSpec.model_json_schema())


def values(name: str) -> dict[str, Any]:
    return parse(RECIPES[name], name).values


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_the_schema_and_says_what_it_is(name: str) -> None:
    first, second, third, *_ = RECIPES[name].splitlines()
    assert first == "# yaml-language-server: $schema=infogan.schema.json"
    assert second == "#"
    assert third.startswith("# ")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_keeps_the_schema_and_its_model_runs_on_its_data(name: str) -> None:
    assert not list(schema().iter_errors(values(name)))
    validate(parse(RECIPES[name], name))


def test_the_schema_sees_a_mistake_in_a_recipe() -> None:
    broken = values("mnist")
    broken["training"]["step"] = 1
    assert list(schema().iter_errors(broken))
