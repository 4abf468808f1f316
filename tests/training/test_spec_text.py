"""A run spec as text: read from a file, with settings on top, and written so that it is read back."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from infogan import Code, ModelSpec, Registry, RunSpec
from infogan.files.strict_yaml import SpecError, SpecText, parse
from infogan.plugins.codes import Categorical, Uniform
from infogan.plugins.losses import MutualInformation
from infogan.training.spec_text import SCHEMA_LINE, dump_run, override, read_run, validate

REGISTRY = Registry(entry_points=False)

QUICK = settings(max_examples=50, deadline=None, database=None)

A_RUN = validate(parse(REGISTRY.recipe("mnist"), "mnist"), REGISTRY)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def with_labels(labels: list[str]) -> RunSpec:
    """A run whose one code has these labels."""
    return with_codes({"digit": Categorical(n=len(labels), labels=labels)})


def with_codes(codes: dict[str, Code]) -> RunSpec:
    """A run with these codes, which its losses do not weigh."""
    losses = {**A_RUN.model.losses, "information": MutualInformation()}
    return A_RUN.model_copy(update={"model": A_RUN.model.model_copy(update={"codes": codes, "losses": losses})})


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + REGISTRY.recipe("mnist").replace("\n", "\r\n").encode())
    assert read_run(path, registry=REGISTRY) == A_RUN


@pytest.fixture
def mnist() -> SpecText:
    return parse(REGISTRY.recipe("mnist"), "mnist")


def test_settings_are_applied_in_order_to_a_copy(mnist: SpecText) -> None:
    changed = override(
        mnist, ["training.seed=1", "training.seed = 2", "training.precision=bf16", "model.body.leak=0.01"]
    )
    run = validate(changed, REGISTRY)
    assert (run.training.seed, run.training.precision, run.model.body.leak) == (2, "bf16", 0.01)  # type: ignore[attr-defined]
    assert validate(mnist, REGISTRY) == A_RUN


def test_a_setting_makes_the_mappings_on_its_way(mnist: SpecText) -> None:
    settings = [
        "model.codes.size.kind=categorical",
        "model.codes.size.n=3",
        "model.q_body=null",
        "model.q_body.kind=mnist",
    ]
    run = validate(override(mnist, settings), REGISTRY)
    assert run.model.codes["size"] == Categorical(n=3)
    assert list(run.model.codes) == ["digit", "slant", "stroke", "size"]
    assert run.model.q_body is not None


def test_a_setting_can_be_a_list_or_a_mapping(mnist: SpecText) -> None:
    settings = [
        "model.codes={size: {kind: categorical, n: 2}}",
        "model.codes.size.labels=[a, b]",
        "training.betas=[0, 0.9]",
    ]
    run = validate(override(mnist, [*settings, "model.losses.information.codes={}"]), REGISTRY)
    assert run.model.codes == {"size": Categorical(n=2, labels=["a", "b"])}
    assert run.training.betas == (0.0, 0.9)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("training.seed", "--set training.seed: has to be PATH=VALUE, such as training.seed=1"),
        ("=1", "--set =1: has to be PATH=VALUE, such as training.seed=1"),
        ("training..seed=1", "--set training..seed=1: has to be PATH=VALUE, such as training.seed=1"),
        (
            "data.kind.x=1",
            "--set data.kind.x=1: data.kind is the text 'mnist', no mapping; set it as a whole: data.kind=...",
        ),
        ("training.seed=017", "--set training.seed=017: 017 is ambiguous; write a finite decimal"),
        ("training.seed=[1", "--set training.seed=[1: is no YAML: "),
        ("training.seed=a\n---\nb", r"--set training.seed=a\n---\nb: a second document begins"),
        ("training.seed=x", "--set training.seed=x: training.seed: has to be a whole number, not the text 'x'"),
        ("training.seed=-1", "--set training.seed=-1: training.seed: has to be at least 0, not -1"),
        ("training.sede=1", "--set training.sede=1: training.sede: there is no 'sede' here; known: "),
        ("model.codes.size.n=3", "--set model.codes.size.n=3: model.codes.size.kind: is missing; known: angle"),
        (
            "model.codes.digit={kind: uniform, lo: 1}",
            "model.codes.digit.lo: there is no 'lo' here; known: high, low, q_std",
        ),
        (
            "model.codes.class={kind: angle}",
            "--set model.codes.class={kind: angle}: model.codes.class: 'class' is no code name",
        ),
        ("model.codes=null", "--set model.codes=null: model.codes: has to be a mapping, not nothing"),
        ("=".join(["training.seed", "1" * 10_000]), "--set training.seed=1111"),
    ],
)
def test_a_wrong_setting_is_named(mnist: SpecText, setting: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        validate(override(mnist, [setting]), REGISTRY)
    message = str(caught.value)
    assert says in message
    assert message.startswith("--set ")
    assert len(message.splitlines()) == 1
    assert len(message) < 500


def test_what_a_setting_replaced_is_no_longer_pointed_at(mnist: SpecText) -> None:
    spec = override(mnist, ["model.codes={a: {kind: angle}}", "model.codes.b={kind: angel}"])
    assert spec.place(("model", "codes", "digit", "n")) == "--set model.codes={a: {kind: angle}}"
    assert spec.place(("model", "codes", "b", "kind")) == "--set model.codes.b={kind: angel}"
    assert spec.place(("data",)) == mnist.place(("data",))


# the way back


@pytest.mark.parametrize("name", sorted(REGISTRY.recipes))
def test_every_recipe_survives_the_way_to_text_and_back(name: str) -> None:
    run = validate(parse(REGISTRY.recipe(name), name), REGISTRY)
    text = dump_run(run)
    assert text.startswith(SCHEMA_LINE)
    assert validate(parse(text, name), REGISTRY) == run
    assert dump_run(validate(parse(text, name), REGISTRY)) == text


@pytest.mark.parametrize("name", ["sprites", "mnist", "pictures"])
def test_the_models_image_may_be_that_of_the_data_and_is_written_in_numbers(name: str) -> None:
    spec = parse(REGISTRY.recipe(name), name)
    automatic = validate(override(spec, ["model.image=auto"]), REGISTRY)
    assert automatic == validate(spec, REGISTRY)
    assert dump_run(automatic) == dump_run(validate(spec, REGISTRY))


def test_the_size_is_then_said_once() -> None:
    settings = ["model.image=auto", "data.height=16", "data.width=32", "data.channels=1"]
    run = validate(override(parse(REGISTRY.recipe("pictures"), "pictures"), settings), REGISTRY)
    assert run.model.image.dims == (1, 16, 32)


def test_a_model_alone_has_no_data_to_take_its_image_from(mnist: SpecText) -> None:
    with pytest.raises(ValidationError, match="or auto in the spec of a run, whose data say it, not 'auto'"):
        ModelSpec.model_validate({**mnist.values["model"], "image": "auto"})


@QUICK
@given(st.lists(TEXT, min_size=2, max_size=5, unique=True))
@example(["yes", "no", "on", "off", "n", "y", "true", "null", "~", ""])
@example(["017", "0x1F", "12:30", "1_000", ".inf", "1e400", "2024-01-01", "=", "<<", "1", "0.5", "-"])
@example(
    [
        " a",
        "a ",
        "a\nb",
        "a\n",
        "\n",
        "\t",
        "a: b",
        "a #b",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x00",
        "😀",
        "a" * 300,
        "a " * 200,
    ]
)
def test_any_label_survives_the_way_to_text_and_back(labels: list[str]) -> None:
    run = with_labels(labels)
    assert parse(dump_run(run), "run.yaml").values == run.model_dump(mode="json")


def test_strange_labels_survive_validation_too() -> None:
    run = with_labels(["yes", "017", " a ", "a\nb", "\x00", "😀", ""])
    assert validate(parse(dump_run(run), "run.yaml"), REGISTRY) == run


@QUICK
@given(st.floats(min_value=0.0, exclude_min=True, allow_infinity=False))
@example(1e-5)
@example(1e16)
@example(5e-324)
def test_any_number_survives_the_way_to_text_and_back(rate: float) -> None:
    run = A_RUN.model_copy(update={"training": A_RUN.training.model_copy(update={"d_lr": rate})})
    text = dump_run(run)
    assert parse(text, "run.yaml").values["training"]["d_lr"] == rate
    assert yaml.safe_load(text)["training"]["d_lr"] == rate  # to other readers, too


def test_a_part_that_is_there_twice_is_written_twice() -> None:
    code = Uniform()
    run = with_codes({"a": code, "b": code})
    assert validate(parse(dump_run(run), "run.yaml"), REGISTRY) == run
