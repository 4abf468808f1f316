"""The JSON Schema that editors read: it explains every option, agrees with validation, and says where a mistake is."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import schema_mutants
import torch
from harness.mutants import Herd
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic import Field, PlainValidator, ValidationError
from typer.testing import CliRunner

from infogan import ImageShape, ModelSpec, Noise, Registry, RunSpec
from infogan.app.command_line import app
from infogan.app.new_plugin import Role, new_plugin
from infogan.core.component import Strict
from infogan.files.strict_yaml import parse
from infogan.registry import ROLES, kind_of
from infogan.testing import plugin_of
from infogan.training.run import TrainingSpec

ROOT = Path(__file__).parents[1]
BUILT_IN = Registry(entry_points=False)
PARTS = [part for role in ROLES for part in BUILT_IN.components(role).values()]
MODELS: list[type[Strict]] = [RunSpec, ModelSpec, TrainingSpec, ImageShape, *PARTS]
OPTIONS = [(model, option) for model in MODELS for option in model.model_fields]


class Ring(Strict):
    """A ring."""

    radius: float = Field(default=1.0, gt=0.0)
    """From the centre
    to the line."""


class RingNoise(Noise):
    """Points on rings,
    and what follows from it.

    >>> RingNoise(size=2).width
    2
    """

    kind: Literal["ring"] = "ring"
    size: int = Field(ge=1, examples=[2])
    """Numbers in
    one draw."""
    ring: Ring = Ring()
    """Of all rings."""
    others: dict[str, Ring] = Field(default_factory=dict)
    """Rings by name."""
    unsaid: float | None = None
    tone: Annotated[str, PlainValidator(str, json_schema_input_type=int)] = "a"

    @property
    def width(self) -> int:
        return self.size

    def sample(self, n: int, **options: Any) -> Any:
        return torch.zeros(n, self.size)


@cache
def built_in() -> dict[str, Any]:
    """The schema of the built-in parts, as JSON; `whole` has to be in force."""
    schema: dict[str, Any] = json.loads(json.dumps(RunSpec.model_json_schema()))
    return schema


@pytest.fixture
def whole(fresh_default: Registry) -> dict[str, Any]:
    return built_in()


def of(model: type[Strict], schema: dict[str, Any]) -> dict[str, Any]:
    """A model's own part of the schema; no two built-in ones have a name in common."""
    found: dict[str, Any] = schema if model is RunSpec else schema["$defs"][model.__name__]
    return found


def validator(schema: dict[str, Any], whole: dict[str, Any]) -> Draft202012Validator:
    """Of a piece of the whole schema."""
    return Draft202012Validator({**schema, "$defs": whole["$defs"]})


def recipe(name: str) -> dict[str, Any]:
    return parse(BUILT_IN.recipe(name), name).values


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema of a mapping within a schema, but for what is in an example or a default."""
    if isinstance(schema, dict):
        if "properties" in schema and "title" in schema:
            yield schema
        for key, value in schema.items():
            if key not in ("examples", "default"):
                yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_it_is_a_schema_of_the_dialect_that_it_names(whole: dict[str, Any]) -> None:
    assert whole["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(whole)


def test_it_has_every_option_of_every_kind_and_refuses_any_other(whole: dict[str, Any]) -> None:
    found = {schema["title"]: schema for schema in objects(whole)}
    assert set(found) == {model.__name__ for model in MODELS}
    for model in MODELS:
        schema = found[model.__name__]
        assert set(schema["properties"]) == set(model.model_fields), model
        assert schema["additionalProperties"] is False, model
        required = {name for name, field in model.model_fields.items() if field.is_required()}
        assert set(schema.get("required", [])) == required | ({"kind"} if model in PARTS else set()), model


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_what_a_mapping_is_stands_in_prose_with_an_example_that_is_valid(
    model: type[Strict], whole: dict[str, Any]
) -> None:
    schema = of(model, whole)
    check_prose(schema["description"])
    for example in schema["examples"]:
        assert not list(validator(schema, whole).iter_errors(example))
        assert model.model_validate_json(json.dumps(example))
        if model in PARTS:
            assert next(iter(example.items())) == ("kind", kind_of(model))  # type: ignore[arg-type]


@pytest.mark.parametrize(("model", "option"), OPTIONS, ids=lambda value: getattr(value, "__name__", value))
def test_each_option_has_a_meaning_a_default_or_none_and_examples_that_are_valid(
    model: type[Strict], option: str, whole: dict[str, Any]
) -> None:
    schema = of(model, whole)
    said = schema["properties"][option]
    check_prose(said["description"])
    assert ("default" in said) != (option in schema.get("required", []))
    assert said["examples"]
    assert said["examples"][0] not in (None, [], {}), "an example that shows nothing"
    for example in said["examples"]:
        values = {**schema["examples"][0], option: example}
        assert not list(validator(schema, whole).iter_errors(values))
        model.model_validate_json(json.dumps(values))


def check_prose(text: str) -> None:
    """One line a paragraph, no doctest."""
    assert text
    assert ">>>" not in text
    assert all(line == line.strip() and line for line in text.split("\n\n"))
    assert "\n" not in text.replace("\n\n", "")


def test_the_default_is_what_is_taken_where_an_option_is_left_out(whole: dict[str, Any]) -> None:
    for model in MODELS:
        schema = of(model, whole)
        taken = model.model_validate_json(json.dumps(schema["examples"][0])).model_dump(mode="json")
        for name, option in schema["properties"].items():
            if "default" in option:
                assert taken[name] == option["default"] or name in schema["examples"][0], (model, name)


@pytest.fixture
def with_ring(fresh_default: Registry) -> dict[str, Any]:
    fresh_default.add(plugin_of(RingNoise), "ring", distribution="infogan-ring")
    return RunSpec.model_json_schema()


def test_a_plugins_kind_is_explained_as_the_built_in_ones_are(with_ring: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(with_ring)
    ring = with_ring["$defs"]["RingNoise"]
    assert ring["description"] == "Points on rings, and what follows from it."
    assert ring["examples"] == [{"kind": "ring", "size": 2}]
    options = ring["properties"]
    assert options["size"]["description"] == "Numbers in one draw."
    assert options["size"]["examples"] == [2]
    assert options["ring"]["examples"] == [{"radius": 1.0}]
    assert options["others"] == {**options["others"], "default": {}, "examples": [{}]}
    assert options["unsaid"] == {"type": ["number", "null"], "default": None, "examples": [None]}
    assert options["tone"] == {"type": "integer", "default": "a", "examples": ["a"]}, "pydantic's own, for one of its"
    assert with_ring["$defs"]["Ring"]["properties"]["radius"]["description"] == "From the centre to the line."
    noise = with_ring["$defs"]["ModelSpec"]["properties"]["noise"]
    kinds = noise["else"]["properties"]["kind"]
    assert dict(zip(kinds["enum"], kinds["enumDescriptions"], strict=True))["ring"] == ring["description"]


def test_an_option_that_json_has_no_word_for_is_left_open_and_the_others_are_not() -> None:
    class Called(RingNoise):
        kind: Literal["called"] = "called"  # type: ignore[assignment]
        by: Callable[[int], int] | None = None

    options = Called.model_json_schema()["properties"]
    assert options["by"] == {"anyOf": [{}, {"type": "null"}], "default": None, "examples": [None]}
    assert options["size"] == RingNoise.model_json_schema()["properties"]["size"]


def test_the_models_image_may_be_a_word_and_no_other_one(whole: dict[str, Any]) -> None:
    values = recipe("mnist")
    for image, right in (("auto", True), ("Auto", False), ({"channels": 1, "height": 28}, False), (None, False)):
        values["model"]["image"] = image
        assert bool(list(Draft202012Validator(whole).iter_errors(values))) is not right, image


def test_a_kind_may_be_written_with_its_distribution(with_ring: dict[str, Any]) -> None:
    schema = Draft202012Validator(with_ring)
    for kind in ("ring", "infogan-ring:ring", "infogan:uniform"):
        values = recipe("mnist")
        values["model"]["noise"] = {"kind": kind, "size": 4}
        assert not list(schema.iter_errors(values))
        RunSpec.model_validate(values)
        values["model"]["noise"]["sizes"] = 4
        assert list(schema.iter_errors(values))


def test_a_kind_of_two_distributions_has_to_be_written_with_one(fresh_default: Registry) -> None:
    for distribution in ("one", "other"):
        plugin = plugin_of(type("RingNoise", (RingNoise,), {"__module__": distribution}))
        fresh_default.add(plugin, "ring", distribution=distribution)
    schema = Draft202012Validator(RunSpec.model_json_schema())
    for kind, fits in (("one:ring", True), ("other:ring", True), ("ring", False), ("third:ring", False)):
        values = recipe("mnist")
        values["model"]["noise"] = {"kind": kind, "size": 4}
        assert schema.is_valid(values) == fits, kind
        if not fits:
            with pytest.raises(ValidationError):
                RunSpec.model_validate(values)


# name: (what is done to the recipe mnist, where that is, what is said of it)
MISTAKES: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "option of a generator": (
        lambda spec: spec["model"]["generator"].update(leek=0.1),
        "$.model.generator",
        "('leek' was unexpected)",
    ),
    "option of a code": (
        lambda spec: spec["model"]["codes"]["slant"].update(lwo=0),
        "$.model.codes.slant",
        "('lwo' was unexpected)",
    ),
    "option of Q's own body": (
        lambda spec: spec["model"].update(q_body={"kind": "mnist", "leek": 0.1}),
        "$.model.q_body",
        "('leek' was unexpected)",
    ),
    "option of training": (lambda spec: spec["training"].update(stepz=1), "$.training", "('stepz' was unexpected)"),
    "kind": (
        lambda spec: spec["model"]["generator"].update(kind="mnsit"),
        "$.model.generator.kind",
        "'mnsit' is not one of ['chairs', 'dcgan', 'faces', 'mnist', ",
    ),
    "kind of a code": (
        lambda spec: spec["model"]["codes"]["digit"].update(kind="categorial"),
        "$.model.codes.digit.kind",
        "'categorial' is not one of ['angle', 'bernoulli', 'categorical', 'normal', 'uniform']",
    ),
    "kind with a distribution": (
        lambda spec: spec["model"]["head"].update(kind="infogan:map"),
        "$.model.head.kind",
        "'infogan:map' is not one of ['infogan:linear', 'infogan:mlp']",
    ),
    "no kind": (lambda spec: spec["data"].pop("kind"), "$.data", "'kind' is a required property"),
    "kind alone": (lambda spec: spec["model"].update(head="mlp"), "$.model.head", "'mlp' is not of type 'object'"),
    "missing option": (
        lambda spec: spec["model"]["codes"]["digit"].pop("n"),
        "$.model.codes.digit",
        "'n' is a required property",
    ),
    "value": (lambda spec: spec["model"]["noise"].update(size=0), "$.model.noise.size", "0 is less than the minimum"),
    "name of a code": (
        lambda spec: spec["model"]["codes"].update(lambda_={"kind": "angle"}, seed={"kind": "angle"}),  # the former may
        "$.model.codes",
        "'seed' should not be valid under {'enum': ",
    ),
}


@pytest.mark.parametrize(("spoil", "place", "message"), MISTAKES.values(), ids=MISTAKES)
def test_one_mistake_is_one_error_that_names_it(
    spoil: Callable[[dict[str, Any]], object], place: str, message: str, whole: dict[str, Any]
) -> None:
    values = recipe("mnist")
    spoil(values)
    schema = Draft202012Validator(whole)
    (error,) = schema.iter_errors(values)
    assert error.json_path == place
    assert message in error.message
    best = best_match(schema.iter_errors(values))
    assert best is not None
    assert (best.json_path, best.message) == (error.json_path, error.message)


@pytest.mark.parametrize("name", ["digit", "Größe", "x" * 64, "a_1", "lambda_", "名前"])
def test_a_name_that_a_code_may_have_fits(name: str, whole: dict[str, Any]) -> None:
    values = recipe("mnist")
    values["model"]["codes"][name] = {"kind": "angle"}
    assert Draft202012Validator(whole).is_valid(values)
    RunSpec.model_validate(values)


@pytest.mark.parametrize("name", ["", "1st", "_x", "class", "seed", "x" * 65, "a-b", "a b", "a.b"])
def test_a_name_that_no_code_may_have_does_not(name: str, whole: dict[str, Any]) -> None:
    values = recipe("mnist")
    values["model"]["codes"][name] = {"kind": "angle"}
    assert not Draft202012Validator(whole).is_valid(values)
    with pytest.raises(ValidationError):
        RunSpec.model_validate(values)


def test_it_says_of_mutants_what_validation_says(fresh_default: Registry) -> None:
    found = schema_mutants.compare(Herd(fresh_default, seed=1), 150)
    assert not found.unknown
    assert not found.too_strict
    assert found.accepted >= 10
    assert found.slips >= 20
    assert found.rules.total() <= found.refused / 4


def check(schema: Path, specs: list[Path]) -> tuple[int, str]:
    """Exit status and output of check-jsonschema on all the files at once."""
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", schema, *specs]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def printed(to: Path) -> Path:
    """The schema as `infogan schema` prints it."""
    done = CliRunner().invoke(app, ["schema"])
    assert done.exit_code == 0, done.output
    to.write_text(done.stdout)
    return to


def test_every_spec_that_is_shipped_passes_an_independent_checker(
    fresh_default: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = sorted(ROOT.glob("plugins/*/recipes/*.yaml"))
    assert len(specs) == len(BUILT_IN.recipes)
    for folder in sorted(ROOT.glob("examples/plugins/*")):  # an example's kinds are known where it is installed
        monkeypatch.syspath_prepend(folder)
        name = folder.name.replace("-", "_")
        fresh_default.add(importlib.import_module(name), name, distribution=folder.name)
        specs += sorted(folder.glob("**/*.yaml"))
    readme = (ROOT / "README.md").read_text()
    for number, block in enumerate(readme.split("```yaml\n")[1:]):
        specs.append(tmp_path / f"readme-{number}.yaml")
        specs[-1].write_text(block.partition("```")[0])
    for role in Role:  # what `infogan plugin new` writes; installed, it would be in the schema as well
        folder = new_plugin(f"checked-{role}", role, tmp_path / role)
        monkeypatch.syspath_prepend(folder)
        module = importlib.import_module(f"infogan_checked_{role}")
        fresh_default.add(module, f"checked_{role}", distribution=f"infogan-checked-{role}")
        specs.append(folder / f"infogan_checked_{role}" / "recipe.yaml")
    status, said = check(printed(tmp_path / "infogan.schema.json"), specs)
    assert status == 0, said


def test_the_independent_checker_says_where_a_mistake_is(whole: dict[str, Any], tmp_path: Path) -> None:
    text = BUILT_IN.recipe("sprites")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("kind: mlp", "kind: mpl").replace("batch_size:", "batchsize:"))
    status, said = check(printed(tmp_path / "infogan.schema.json"), [wrong])
    assert status == 1
    assert "model.head.kind: 'mpl' is not one of ['linear', 'mlp']" in said
    assert "training: Additional properties are not allowed ('batchsize' was unexpected)" in said
