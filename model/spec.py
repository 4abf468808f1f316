"""The text that a model is made from."""

from __future__ import annotations

import keyword
import warnings
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import core_schema, to_json

from .. import registry as registry_module
from ..core.component import Component, Strict, error_at
from ..core.latent import NAME_LIMIT, RESERVED_NAMES, Code, Latents, Noise, check_code_name
from ..core.loss import PHASES, LossTerm, Part, Phase
from ..core.messages import known_names, short
from ..core.network import Body, Generator, Head, ImageShape
from ..core.schema import KINDS, Alternative


class Registered:
    """Annotation of a field that takes any registered part of a role: ``Annotated[Code, Registered()]``.

    The kind is looked up when a value is validated, in the registry that the validation context names
    (``context={"registry": ...}``) or else in the default one, so a plugin installed later is accepted
    at once. The JSON Schema is built from what is registered when it is asked for.
    """

    def __get_pydantic_core_schema__(self, source: type[Component], handler: GetCoreSchemaHandler) -> Any:
        def validate(value: Any, info: ValidationInfo) -> Component:
            return _component(source, value, _registry(info.context))

        def serialise(value: Component, info: core_schema.SerializationInfo) -> dict[str, Any]:
            name = _registry(info.context).name(type(value))
            return {**value.model_dump(mode=info.mode), "kind": name}

        return core_schema.with_info_plain_validator_function(
            validate,
            metadata={KINDS: partial(_kinds, source.role)},
            serialization=core_schema.plain_serializer_function_ser_schema(serialise, info_arg=True),
        )


def _kinds(role: str) -> list[Alternative]:
    """The parts of a role that are registered now."""
    known = registry_module.default()
    origin = {component: plugin.distribution for plugin in known.plugins for component in plugin.components}
    return [
        Alternative(component, name, f"{origin[component]}:{registry_module.kind_of(component)}")
        for name, component in known.components(role).items()
    ]


def _registry(context: Any) -> registry_module.Registry:
    registry = context.get("registry") if isinstance(context, Mapping) else None
    return registry if registry is not None else registry_module.default()


def _component(role: type[Component], value: Any, registry: registry_module.Registry) -> Component:
    if isinstance(value, role):
        return value
    known = list(registry.components(role.role))
    if not isinstance(value, Mapping):
        example = value if value in known else next(iter(known), "...")
        raise error_at((), f"has to be a mapping with a kind, such as {{kind: {example}}}{known_names('', known)}")
    if "kind" not in value:
        raise error_at(("kind",), f"is missing{known_names('', known)}")
    if not isinstance(value["kind"], str):
        raise error_at(("kind",), f"has to be text{known_names('', known)}")
    try:
        component = registry.find(role.role, value["kind"])
    except registry_module.UnknownKind as error:
        raise error_at(("kind",), str(error)) from None
    # As JSON, in which a list is a right way to write a tuple even for strict models.
    options = {**value, "kind": registry_module.kind_of(component)}
    return component.model_validate_json(to_json(options, inf_nan_mode="constants"), context={"registry": registry})


CodeName = Annotated[str, AfterValidator(check_code_name)]
"""A name that can be a keyword of `InfoGAN.sample`."""


def _check_name(name: str) -> str:
    """A name that logs and error messages can show as it is."""
    if not (name and name.isprintable() and len(name) <= NAME_LIMIT):
        raise ValueError(f"{short(repr(name))} is no name: it has to be 1 to {NAME_LIMIT} printable characters")
    return name


CODE_NAMES: dict[str, Any] = {
    "maxLength": NAME_LIMIT,
    "pattern": r"^[^\x00-@\[-`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*$",  # of ASCII no more than [A-Za-z][0-9A-Za-z_]*
    "not": {"enum": sorted({*keyword.kwlist, *RESERVED_NAMES})},
}
"""What a JSON Schema can say of code names: beyond ASCII it has no word for what a Python identifier may hold."""


TermName = Annotated[str, AfterValidator(_check_name)]
"""A name for a summand of the objective."""


TERM_NAMES: dict[str, Any] = {"minLength": 1, "maxLength": NAME_LIMIT, "pattern": r"^[^\x00-\x1f\x7f-\xa0\xad]*$"}
"""What a JSON Schema can say of terms' names: beyond Latin-1 it has no word for what can be printed."""


AUTOMATIC = "auto"
"""What a run spec may say in place of the model's `ImageShape`: that of the data's pictures."""


class OrAutomatic:
    """Annotation of the image's shape, for the JSON Schema of a run spec."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"if": {"type": "string"}, "then": {"const": AUTOMATIC}, "else": handler(schema)}


class ModelSpec(Strict):
    """A whole InfoGAN: what G is fed, the networks, and what they minimise.

    >>> spec = ModelSpec.model_validate({
    ...     "image": {"channels": 1, "height": 28, "width": 28},
    ...     "noise": {"kind": "uniform", "size": 62},
    ...     "codes": {"digit": {"kind": "categorical", "n": 10}},
    ...     "generator": {"kind": "mnist"},
    ...     "body": {"kind": "mnist"},
    ...     "head": {"kind": "linear"},
    ...     "losses": {"game": {"kind": "non_saturating"}, "information": {"kind": "mutual_information"}},
    ... })
    >>> ModelSpec.model_validate_json(spec.model_dump_json()) == spec
    True
    """

    image: Annotated[ImageShape, OrAutomatic()] = Field(examples=[{"channels": 1, "height": 28, "width": 28}])
    """Shape of one picture. ``auto``, in the spec of a run: that of its data's pictures; what is saved has numbers."""
    noise: Annotated[Noise, Registered()] = Field(examples=[{"kind": "uniform", "size": 62}])
    """The incompressible part of the latent."""
    codes: dict[CodeName, Annotated[Code, Registered()]] = Field(
        min_length=1,
        max_length=256,
        examples=[{"digit": {"kind": "categorical", "n": 10}, "slant": {"kind": "uniform"}}],
        json_schema_extra={"propertyNames": CODE_NAMES},
    )
    """The named codes that Q recovers, in the order in which G is fed them."""
    generator: Annotated[Generator, Registered()] = Field(examples=[{"kind": "mnist"}])
    """G, which makes a picture of a latent."""
    body: Annotated[Body, Registered()] = Field(examples=[{"kind": "mnist"}])
    """D's body, which Q shares unless there is a `q_body`."""
    head: Annotated[Head, Registered()] = Field(examples=[{"kind": "linear"}])
    """Q's head. D's is one fully connected layer."""
    q_body: Annotated[Body, Registered()] | None = Field(default=None, examples=[{"kind": "mnist"}])
    """A body of its own for Q; absent: Q reads D's."""
    batch_norm: Literal["apart", "mixed"] = "apart"
    """How batch norm in D and Q treats real and generated pictures. ``apart``: each by their own statistics, as
    two passes would, in training and after. ``mixed``, which is deprecated: as one batch in D's phase. D then wins by
    what the halves differ in, which is not there in G's phase, and G learns next to nothing from it."""
    losses: dict[TermName, Annotated[LossTerm, Registered()]] = Field(
        min_length=1,
        max_length=64,
        examples=[{"adversarial": {"kind": "non_saturating"}, "information": {"kind": "mutual_information"}}],
        json_schema_extra={"propertyNames": TERM_NAMES},
    )
    """The summands of the objective, under names of your choice."""

    @field_validator("image", mode="before")
    @classmethod
    def _shape_in_numbers(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(
                f"has to be a mapping with channels, height and width, or {AUTOMATIC} in the spec of a run, whose data "
                f"say it, not {short(repr(value))}"
            )
        return value

    @model_validator(mode="after")
    def _parts_fit(self) -> ModelSpec:
        if self.batch_norm == "mixed":
            warnings.warn(
                "ModelSpec.batch_norm: mixed is deprecated: leave it out; it goes with 0.3", FutureWarning, stacklevel=2
            )
        for name, term in self.losses.items():
            try:
                term.check(self.latents)
            except ValueError as error:
                raise error_at(("losses", name), error) from None
        self.phases()
        return self

    def __eq__(self, other: object) -> bool:
        """Equal parts; unlike the mapping of them, codes in another order are another model."""
        return isinstance(other, ModelSpec) and super().__eq__(other) and list(self.codes) == list(other.codes)

    @property
    def latents(self) -> Latents:
        """Noise and codes side by side."""
        return Latents(self.noise, self.codes)

    def phases(self) -> dict[Part, Phase]:
        """The phase in which each part with weights is stepped.

        A validation error where a term pulls a part into a phase that does not step it, or where no
        term makes D and G play against each other.
        """
        where: dict[Part, Phase] = {"generator": "g", "d_body": "d", "d_head": "d"}
        taught: set[Part] = set()
        for name, term in self.losses.items():
            for phase in PHASES:
                for part in term.parts(phase, shared=self.q_body is None):
                    taught.add(part)
                    if where.setdefault(part, phase) != phase:
                        raise error_at(
                            ("losses", name),
                            f"it trains {part} in {phase.upper()}'s phase, but that part is stepped in the other",
                        )
        for part in ("d_head", "generator"):
            if part not in taught:
                raise error_at(
                    ("losses",), f"no term trains the {part}; an adversarial one, such as non_saturating, does"
                )
        untaught: tuple[Part, ...] = ("q_head",) if self.q_body is None else ("q_head", "q_body")
        return {**dict.fromkeys(untaught, "d"), **where}
