"""The code types: categorical, uniform, normal, bernoulli, angle.

Laws are written as the few functions that are needed, so that they take a `torch.Generator`, trace
under `torch.compile` and touch no global state.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, field_validator
from torch import Tensor

from ..core.latent import Code
from ..core.messages import known_names
from ..registry import hookimpl

LEAST_STD = 0.01
"""Smallest standard deviation that Q may claim, as a share of the code's scale: bounds the log density."""


class Categorical(Code):
    """One of ``n`` equally likely values, one-hot (paper, section 7.1: the digit).

    Q emits logits; `log Q(c | x) = log softmax(params) . c`. A person writes an index or a label.

    >>> Categorical(n=3, labels=["cup", "bowl", "jug"]).encode(["jug", 0]).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """

    kind: Literal["categorical"] = "categorical"
    n: int = Field(ge=2, le=10_000, examples=[3, 10])
    """Number of values."""
    labels: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(
        default=None, examples=[["cup", "bowl", "jug"]], json_schema_extra={"minItems": 2, "uniqueItems": True}
    )
    """A name for each value, if they have names."""

    discrete: ClassVar[bool] = True

    @field_validator("labels")
    @classmethod
    def _one_label_each(cls, labels: tuple[str, ...] | None, info: Any) -> tuple[str, ...] | None:
        n = info.data.get("n")
        if labels is not None and n is not None and (len(labels) != n or len(set(labels)) != n):
            raise ValueError(f"has to name each of the {n} values once, not {list(labels)}")
        return labels

    @property
    def width(self) -> int:
        return self.n

    @property
    def n_params(self) -> int:
        return self.n

    @property
    def entropy(self) -> float:
        return math.log(self.n)

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        index = torch.randint(self.n, (n, 1), generator=generator, device=device)
        return torch.zeros(n, self.n, device=device).scatter_(1, index, 1.0)  # one_hot would wait for the largest index

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params.log_softmax(dim=1) * value).sum(dim=1)

    def mode(self, params: Tensor) -> Tensor:
        return F.one_hot(params.argmax(dim=1), self.n).to(params)

    def grid(self, steps: int) -> Tensor:
        """Every value once, whatever ``steps``."""
        return torch.eye(self.n)

    def nearest(self, value: Tensor) -> Tensor:
        return self.mode(value)  # the largest number wins here too

    def law(self, params: Tensor) -> dict[str, Tensor]:
        return {"probabilities": params.softmax(dim=1)}

    def encode(self, values: Sequence[Any]) -> Tensor:
        """Indices from 0 to n - 1, or labels."""
        return F.one_hot(torch.tensor([self._index(value) for value in values], dtype=torch.int64), self.n).float()

    def decode(self, value: Tensor) -> list[Any]:
        indices = value.argmax(dim=1).tolist()
        return [self.labels[i] for i in indices] if self.labels else indices

    def _index(self, value: Any) -> int:
        if isinstance(value, str) and self.labels is not None:
            if value not in self.labels:
                raise ValueError(f"no label {value!r}{known_names(value, self.labels)}")
            return self.labels.index(value)
        whole = _number(value, "an index" if self.labels is None else "an index or a label")
        if whole != int(whole) or not 0 <= whole < self.n:
            raise ValueError(f"an index runs from 0 to {self.n - 1}, not {value!r}")
        return int(whole)


class _OneNumber(Code):
    """What `Uniform` and `Normal` share: one number, which Q reads as a Gaussian.

    Q emits a mean and, where the standard deviation is learned, its logarithm (paper, appendix C:
    std = exp(output)); above 1 the exponential goes over into a straight line so that it cannot
    overflow, and `LEAST_STD` is added so that the density cannot. Both are in units of the code's
    scale, so that Q's task is the same for any range.
    """

    q_std: Literal["learned"] | Annotated[float, Field(gt=0.0)] = "learned"
    """Q's standard deviation: learned from the picture, or fixed (in the code's units)."""

    @property
    def centre(self) -> float:
        """What an output of 0 stands for."""
        return 0.0

    @property
    def scale(self) -> float:
        """What an output of 1 adds to it."""
        return 1.0

    @property
    def width(self) -> int:
        return 1

    @property
    def n_params(self) -> int:
        return 2 if self.q_std == "learned" else 1

    def _mean_std(self, params: Tensor) -> tuple[Tensor, Tensor]:
        mean = self.centre + self.scale * params[:, 0]
        if self.q_std == "learned":
            return mean, self.scale * (F.elu(params[:, 1]) + 1 + LEAST_STD)
        return mean, torch.full_like(mean, self.q_std)

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        mean, std = self._mean_std(params)
        return -0.5 * ((value[:, 0] - mean) / std) ** 2 - std.log() - 0.5 * math.log(2 * math.pi)

    def mode(self, params: Tensor) -> Tensor:
        return self._mean_std(params)[0].unsqueeze(1)

    def law(self, params: Tensor) -> dict[str, Tensor]:
        mean, std = self._mean_std(params)
        return {"mean": mean, "std": std}


class Uniform(_OneNumber):
    """A number, equally likely anywhere in [low, high] (paper, section 7.1: slant, width).

    Values beyond the range may be asked for: the paper walks to twice its codes' range.

    >>> Uniform(low=-1.0, high=1.0).entropy == math.log(2)
    True
    """

    kind: Literal["uniform"] = "uniform"
    low: float = -1.0
    """Smallest value."""
    high: float = Field(default=1.0, validate_default=True)
    """Largest value."""

    @field_validator("high")
    @classmethod
    def _above_low(cls, high: float, info: Any) -> float:
        if "low" in info.data and high <= info.data["low"]:
            raise ValueError(f"has to be above low, {info.data['low']}, not {high}")
        return high

    @property
    def centre(self) -> float:
        return (self.low + self.high) / 2

    @property
    def scale(self) -> float:
        return (self.high - self.low) / 2

    @property
    def entropy(self) -> float:
        return math.log(self.high - self.low)

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return self.low + (self.high - self.low) * torch.rand(n, 1, generator=generator, device=device)

    def grid(self, steps: int) -> Tensor:
        """Evenly from low to high."""
        return torch.linspace(self.low, self.high, steps).unsqueeze(1)


class Normal(_OneNumber):
    """A number from the standard normal law."""

    kind: Literal["normal"] = "normal"

    @property
    def entropy(self) -> float:
        return 0.5 * math.log(2 * math.pi * math.e)

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randn(n, 1, generator=generator, device=device)

    def grid(self, steps: int) -> Tensor:
        """Evenly from -2 to 2, which holds 95 % of the law."""
        return torch.linspace(-2, 2, steps).unsqueeze(1)


class Bernoulli(Code):
    """On (1) or off (0), with a probability of its own; Q emits one logit."""

    kind: Literal["bernoulli"] = "bernoulli"
    p: float = Field(default=0.5, gt=0.0, lt=1.0)
    """Probability of on."""

    discrete: ClassVar[bool] = True

    @property
    def width(self) -> int:
        return 1

    @property
    def n_params(self) -> int:
        return 1

    @property
    def entropy(self) -> float:
        return -self.p * math.log(self.p) - (1 - self.p) * math.log1p(-self.p)

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return (torch.rand(n, 1, generator=generator, device=device) < self.p).float()

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return -F.binary_cross_entropy_with_logits(params, value, reduction="none")[:, 0]

    def mode(self, params: Tensor) -> Tensor:
        return (params > 0).to(params)

    def grid(self, steps: int) -> Tensor:
        """Off and on, whatever ``steps``."""
        return torch.tensor([[0.0], [1.0]])

    def law(self, params: Tensor) -> dict[str, Tensor]:
        return {"probability": params[:, 0].sigmoid()}

    def encode(self, values: Sequence[Any]) -> Tensor:
        """0, 1, False or True."""
        wanted = "0, 1, false or true"
        numbers = [float(value) if isinstance(value, bool) else _number(value, wanted) for value in values]
        for number in numbers:
            if number not in (0.0, 1.0):
                raise ValueError(f"each value has to be {wanted}, not {number:g}")
        return torch.tensor(numbers).unsqueeze(1)

    def decode(self, value: Tensor) -> list[Any]:
        return [int(v) for v in value[:, 0].round().tolist()]


class Angle(Code):
    """A direction on the circle, equally likely all around; the generator sees (cos, sin).

    Q emits the von Mises law's natural parameter, a vector k (cos m, sin m):
    `log Q(c | x) = params . c - log I0(|params|) - log 2 pi`, a density per radian. It has no seam at
    360 degrees. A person writes degrees, as a number or as "45deg", "0.8rad" or "0.125turn".

    >>> [[round(x, 3) for x in row] for row in Angle().encode(["45deg", -90]).tolist()]
    [[0.707, 0.707], [0.0, -1.0]]
    """

    kind: Literal["angle"] = "angle"

    @property
    def width(self) -> int:
        return 2

    @property
    def n_params(self) -> int:
        return 2

    @property
    def entropy(self) -> float:
        return math.log(2 * math.pi)

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return _on_circle(2 * math.pi * torch.rand(n, generator=generator, device=device))

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        concentration = _length(params)
        log_bessel: Tensor = torch.special.i0e(concentration).log() + concentration
        return (params * value).sum(dim=1) - log_bessel - math.log(2 * math.pi)

    def mode(self, params: Tensor) -> Tensor:
        return _on_circle(_direction(params))

    def grid(self, steps: int) -> Tensor:
        """Evenly around the circle from 0 degrees, which is not repeated."""
        return _on_circle(torch.arange(steps) * (2 * math.pi / steps))

    def between(self, start: Tensor, end: Tensor, fraction: Tensor) -> Tensor:
        """Along the shorter arc, at an even rate."""
        turn = (_direction(end) - _direction(start) + math.pi) % (2 * math.pi) - math.pi
        return _on_circle(_direction(start) + fraction[:, 0] * turn)

    def nearest(self, value: Tensor) -> Tensor:
        """The point of the circle in that direction; of its centre that at 0 degrees."""
        return _on_circle(_direction(value))

    def law(self, params: Tensor) -> dict[str, Tensor]:
        degrees = torch.rad2deg(_direction(params)) % 360
        return {"degrees": degrees, "concentration": _length(params)}

    def encode(self, values: Sequence[Any]) -> Tensor:
        """Degrees, or text with a unit: deg, rad or turn."""
        return _on_circle(torch.tensor([_radians(value) for value in values], dtype=torch.float64)).float()

    def decode(self, value: Tensor) -> list[Any]:
        """Degrees in [0, 360)."""
        degrees: list[Any] = (torch.rad2deg(_direction(value)) % 360).tolist()
        return degrees


def _length(vectors: Tensor) -> Tensor:
    """Euclidean length with a gradient at 0."""
    return (vectors.square().sum(dim=1) + 1e-12).sqrt()


def _direction(vectors: Tensor) -> Tensor:
    """Radians of ``(n, 2)`` vectors, ``(n,)``; the inverse of `_on_circle`."""
    return torch.atan2(vectors[:, 1], vectors[:, 0])


def _on_circle(radians: Tensor) -> Tensor:
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def _radians(value: Any) -> float:
    units = {"deg": math.pi / 180, "rad": 1.0, "turn": 2 * math.pi}
    text = re.fullmatch(r"\s*(\S*?)\s*(deg|rad|turn)\s*", value) if isinstance(value, str) else None
    wanted = "degrees, or text such as '45deg', '0.8rad' or '0.125turn'"
    return _number(text[1], wanted) * units[text[2]] if text else _number(value, wanted) * units["deg"]


def _number(value: Any, wanted: str) -> float:
    """A finite number, or a ValueError that says what was wanted."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(f"each value has to be {wanted}, not {value!r}")
    return number


@hookimpl
def infogan_components() -> list[type]:
    return [Categorical, Uniform, Normal, Bernoulli, Angle]
