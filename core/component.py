"""What every part is: a frozen, strict pydantic model with a ``kind``."""

from __future__ import annotations

import difflib
from abc import ABC
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError


def nearest(name: object, known: Iterable[str]) -> str:
    """The end of an error message: the names that exist, and the one that was probably meant.

    >>> nearest("categorial", ["categorical", "uniform"])
    "; known: categorical, uniform. Did you mean 'categorical'?"
    """
    names = sorted(known)
    if not names:
        return "; there are none"
    close = difflib.get_close_matches(str(name), names, n=1)
    return f"; known: {', '.join(names)}." + (f" Did you mean {close[0]!r}?" if close else "")


class Strict(BaseModel):
    """A frozen model that refuses unknown fields, coerced types and numbers that are not finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="wrap")
    @classmethod
    def _name_unknown_fields(cls, value: Any, handler: Any) -> Self:
        """An unknown field is answered with the fields there are, which pydantic leaves out."""
        try:
            validated: Self = handler(value)
        except ValidationError as error:
            details = [_detail(cls, line) for line in error.errors()]
            raise ValidationError.from_exception_data(cls.__name__, details) from None
        return validated


def _detail(cls: type[BaseModel], line: Any) -> InitErrorDetails:
    kind, context = line["type"], line.get("ctx", {})
    if kind == "extra_forbidden" and len(line["loc"]) == 1:
        name = line["loc"][0]
        known = (field for field in cls.model_fields if field != "kind")
        message = f"no such option: '{name}'{nearest(name, known)}"
        error: Any = PydanticCustomError("unknown_option", "{message}", {"message": message})
    elif kind == "value_error":
        error = PydanticCustomError("value_error", "{message}", {"message": str(context["error"])})
    elif "message" in context:  # a PydanticCustomError of ours, raised further in
        error = PydanticCustomError(kind, "{message}", {"message": context["message"]})
    else:
        error = kind
    detail = InitErrorDetails(type=error, loc=line["loc"], input=line["input"])
    if isinstance(error, str):
        detail["ctx"] = context
    return detail


def error_at(path: tuple[str, ...], message: str) -> ValidationError:
    """A validation error at a path below the model whose validator raises it."""
    error = PydanticCustomError("misfit", "{message}", {"message": message})
    return ValidationError.from_exception_data("spec", [InitErrorDetails(type=error, loc=path, input=None)])


class Component(Strict, ABC):
    """A part that a spec can name.

    A role (``Code``, ``Generator``, ...) is an abstract subclass with a ``role``; a part is a final
    subclass of it with a literal ``kind``. Its fields are its options, and their docstrings are
    their documentation::

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
