"""What every part is: frozen, strict, and helpful where an option is wrong."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from infogan.core.component import MISTAKES_LIMIT, Component, Strict, error_at
from infogan.core.messages import MESSAGE_LIMIT, NAMES_LISTED, closest_name, known_names, readable, short
from infogan.plugins.codes import Categorical, Uniform


def _even(number: int) -> int:
    if number % 2:
        raise PydanticCustomError("odd", "{number} is odd", {"number": number})
    return number


def _lower(text: str) -> str:
    if not text.islower():
        raise AssertionError("has to be in lower case")
    return text


class Inner(Strict):
    size: int
    even: Annotated[int, AfterValidator(_even)] = 0
    word: Annotated[str, AfterValidator(_lower)] = "a"


class Middle(Strict):
    inner: Inner
    many: dict[str, Inner] = Field(default_factory=dict)
    listed: list[Inner] = Field(default_factory=list)
    either: Literal["learned"] | Annotated[float, Field(gt=0.0)] = "learned"
    choice: Inner | None = None


class Outer(Strict):
    middle: Middle

    @model_validator(mode="after")
    def _check(self) -> Outer:
        if self.middle.inner.size == 13:
            raise error_at(("middle", "inner", "size"), "not {this} one")
        if self.middle.inner.size == 14:
            try:
                Inner(sise=1)  # type: ignore[call-arg]
            except ValidationError as error:
                raise error_at(("middle", "inner"), error) from None
        return self


def errors_of(**middle: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """Path and message of all that is wrong with a nested model."""
    with pytest.raises(ValidationError) as caught:
        Outer(middle=middle)  # type: ignore[arg-type]
    return [(line["loc"], line["msg"]) for line in caught.value.errors()]


UNKNOWN = "there is no 'sise' here; known: even, size, word. Did you mean 'size'?"


def test_the_nearest_name() -> None:
    assert closest_name("unifrom", ["normal", "uniform"]) == "uniform"
    assert closest_name("x", ["normal", "uniform"]) is None
    assert closest_name(3, []) is None
    assert known_names("unifrom", ["uniform", "normal"]) == "; known: normal, uniform. Did you mean 'uniform'?"
    assert known_names("x", ["uniform", "normal"]) == "; known: normal, uniform."
    assert known_names("x", []) == "; there are none"


def test_names_are_listed_up_to_a_limit_and_without_control_characters() -> None:
    many = known_names("x", [f"name{i:03}" for i in range(200)])
    assert many.count("name") == NAMES_LISTED
    assert many.endswith("name039, and 160 more.")
    assert known_names("a\x1b[2J", ["a\x1b[2Jb"]) == "; known: a\\x1b[2Jb. Did you mean 'a\\x1b[2Jb'?"


@pytest.mark.parametrize(
    "text", ["", "plain", "two\nlines", "\x1b[2J", "\ud800", "\u202e", "é" * 1500, "😀" * 3000, "\x00" * 3000]
)
def test_a_readable_message_is_short_and_printable_and_stays_what_it_is_where_it_was(text: str) -> None:
    shown = readable(text)
    assert len(shown.encode()) <= MESSAGE_LIMIT
    assert all(line.isprintable() for line in shown.split("\n"))
    assert readable(shown) == shown
    assert (shown == text) == (text in ("", "plain", "two\nlines"))


@pytest.mark.parametrize("text", ["", "plain", "two\nlines", "\x1b[2J", "x" * 41, "\x00" * 30])
def test_what_is_shown_short_is_one_printable_line(text: str) -> None:
    shown = short(text)
    assert shown.isprintable()
    assert len(shown) <= 40
    assert (shown == text) == (text in ("", "plain"))


def test_mistakes_are_counted_up_to_a_limit() -> None:
    with pytest.raises(ValidationError) as caught:
        Inner.model_validate({"size": 1, **{f"option{i}": i for i in range(1000)}})
    assert caught.value.error_count() == MISTAKES_LIMIT


@pytest.mark.parametrize(
    ("middle", "path"),
    [
        ({"inner": {"sise": 1}}, ("inner", "sise")),
        ({"inner": {"size": 1}, "many": {"a": {"sise": 1}}}, ("many", "a", "sise")),
        ({"inner": {"size": 1}, "listed": [{"size": 1}, {"sise": 1}]}, ("listed", 1, "sise")),
        ({"inner": {"size": 1}, "choice": {"sise": 1}}, ("choice", "sise")),
    ],
)
def test_an_unknown_field_is_answered_with_the_known_ones_wherever_it_stands(
    middle: Any, path: tuple[Any, ...]
) -> None:
    assert errors_of(**middle) == [(("middle", *path), UNKNOWN)]


def test_a_misspelt_field_that_is_needed_is_one_mistake_and_an_absent_one_another() -> None:
    assert errors_of(inner={"sise": 1}) == [(("middle", "inner", "sise"), UNKNOWN)]
    assert errors_of(inner={"colour": 1}) == [
        (("middle", "inner", "size"), "Field required"),
        (("middle", "inner", "colour"), "there is no 'colour' here; known: even, size, word."),
    ]


def test_instances_are_checked_beside_wrong_text() -> None:
    assert errors_of(inner=Inner(size=1), many={"a": Inner(size=2), "b": {"size": "3"}}) == [
        (("middle", "many", "b", "size"), "Input should be a valid integer")
    ]


def test_each_member_of_a_union_says_what_it_wants() -> None:
    found = errors_of(inner={"size": 1}, either=-1)
    assert [path[:2] for path, _ in found] == [("middle", "either")] * 2
    assert [message for _, message in found] == ["Input should be 'learned'", "Input should be greater than 0"]


def test_errors_of_a_validators_own_keep_their_words() -> None:
    assert errors_of(inner={"size": 1, "even": 3, "word": "A", "sise": 1}) == [
        (("middle", "inner", "even"), "3 is odd"),
        (("middle", "inner", "word"), "Assertion failed, has to be in lower case"),
        (("middle", "inner", "sise"), UNKNOWN),
    ]


def test_an_error_raised_by_a_validator_arrives_at_its_path() -> None:
    assert errors_of(inner={"size": 13}) == [(("middle", "inner", "size"), "not {this} one")]
    assert errors_of(inner={"size": 14}) == [(("middle", "inner", "sise"), UNKNOWN)]


def test_json_gives_the_same_errors() -> None:
    with pytest.raises(ValidationError, match="there is no 'sise' here"):
        Outer.model_validate_json('{"middle": {"inner": {"sise": 1}}}')
    assert Outer.model_validate_json('{"middle": {"inner": {"size": 1}}}').middle.inner == Inner(size=1)


@pytest.mark.parametrize(
    "wrong", [{"n": True}, {"n": "10"}, {"n": 10.0}, {"n": 10, "labels": "abcdefghij"}, {"n": 10, "labels": [1] * 10}]
)
def test_nothing_is_coerced(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Categorical(**wrong)


def test_a_whole_number_is_a_number_and_a_list_a_tuple() -> None:
    assert Uniform(low=0, high=2).high == 2.0
    assert Categorical(n=2, labels=["a", "b"]).labels == ("a", "b")  # type: ignore[arg-type]
    for wrong in ("1", True, math.nan, math.inf):
        with pytest.raises(ValidationError):
            Uniform(high=wrong)  # type: ignore[arg-type]


def test_a_part_is_frozen() -> None:
    code = Uniform()
    with pytest.raises(ValidationError):
        code.low = 0.0  # type: ignore[misc]
    assert hash(code) == hash(Uniform())


@pytest.mark.filterwarnings("ignore:Field name")
def test_an_option_must_not_hide_a_property() -> None:
    class Role(Component):
        role: ClassVar[str] = "role"

        @property
        @abstractmethod
        def features(self) -> int: ...

    with pytest.raises(TypeError, match=r"Part.features is an option that hides the property Role.features"):

        class Part(Role):
            kind: Literal["part"] = "part"
            features: int = 3  # type: ignore[assignment]
