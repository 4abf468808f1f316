"""What every part is: a frozen, strict pydantic model with a ``kind``."""

from __future__ import annotations

import warnings
from abc import ABC
from collections.abc import Iterator
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

from .messages import closest_name, known_names, short
from .schema import EditorSchema

_PYDANTICS_OWN = frozenset(get_args(ErrorType))
"""The types of error that pydantic words itself; any other was worded by the validator that raised it."""


MISTAKES_LIMIT = 100
"""Mistakes that are looked at in one part of a spec."""


class Strict(BaseModel):
    """A frozen model that refuses unknown fields, coerced types and numbers that are not finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @classmethod
    def model_json_schema(cls, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Pydantic's, made for editors: see `core.schema`."""
        return super().model_json_schema(*arguments, **{"schema_generator": EditorSchema, **options})

    @model_validator(mode="wrap")
    @classmethod
    def _name_known_fields(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Answer an unknown field with the fields there are, which pydantic leaves out."""
        try:
            found = handler(value)
        except ValidationError as error:
            lines = list(_lines_with_known_fields(cls, error.errors(include_url=False)[:MISTAKES_LIMIT]))
            raise ValidationError.from_exception_data(cls.__name__, lines) from None
        found._warn_of_deprecated()
        return found

    def _warn_of_deprecated(self) -> None:
        """Say what is about to go: an option with ``Field(deprecated="...")``, a class marked as deprecated."""
        name = getattr(self, "kind", type(self).__name__)
        messages = {f"{name}.{option}": message for option, message in self._deprecated_options()}
        messages[name] = vars(type(self)).get("__deprecated__")
        for what, message in messages.items():
            if message:
                warnings.warn(f"{what} is deprecated: {message}", FutureWarning, stacklevel=2)

    def _deprecated_options(self) -> Iterator[tuple[str, str | None]]:
        """Those that a spec has set; a spec that was written in full has the others at their defaults."""
        for option in self.model_fields_set:
            field = type(self).model_fields[option]
            if field.deprecated:
                default = field.get_default(call_default_factory=True, validated_data=vars(self))
                if vars(self)[option] != default:
                    yield option, field.deprecation_message


def _lines_with_known_fields(cls: type[BaseModel], lines: list[ErrorDetails]) -> Iterator[InitErrorDetails]:
    known = [field for field in cls.model_fields if field != "kind"]
    unknown = {line["loc"] for line in lines if line["type"] == "extra_forbidden" and len(line["loc"]) == 1}
    misspelt = {(closest_name(path[0], known),) for path in unknown}
    for line in lines:
        if line["loc"] in unknown:
            rest = known_names(line["loc"][0], known) if known else "; this kind has no options"
            message = f"there is no {short(repr(line['loc'][0]))} here{rest}"
            error = PydanticCustomError("unknown_field", "{message}", {"message": message})
            yield InitErrorDetails(type=error, loc=line["loc"], input=line["input"])
        elif line["type"] != "missing" or line["loc"] not in misspelt:  # one mistake is one line
            yield _again(line)


def _again(line: ErrorDetails, *, below: tuple[str | int, ...] = ()) -> InitErrorDetails:
    """A line of a caught error, to be raised in another one."""
    kind: Any = line["type"]
    if kind not in _PYDANTICS_OWN:
        kind = PydanticCustomError(kind, "{message}", {"message": line["msg"]})
    return InitErrorDetails(type=kind, loc=(*below, *line["loc"]), input=line["input"], ctx=line.get("ctx", {}))


def error_at(path: tuple[str | int, ...], cause: str | ValueError) -> ValidationError:
    """A validation error at a path below the model whose validator raises it.

    ``cause`` is the message. Where it is a ValidationError, each of its lines is moved below the path.
    """
    if isinstance(cause, ValidationError):
        lines = [_again(line, below=path) for line in cause.errors()]
    else:
        error = PydanticCustomError("misfit", "{message}", {"message": str(cause)})
        lines = [InitErrorDetails(type=error, loc=path, input=None)]
    return ValidationError.from_exception_data("spec", lines)


class Component(Strict, ABC):
    """A part that a spec can name.

    A role (``Code``, ``Generator``, ...) is an abstract subclass with a ``role``; a part is a final
    subclass of it with a literal ``kind``. Its fields are its options, and their docstrings are
    their documentation, in editors too; an option without a default shows there how it is written
    by ``Field(examples=[...])``::

        class Uniform(Code):
            kind: Literal["uniform"] = "uniform"
            low: float = -1.0
            \"\"\"Smallest value.\"\"\"
    """

    role: ClassVar[str]
    """Which interface the part fills: ``code``, ``noise``, ``generator``, ``body``, ``head``, ``loss`` or ``data``."""

    kind: str
    """The part's name in a spec; unique within its role."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse an option that has the name of an inherited property: reading it would give None.

        A property is a data descriptor and wins over the instance's field, silently.
        """
        super().__pydantic_init_subclass__(**kwargs)
        for name in cls.model_fields:
            for base in cls.__mro__[1:]:
                if isinstance(vars(base).get(name), property):
                    raise TypeError(
                        f"{cls.__name__}.{name} is an option that hides the property {base.__name__}.{name}; "
                        f"give the option another name and define the property from it"
                    )
