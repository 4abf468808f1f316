"""What a generator is fed: noise, and named codes that a Q head has to recover.

A code type is one class. Its prior, what the generator sees, how many numbers Q emits for it, its
likelihood, entropy, best guess, dial positions and the way a person writes its value live in that
class and nowhere else.
"""

from __future__ import annotations

import keyword
import math
import unicodedata
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from .component import Component
from .messages import known_names, short

RESERVED_NAMES = frozenset({"self", "n", "seed", "noise", "images", "steps", "domain", "fit_steps", "codes"})
"""Keywords of `InfoGAN.sample`, `edit` and `traverse`, which no code may have for its name."""

NAME_LIMIT = 64
"""Characters in the name of a code, or of a summand of the objective."""


class Prior(Component):
    """A law that a part of the latent vector is drawn from."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers that the generator is fed for one draw, at least 1."""

    @abstractmethod
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        """``n`` independent draws, shape ``(n, width)``, float32.

        All randomness comes from ``generator``, which must live on ``device``.
        """

    def between(self, start: Tensor, end: Tensor, fraction: Tensor) -> Tensor:
        """Values on the way from ``start`` to ``end``, ``(n, width)`` each, by default along a straight line.

        ``fraction`` is ``(n, 1)``, from 0 at the start to 1 at the end.
        """
        return start.lerp(end, fraction)


class Noise(Prior):
    """The incompressible part ``z`` of the latent vector; Q never recovers it."""

    role: ClassVar[str] = "noise"


class Code(Prior):
    """A named latent variable ``c`` that Q has to recover from the picture (paper, section 4).

    The value of a code *is* the vector that the generator sees: one-hot, a number, (cos, sin), a
    thermometer. ``encode`` and ``decode`` stand only at the edge where a person writes it.
    """

    role: ClassVar[str] = "code"

    discrete: ClassVar[bool] = False
    """True where ``log_prob`` is the logarithm of a probability, False where it is one of a density."""

    @property
    @abstractmethod
    def n_params(self) -> int:
        """Columns that Q emits for this code, at least 1."""

    @property
    @abstractmethod
    def entropy(self) -> float:
        """H(c) of the prior in nats, exact: it makes L_I a true bound. Negative for some densities."""

    @abstractmethod
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        """log Q(c | x) in nats: ``(batch, n_params), (batch, width) -> (batch,)``.

        Normalised over every vector there is, whatever the prior's range: probabilities of the dial's positions add up
        to 1, and a density integrates to 1 over the whole line (or circle, ...). Finite for any params, those of 100
        and -100 too, and any value: a spread needs a floor, such as ``softplus(params[:, 1]) + 0.01``, and a law that
        ends has to leave something beyond its end.
        """

    def mode(self, params: Tensor) -> Tensor:
        """The most likely value: ``(batch, n_params) -> (batch, width)``.

        By default, for a discrete code whose dial holds every value, the likeliest dial position. A density has to
        define its own.
        """
        if not self.discrete:
            raise TypeError(f"{type(self).__name__} is a density, which has to define its own mode")
        dial = self.grid(2).to(params)
        scores = [self.log_prob(params, position.expand(len(params), -1)) for position in dial]
        return dial[torch.stack(scores, dim=1).argmax(dim=1)]

    @abstractmethod
    def grid(self, steps: int) -> Tensor:
        """Dial positions in order, ``(k, width)``: ``k = steps``, or every value where those are few."""

    def span(self, low: float, high: float, steps: int) -> Tensor:
        """Dial positions evenly from ``low`` to ``high``, ``(steps, width)``, beyond the prior's range too.

        The paper trains its codes on [-1, 1] and walks them from -2 to 2 (figure 2). By default for a
        density of one number; ValueError for any other code.
        """
        if self.discrete or self.width > 1:
            raise ValueError(f"a code of kind {self.kind!r} has no range; only a continuous one of a single number has")
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"a range goes from low to high, such as -2 to 2, and not from {low:g} to {high:g}")
        return torch.linspace(low, high, steps).unsqueeze(1)

    def between(self, start: Tensor, end: Tensor, fraction: Tensor) -> Tensor:
        """As `Prior.between`. By default a discrete code, which has no values in between, changes half way."""
        return torch.where(fraction < 0.5, start, end) if self.discrete else super().between(start, end, fraction)

    def nearest(self, value: Tensor) -> Tensor:
        """The value that the code can have nearest to any vector, such as a mean: ``(n, width)`` to the same.

        By default, for a discrete code whose dial holds every value, the nearest dial position; for a
        density the vector itself.
        """
        return self.grid(2).to(value)[self.position(value)] if self.discrete else value

    def position(self, value: Tensor) -> Tensor:
        """Index of the dial position of a discrete code that is nearest to each vector, ``(n, width) -> (n,)``."""
        return torch.cdist(value, self.grid(2).to(value)).argmin(dim=1)

    def law(self, params: Tensor) -> dict[str, Tensor]:
        """The posterior's parameters by their usual names; each has ``batch`` for its first axis.

        It is what `infer` and `infogan encode` tell of Q's answer. The built-in codes have ``probabilities``, ``(batch,
        n)``; ``probability``; ``mean`` and ``std``; ``degrees`` and ``concentration``, ``(batch,)`` each. By default
        ``params``, as Q emits them.
        """
        return {"params": params}

    def encode(self, values: Sequence[Any]) -> Tensor:
        """What a person writes, one entry per picture, to vectors ``(n, width)``.

        By default a number for a code of width 1; for a wider one the index of a dial position where
        the code is discrete, and else a sequence of ``width`` numbers. Raises ValueError for anything
        else, saying what would be right.
        """
        if self._written_as_index:
            dial = self.grid(2)
            for value in values:
                if isinstance(value, bool) or value not in range(len(dial)):
                    raise ValueError(f"each value has to be an index from 0 to {len(dial) - 1}, not {_shown(value)}")
            return dial[[int(value) for value in values]]
        vectors = self._vectors(values)
        if vectors is None:
            wrong = next((value for value in values if self._vectors([value]) is None), values)
            wanted = "a finite number" if self.width == 1 else f"{self.width} finite numbers"
            raise ValueError(f"each value has to be {wanted}, not {_shown(wrong)}")
        return vectors

    def _vectors(self, values: Sequence[Any]) -> Tensor | None:
        """``(n, width)``; None where they are not that many finite numbers."""
        try:
            vectors = torch.tensor(np.asarray(values, dtype=np.float32)).reshape(len(values), self.width)
        except (TypeError, ValueError, RuntimeError):  # the last from torch, of too many or too few numbers
            return None
        return vectors if vectors.isfinite().all() else None

    def decode(self, value: Tensor) -> list[Any]:
        """Vectors ``(n, width)`` to what a person writes, one entry per picture; the inverse of `encode`."""
        if self._written_as_index:
            indices: list[Any] = self.position(value).tolist()
            return indices
        numbers: list[Any] = value.tolist()
        return [row[0] for row in numbers] if self.width == 1 else numbers

    @property
    def _written_as_index(self) -> bool:
        return self.discrete and self.width > 1

    def confidence(self, params: Tensor) -> Tensor:
        """How sure Q is of its best guess, ``(batch,)`` in [0, 1].

        For a discrete code the probability of the guess. For a density 1 - p / q, where q is its peak
        and p the prior's typical density exp(-H): 0 where Q knows no more than the prior.
        """
        peak = self.log_prob(params, self.mode(params))
        return peak.exp() if self.discrete else (1 - torch.exp(-(peak + self.entropy))).clamp_min(0)


def _shown(values: Any, limit: int = 60) -> str:
    text = repr(values)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def check_code_name(name: str) -> str:
    """The name; ValueError unless it can be a keyword of `InfoGAN.sample`."""
    shown = short(repr(name))
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{shown} is no code name: it has to be a Python identifier and no keyword, such as 'digit'")
    if len(name) > NAME_LIMIT:
        raise ValueError(f"{shown} is no code name: it has {len(name)} characters, and may have {NAME_LIMIT}")
    read = unicodedata.normalize("NFKC", name)
    if read != name:
        raise ValueError(f"{shown} is no code name: Python reads it as {read!r}; write that")
    if name in RESERVED_NAMES or name.startswith("_"):
        raise ValueError(f"{shown} is no code name: 'sample', 'edit' and 'traverse' need it for themselves")
    return name


@dataclass(frozen=True)
class Latents:
    """Noise and codes side by side: ``(batch, latent_width)``, noise first, codes in their order.

    The only owner of offsets: of codes in the latent, and of their parameters in what Q emits.

    >>> from infogan import Registry
    >>> find = Registry(entry_points=False).find
    >>> latents = Latents(find("noise", "normal")(size=62), {"digit": find("code", "categorical")(n=10)})
    >>> latents.width, latents.n_params
    (72, 10)
    """

    noise: Noise
    """The incompressible part."""
    codes: Mapping[str, Code]
    """The codes by name, in the order in which the generator is fed them."""

    def __post_init__(self) -> None:
        for name in self.codes:
            check_code_name(name)

    @cached_property
    def width(self) -> int:
        """Numbers in one latent vector."""
        return self.noise.width + sum(code.width for code in self.codes.values())

    @cached_property
    def n_params(self) -> int:
        """Columns that the Q head emits for all codes together."""
        return sum(code.n_params for code in self.codes.values())

    @cached_property
    def entropy(self) -> dict[str, float]:
        """H(c) of each code in nats."""
        return {name: code.entropy for name, code in self.codes.items()}

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        """``n`` latents drawn from the priors, ``(n, latent_width)``."""
        parts = [self.noise, *self.codes.values()]
        return torch.cat([part.sample(n, generator=generator, device=device) for part in parts], dim=1)

    def split(self, latent: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """A latent ``(batch, latent_width)`` into noise ``(batch, width)`` and one ``(batch, width)`` per code."""
        noise, *codes = latent.split([self.noise.width, *(code.width for code in self.codes.values())], dim=1)
        return noise, dict(zip(self.codes, codes, strict=True))

    def join(self, noise: Tensor, codes: Mapping[str, Tensor]) -> Tensor:
        """The inverse of `split`."""
        return torch.cat([noise, *(codes[name] for name in self.codes)], dim=1)

    def nearest(self, latent: Tensor) -> Tensor:
        """Latents of any numbers, such as a mean or a sum, with each code on a value that it can have.

        ``(batch, latent_width)`` to the same; the noise stays what it is.

        >>> from infogan import Registry
        >>> find = Registry(entry_points=False).find
        >>> latents = Latents(find("noise", "normal")(size=1), {"digit": find("code", "categorical")(n=2)})
        >>> latents.nearest(torch.tensor([[0.5, 0.75, 0.25]])).tolist()
        [[0.5, 1.0, 0.0]]
        """
        noise, codes = self.split(latent)
        return self.join(noise, {name: self.codes[name].nearest(value) for name, value in codes.items()})

    def split_params(self, params: Tensor) -> dict[str, Tensor]:
        """What Q emits, ``(batch, n_params)``, into ``(batch, code.n_params)`` per code."""
        columns = params.split([code.n_params for code in self.codes.values()], dim=1)
        return dict(zip(self.codes, columns, strict=True))

    def information(self, params: Tensor, latent: Tensor) -> dict[str, Tensor]:
        """L_I = H(c) + E[log Q(c | x)] of each code in nats, scalars (paper, equation 5).

        A lower bound on I(c; x): at most H(c) for a discrete code, and at most 0 for a Q that ignores
        the picture.
        """
        values = self.split(latent)[1]
        emitted = self.split_params(params)
        return {
            name: code.entropy + code.log_prob(emitted[name], values[name]).mean() for name, code in self.codes.items()
        }

    def code(self, name: str) -> Code:
        """The code of that name; ValueError names those there are."""
        if name not in self.codes:
            raise ValueError(f"no code is named {short(repr(name))}{known_names(name, self.codes)}")
        return self.codes[name]

    def encode(self, name: str, value: Any, n: int) -> Tensor:
        """One value for all ``n`` pictures, or a sequence with one value per picture, to ``(n, width)``."""
        code = self.code(name)
        try:
            if _depth(value) == _depth(code.decode(code.grid(2))[0]):
                return code.encode([value]).expand(n, -1)
            values = value.tolist() if isinstance(value, np.ndarray | Tensor) else list(value)
            if len(values) != n:
                raise ValueError(f"{len(values)} values for {n} pictures; one value, or one for each picture")
            return code.encode(values)
        except (TypeError, ValueError) as error:
            raise ValueError(f"code {name!r}: {error}") from None


def _depth(value: Any) -> int:
    """0 for a value as such, 1 for a sequence of values, ..."""
    if isinstance(value, np.ndarray | Tensor):
        return value.ndim
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return 1 + (_depth(value[0]) if len(value) else 0)
    return 0
