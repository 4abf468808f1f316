"""The model spec: it goes to text and back, its JSON Schema is right, and its errors say where and what."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from torch import Tensor

from infogan import ImageShape, ModelSpec, Noise, Registry, RunSpec, hookimpl
from infogan.core.component import Strict
from infogan.files.strict_yaml import parse
from infogan.plugins.codes import Angle, Bernoulli, Categorical, Normal, Uniform
from infogan.plugins.heads import Mlp
from infogan.plugins.losses import Minimax, MutualInformation, NonSaturating
from infogan.plugins.mnist import Mnist, MnistBody, MnistGenerator
from infogan.plugins.noises import NormalNoise
from infogan.registry import default
from infogan.training.spec_text import validate

RECIPES = sorted(Registry(entry_points=False).recipes)

MakeSpec = Callable[..., ModelSpec]


def recipe(name: str) -> dict[str, Any]:
    """A shipped recipe's values, as read from its YAML."""
    return parse(Registry(entry_points=False).recipe(name), name).values


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    """The JSON Schema of a run spec."""
    text = RunSpec.model_json_schema()
    Draft202012Validator.check_schema(text)
    return Draft202012Validator(json.loads(json.dumps(text)))


ALL_CODES = {
    "digit": Categorical(n=3, labels=("a", "b", "c")),
    "slant": Uniform(low=0.0, high=360.0, q_std=0.5),
    "level": Normal(),
    "smile": Bernoulli(p=0.25),
    "pose": Angle(),
}


def test_a_spec_survives_json_pickle_and_python(model_spec: MakeSpec, registry: Registry) -> None:
    context = {"registry": registry}
    for spec in (
        model_spec(),
        model_spec(codes=ALL_CODES),
        model_spec(q_body=model_spec().body),
        model_spec(losses={"game": Minimax(weight=0.5), "knowledge": MutualInformation(routing="generator")}),
    ):
        assert ModelSpec.model_validate_json(spec.model_dump_json(), context=context) == spec
        assert ModelSpec.model_validate(spec.model_dump(mode="json"), context=context) == spec
        assert ModelSpec.model_validate(spec.model_dump(), context=context) == spec
        assert ModelSpec.model_validate(spec) == spec


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_json_pickle_and_python(name: str) -> None:
    spec = validate(parse(default().recipe(name), name))
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert RunSpec.model_validate_json(spec.model_dump_json()) == spec
    assert RunSpec.model_validate(spec.model_dump()) == spec


def test_parts_keep_their_classes(model_spec: MakeSpec, registry: Registry) -> None:
    spec = model_spec(codes=ALL_CODES)
    again = ModelSpec.model_validate_json(spec.model_dump_json(), context={"registry": registry})
    assert [type(code) for code in again.codes.values()] == [type(code) for code in ALL_CODES.values()]
    assert again.codes["digit"].decode(torch.eye(3)) == ["a", "b", "c"]


def test_specs_differ_where_an_option_or_the_order_of_codes_does(model_spec: MakeSpec) -> None:
    spec = model_spec(codes=ALL_CODES)
    assert spec == model_spec(codes=dict(ALL_CODES))
    assert spec != model_spec(codes={**ALL_CODES, "smile": Bernoulli(p=0.3)})
    assert spec != model_spec(codes=dict(reversed(ALL_CODES.items())))  # another layout of the latent
    assert spec != "a spec"


def test_a_spec_is_frozen(model_spec: MakeSpec) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        model_spec().noise = None  # type: ignore[misc,assignment]


@pytest.mark.parametrize("name", RECIPES)
def test_the_schema_takes_every_recipe(schema: Draft202012Validator, name: str) -> None:
    values = recipe(name)
    assert not list(schema.iter_errors(values))
    assert not list(schema.iter_errors(validate(parse(default().recipe(name), name)).model_dump(mode="json")))


WRONG: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda spec: spec["model"]["codes"]["digit"].update(kind="categorial"), "unknown kind"),
    (lambda spec: spec["model"]["codes"]["digit"].pop("kind"), "no kind"),
    (lambda spec: spec["model"]["codes"]["digit"].pop("n"), "missing option"),
    (lambda spec: spec["model"]["codes"]["digit"].update(n=1), "too small"),
    (lambda spec: spec["model"]["codes"]["digit"].update(n="10"), "text for a number"),
    (lambda spec: spec["model"]["codes"]["digit"].update(size=3), "unknown option"),
    (lambda spec: spec["model"].update(codes={}), "no codes"),
    (lambda spec: spec["model"].update(noise={"kind": "angle"}), "kind of another role"),
    (lambda spec: spec["model"].update(optimizer={}), "unknown key"),
    (lambda spec: spec["training"].update(steps=0), "no steps"),
    (lambda spec: spec["training"].update(precision="fp8"), "unknown precision"),
    (lambda spec: spec.pop("data"), "no data"),
]


@pytest.mark.parametrize(("spoil", "what"), WRONG, ids=[what for _, what in WRONG])
def test_schema_and_validation_refuse_the_same(
    schema: Draft202012Validator, spoil: Callable[[dict[str, Any]], object], what: str
) -> None:
    values = recipe("mnist")
    spoil(values)
    assert list(schema.iter_errors(values)), what
    with pytest.raises(ValidationError):
        RunSpec.model_validate(values)


class Options(Strict):
    """Options within options."""

    low: int = 0


class Nested(Noise):
    """A noise with a nested option, used twice."""

    kind: Literal["nested"] = "nested"
    one: Options = Options()
    two: Options = Options(low=2)

    @property
    def width(self) -> int:
        return 2

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.zeros(n, 2, device=device)


class NestedPlugin:
    @hookimpl
    def infogan_components(self) -> list[type]:
        return [Nested]


def test_a_plugin_added_later_is_in_spec_and_schema_at_once(fresh_default: Registry) -> None:
    values = recipe("mnist")
    values["model"]["noise"] = {"kind": "nested", "one": {"low": 5}}
    assert list(Draft202012Validator(RunSpec.model_json_schema()).iter_errors(values))
    with pytest.raises(ValidationError, match="no noise is of kind 'nested'"):
        RunSpec.model_validate(values)

    fresh_default.add(NestedPlugin(), "nested")

    after = Draft202012Validator(RunSpec.model_json_schema())
    assert not list(after.iter_errors(values))
    spec = RunSpec.model_validate(values)
    assert spec.model.noise == Nested(one=Options(low=5))
    assert RunSpec.model_validate_json(spec.model_dump_json()) == spec
    values["model"]["noise"]["one"]["low"] = "five"
    assert list(after.iter_errors(values))


def errors(values: dict[str, Any]) -> dict[str, str]:
    """Message by path of everything that is wrong with a run spec."""
    with pytest.raises(ValidationError) as raised:
        RunSpec.model_validate(values, context={"registry": Registry(entry_points=False)})
    return {".".join(map(str, line["loc"])): line["msg"] for line in raised.value.errors()}


def test_errors_say_where_and_what_there_is() -> None:
    values = recipe("mnist")
    values["model"]["codes"]["digit"] = {"kind": "categorial", "n": 10}
    values["model"]["codes"]["slant"]["lwo"] = 3
    values["model"]["head"] = "mlp"
    values["model"]["body"] = {"leak": 0.1}
    found = errors(values)
    assert set(found) == {"model.codes.digit.kind", "model.codes.slant.lwo", "model.head", "model.body.kind"}
    assert "Did you mean 'categorical'?" in found["model.codes.digit.kind"]
    assert "Did you mean 'low'?" in found["model.codes.slant.lwo"]
    assert "such as {kind: mlp}" in found["model.head"]
    assert "known: chairs, dcgan, faces, mnist, resnet, sprites, svhn" in found["model.body.kind"]


def test_terms_that_do_not_fit_the_codes_or_each_other() -> None:
    values = recipe("mnist")
    values["model"]["losses"]["information"]["codes"] = {"slnat": 0.1}
    (message,) = errors(values).values()
    assert "no code is named 'slnat'" in message
    assert "Did you mean 'slant'?" in message
    values = recipe("mnist")
    values["model"]["losses"]["information"] = {"kind": "mutual_information", "routing": "official"}
    values["model"]["losses"]["other"] = {"kind": "mutual_information", "routing": "generator"}
    assert "trains q_head in G's phase" in errors(values)["model.losses.other"]


@pytest.mark.parametrize(
    ("name", "message"), [("1st", "has to be a Python identifier"), ("class", "identifier"), ("seed", "for themselves")]
)
def test_a_code_name_has_to_be_a_keyword_of_sample(name: str, message: str) -> None:
    values = recipe("mnist")
    values["model"]["codes"][name] = {"kind": "normal"}
    assert any(message in text for text in errors(values).values())


def test_each_part_is_stepped_in_one_phase(model_spec: MakeSpec) -> None:
    together = {"generator": "g", "d_body": "d", "d_head": "d", "q_head": "d"}
    assert model_spec().phases() == together
    with_g = {"game": NonSaturating(), "knowledge": MutualInformation(routing="generator")}
    assert model_spec(losses=with_g).phases() == {**together, "q_head": "g"}
    assert model_spec(losses={"game": NonSaturating()}).phases() == together
    own = model_spec().body
    assert model_spec(q_body=own).phases() == {**together, "q_body": "d"}
    assert model_spec(q_body=own, losses=with_g).phases() == {**together, "q_body": "g", "q_head": "g"}


def test_someone_has_to_train_d_and_g(model_spec: MakeSpec) -> None:
    with pytest.raises(ValidationError, match="no term trains the d_head"):
        model_spec(losses={"knowledge": MutualInformation()})


def test_python_passes_instances_of_classes_that_no_plugin_has(model_spec: MakeSpec) -> None:
    spec = model_spec(noise=Nested())
    assert spec.noise == Nested()
    assert json.loads(spec.model_dump_json())["noise"]["kind"] == "nested"


def test_an_instance_of_another_role_is_refused(model_spec: MakeSpec) -> None:
    with pytest.raises(ValidationError, match="noise"):
        model_spec(noise=MnistBody())


def mnist_model(**changes: Any) -> ModelSpec:
    """A spec made in Python, with some parts changed."""
    parts: dict[str, Any] = {
        "image": ImageShape(channels=1, height=28, width=28),
        "noise": NormalNoise(size=2),
        "codes": {"digit": Categorical(n=10)},
        "generator": MnistGenerator(),
        "body": MnistBody(),
        "head": Mlp(),
        "losses": {"adversarial": NonSaturating(), "information": MutualInformation()},
    }
    return ModelSpec(**{**parts, **changes})


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"codes": {"class": Categorical(n=2)}}, ("codes", "class", "[key]"), "'class' is no code name"),
        ({"losses": {"i": MutualInformation(codes={"x": 1.0})}}, ("losses", "i", "codes", "x"), "known: digit"),
        ({"head": {"kind": "mpl"}}, ("head", "kind"), "known: linear, mlp. Did you mean 'mlp'?"),
        ({"head": {"kind": "mlp", "leek": 0.1}}, ("head", "leek"), "Did you mean 'leak'?"),
        ({"head": NormalNoise(size=2)}, ("head",), "has to be a mapping with a kind, such as {kind: linear}"),
        ({"body": None}, ("body",), "has to be a mapping with a kind, such as {kind: "),
        ({"q_bdy": MnistBody()}, ("q_bdy",), "Did you mean 'q_body'?"),
    ],
)
def test_a_model_spec_made_in_python_names_what_is_wrong(changes: Any, path: tuple[Any, ...], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        mnist_model(**changes)
    (line,) = caught.value.errors()
    assert line["loc"] == path
    assert says in line["msg"]


def test_a_run_spec_made_in_python_names_what_does_not_fit() -> None:
    assert RunSpec(model=mnist_model(), data=Mnist()).data == Mnist()
    with pytest.raises(ValidationError) as caught:
        RunSpec(model=mnist_model(image=ImageShape(channels=1, height=32, width=32)), data=Mnist())
    (line,) = caught.value.errors()
    assert line["loc"] == ("model", "image")
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate(
            {"model": mnist_model(), "data": {"kind": "mnsit"}}, context={"registry": Registry(entry_points=False)}
        )
    (line,) = caught.value.errors()
    assert line["loc"] == ("data", "kind")
