"""The strict reader: what is read as what, what is refused, and where things stand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infogan.files.strict_yaml import SpecError, parse

QUICK = settings(max_examples=50, deadline=None, database=None)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def value_of(text: str) -> Any:
    """What a value is read as."""
    return parse(f"a: {text}", "spec.yaml").values["a"]


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
