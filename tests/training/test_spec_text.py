"""The strict reader: what is read as what, what is refused, where things stand, settings, the way back to text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def value_of(text: str) -> Any:
    """What a value is read as."""
    return parse(f"a: {text}", "spec.yaml").values["a"]


def with_labels(labels: list[str]) -> RunSpec:
    """A run whose one code has these labels."""
    return with_codes({"digit": Categorical(n=len(labels), labels=labels)})


def with_codes(codes: dict[str, Code]) -> RunSpec:
    """A run with these codes, which its losses do not weigh."""
    losses = {**A_RUN.model.losses, "information": MutualInformation()}
    return A_RUN.model_copy(update={"model": A_RUN.model.model_copy(update={"codes": codes, "losses": losses})})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-1", -1),
        ("+2", 2),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("0.5", 0.5),
        ("-0.5", -0.5),
        ("1e-3", 0.001),
        ("2.0e-4", 0.0002),
        ("1E5", 100000.0),
        ("0e-999", 0.0),
        ("5e-324", 5e-324),
        ("[1, a, [true]]", [1, "a", [True]]),
        ("{b: {c: null}}", {"b": {"c": None}}),
        ("|\n  017\n  no\n", "017\nno\n"),
    ],
)
def test_values_are_read_as_what_they_say(text: str, value: Any) -> None:
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "mnist",
            "1st",
            "v1.0",
            "3x3",
            "45deg",
            "0.8rad",
            "28x28",
            "1.2.3",
            "192.168.0.1",
            "n",
            "y",
            "e5",
            "1e",
            "0x",
        ),
        *(
            "data/2024-01-01",
            "2024-01",
            "a:b",
            "1-2",
            "1,5",
            "-",
            "Nullable",
            "yes please",
            "true story",
            "Ünï",
            "∞",
        ),
    ],
)
def test_text_stays_text(text: str) -> None:
    assert value_of(text) == text if text != "-" else value_of("'-'") == "-"


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "Yes", "no", "NO", "on", "Off", "True", "FALSE", "Null", "None"),
        *(
            "017",
            "-017",
            "00",
            "0x1F",
            "0o17",
            "0b11",
            "12:30",
            "1:30:00.5",
            "1_000",
            "1_0.5",
            ".5",
            "5.",
            "-.5",
            "1.e5",
            "01e3",
        ),
        *(".inf", "-.inf", ".NaN", "inf", "nan", "-Infinity", "1e400", "-1e400", "1e-400"),
        *("2024-01-01", "2024-1-1", "2024-01-01T00:00:00Z", "2024-01-01 10:00:00", "=", "<<"),
        *("9223372036854775808", "-9223372036854775809", "1" * 5000),
    ],
)
def test_what_could_be_misread_is_refused_but_can_be_quoted(text: str) -> None:
    with pytest.raises(SpecError, match=r"^spec.yaml:1:4: .{1,200}$"):
        value_of(text)
    assert value_of(f"'{text}'") == text
    assert value_of(f'"{text}"') == text


def test_a_long_text_takes_no_long_time() -> None:
    for text in ("1" * 100_000 + "x", "1_" * 50_000 + "x", "1:" * 50_000 + "x", "0." + "1" * 100_000):
        value_of(text)


def test_a_key_is_text_whatever_it_looks_like() -> None:
    text = "{n: 1, yes: 2, 017: 3, 1: 4, '<<': 5, 'a b': 6, null: 7}"
    assert value_of(text) == {"n": 1, "yes": 2, "017": 3, "1": 4, "<<": 5, "a b": 6, "null": 7}


@QUICK
@given(st.one_of(TEXT, st.text(st.sampled_from("ab01.-+:,[]{}#&*!|>'\"%@`?~\\uU\n \t"), max_size=60)))
@example('a: "\\UFFFFFFFF"')
@example("%YAML " + "9" * 5000 + ".0\n---\na: 1")
@example("!<tag:x> a: 1")
@example("\ufeffa: 1")
def test_whatever_it_is_given_the_reader_answers_with_a_spec_or_its_own_error(text: str) -> None:
    message = ""
    try:
        assert isinstance(parse(text, "spec.yaml").values, dict)
    except SpecError as error:
        message = str(error)
    assert not message or message.startswith("spec.yaml:")
    assert len(message.splitlines()) <= 1
    assert len(message) < 500


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + REGISTRY.recipe("mnist").replace("\n", "\r\n").encode())
    assert read_run(path, registry=REGISTRY) == A_RUN


def test_places() -> None:
    spec = parse("# comment\na:\n  b: 1\n  c: [2, {d: 3}]\n", "spec.yaml")
    assert spec.place(()) == "spec.yaml:2:1"
    assert spec.place(("a",)) == "spec.yaml:2:1"
    assert spec.place(("a", "b")) == "spec.yaml:3:6"
    assert spec.place_of_key(("a", "b")) == "spec.yaml:3:3"
    assert spec.place(("a", "c")) == "spec.yaml:4:3"
    assert spec.place(("a", "c", 0)) == "spec.yaml:4:7"
    assert spec.place(("a", "c", 1, "d")) == "spec.yaml:4:14"
    assert spec.place(("a", "none", "such")) == "spec.yaml:2:1"
    assert spec.place_of_key(("none",)) == "spec.yaml:2:1"


# settings


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
