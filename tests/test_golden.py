"""What earlier versions wrote, in ``golden/VERSION/``, is read by this one, and means what it meant.

``run.yaml`` is a run spec, ``model`` the model that it gave, ``expected.json`` what that drew and read; ``kinds.yaml``
has every kind of that version with every option, ``plugin.py`` a plugin with a part of each role. None of it is changed
once its version is out; docs/compatibility.md has the promise.
"""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import yaml

from infogan import InfoGAN, Registry, build, load, read_run, train
from infogan.files.schema_version import SCHEMA_VERSION
from infogan.files.strict_yaml import parse
from infogan.loading.installed import own_version
from infogan.registry import ROLES
from infogan.testing import check_plugin, registry_of
from infogan.training.spec_text import dump_run, validate

VERSIONS = sorted((Path(__file__).parent / "golden").iterdir())
REGISTRY = Registry(entry_points=False)

each_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda folder: folder.name)


def test_this_version_has_a_golden_folder() -> None:
    assert ".".join(own_version().split(".")[:2]) in {folder.name for folder in VERSIONS}


@each_version
def test_its_run_spec_is_valid_without_a_warning_and_survives_being_written(version: Path) -> None:
    spec = read_run(version / "run.yaml", registry=REGISTRY)
    assert spec.schema_version <= SCHEMA_VERSION
    assert validate(parse(dump_run(spec), "again"), REGISTRY) == spec
    given = yaml.safe_load((version / "run.yaml").read_text())
    assert spec.model_dump(mode="json", exclude_unset=True) == given


@each_version
def test_its_run_spec_leaves_nothing_to_a_default(version: Path) -> None:
    """So that a default that changes changes no golden run, and every word of a spec is held to."""
    spec = read_run(version / "run.yaml", registry=REGISTRY)
    if version.name == ".".join(own_version().split(".")[:2]):
        assert yaml.safe_load(dump_run(spec)) == yaml.safe_load((version / "run.yaml").read_text())


def kinds(version: Path) -> list[tuple[str, dict[str, Any]]]:
    by_role = yaml.safe_load((version / "kinds.yaml").read_text())
    return [(role, options) for role, parts in by_role.items() for options in parts]


@pytest.mark.parametrize(
    ("role", "options"),
    [pytest.param(*part, id=f"{v.name} {part[0]} {part[1]['kind']}") for v in VERSIONS for part in kinds(v)],
)
def test_each_kind_takes_each_option_that_it_took(role: str, options: dict[str, Any]) -> None:
    part = REGISTRY.find(role, options["kind"]).model_validate_json(json.dumps(options))
    assert {name: part.model_dump(mode="json")[name] for name in options} == options


def test_the_golden_kinds_of_this_version_are_all_that_it_has() -> None:
    """A kind or an option that is added is held to from its first version on."""
    golden = {(role, options["kind"]): options.keys() for role, options in kinds(VERSIONS[-1])}
    assert golden.keys() == {(role, kind) for role in ROLES for kind in REGISTRY.components(role)}
    for (role, kind), options in golden.items():
        assert options == REGISTRY.find(role, kind).model_fields.keys(), kind


@each_version
def test_its_model_draws_and_reads_what_it_did(version: Path) -> None:
    expected = json.loads((version / "expected.json").read_text())
    model = load(version / "model", registry=REGISTRY)
    pictures = model.sample(2, seed=0, **expected["codes"])
    torch.testing.assert_close(pictures.flatten(1), torch.tensor(expected["pictures"]), rtol=0, atol=2e-3)
    for name, read in model.infer(pictures).items():
        _assert_near(read.guess, expected["guess"][name])
        assert read.log_likelihood.tolist() == pytest.approx(expected["log_likelihood"][name], abs=0.02)


def _assert_near(found: list[Any], expected: list[Any]) -> None:
    same = found == (pytest.approx(expected, abs=0.05) if isinstance(expected[0], float) else expected)
    assert same, (found, expected)


@each_version
def test_its_model_is_of_its_run(version: Path) -> None:
    assert load(version / "model", registry=REGISTRY).spec == read_run(version / "run.yaml", registry=REGISTRY).model


def plugin(version: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"golden_{version.name.replace('.', '_')}", version / "plugin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each_version
def test_its_plugin_keeps_the_contract_and_trains(version: Path, tmp_path: Path) -> None:
    module = plugin(version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # what is deprecated works until it goes
        code = next(c for c in module.infogan_components() if c.role == "code")
        check_plugin(module, examples=[code(sides=6)])
        registry = registry_of(module)
        run = validate(parse(registry.recipe("old"), "old"), registry)
        assert isinstance(build(run.model), InfoGAN)
        train(run, tmp_path / "run")
        load(tmp_path / "run" / "model", registry=registry)
