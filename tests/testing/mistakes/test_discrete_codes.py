"""Mistakes that authors of discrete codes make, and what the contract answers.

Each is seeded into a part that is right but for it. The answer has to say what is wrong, where, and what to look at.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import pytest
import torch
from torch import Tensor

from infogan import Code
from infogan.plugins.codes import Bernoulli
from infogan.testing import check_code, check_component
from infogan.testing.tiny_model import Sign


class Die(Code):
    """One of four values, right in every respect."""

    kind: Literal["die"] = "die"
    discrete: ClassVar[bool] = True

    @property
    def width(self) -> int:
        return 4

    @property
    def n_params(self) -> int:
        return 4

    @property
    def entropy(self) -> float:
        return math.log(4)

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.eye(4, device=device)[torch.randint(4, (n,), generator=generator, device=device)]

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params.log_softmax(dim=1) * value).sum(dim=1)

    def grid(self, steps: int) -> Tensor:
        return torch.eye(4)


class EntropyInBits(Die):
    @property
    def entropy(self) -> float:
        return 2.0


class EntropyIsZero(Die):
    @property
    def entropy(self) -> float:
        return 0.0


class WrongSign(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return -(params.log_softmax(dim=1) * value).sum(dim=1)


class Unnormalised(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params * value).sum(dim=1)


class SoftmaxTwice(Die):
    """A trap that others fell into: its probabilities add up to 1, and its loss goes down."""

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params.softmax(dim=1).log_softmax(dim=1) * value).sum(dim=1)


class LeastLikely(Die):
    def mode(self, params: Tensor) -> Tensor:
        return torch.eye(4)[params.argmin(dim=1)]


class IgnoresItsGenerator(Die):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.eye(4)[torch.randint(4, (n,), device=device)]


class DrawsTheSameAlways(Die):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.eye(4)[torch.randint(4, (n,), generator=torch.Generator().manual_seed(0))]


class IgnoresAColumn(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        mask = torch.tensor([1.0, 0.0, 1.0, 1.0])
        return ((params * mask).log_softmax(dim=1) * value).sum(dim=1)


class DetachesParams(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params.detach().log_softmax(dim=1) * value).sum(dim=1)


class MixesRows(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params.log_softmax(dim=1).mean(dim=0) * value).sum(dim=1)


class SumsTheBatch(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params, value).sum()


class TooWide(Die):
    @property
    def width(self) -> int:
        return 5


class TooNarrow(Die):
    @property
    def width(self) -> int:
        return 0


class LeavesAValueOut(Die):
    def grid(self, steps: int) -> Tensor:
        return torch.eye(4)[:3]


class SameTwiceOnTheDial(Die):
    def grid(self, steps: int) -> Tensor:
        return torch.eye(4)[[0, 1, 2, 3, 3]]


class DecodesBackwards(Die):
    def decode(self, value: Tensor) -> list[int]:
        return [3 - index for index in super().decode(value)]


class DecodesTensors(Die):
    def decode(self, value: Tensor) -> list[Tensor]:
        return list(value.argmax(dim=1))


class TakesAnything(Die):
    def encode(self, values: object) -> Tensor:
        return torch.eye(4)[[index if isinstance(index, int) else 0 for index in values]]  # type: ignore[attr-defined]


class LetsOtherErrorsOut(Die):
    def encode(self, values: object) -> Tensor:
        return torch.eye(4)[[{0: 0, 1: 1, 2: 2, 3: 3}[index] for index in values]]  # type: ignore[attr-defined]


class TooSure(Die):
    def confidence(self, params: Tensor) -> Tensor:
        return params.exp().sum(dim=1)


class LawOfTheBatch(Die):
    def law(self, params: Tensor) -> dict[str, Tensor]:
        return {"probabilities": params.softmax(dim=1).mean(dim=0)}


class Overflows(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return ((params.exp() / params.exp().sum(dim=1, keepdim=True)) * value).sum(dim=1).log()


class CallsItselfContinuous(Die):
    discrete: ClassVar[bool] = False

    def mode(self, params: Tensor) -> Tensor:
        return torch.eye(4)[params.argmax(dim=1)]

    def encode(self, values: object) -> Tensor:
        return torch.tensor(values)


class BlendsValues(Die):
    def between(self, start: Tensor, end: Tensor, fraction: Tensor) -> Tensor:
        return start.lerp(end, fraction)


class NearestIsTheFirst(Die):
    def nearest(self, value: Tensor) -> Tensor:
        return self.grid(2)[torch.zeros(len(value), dtype=torch.int64)]


class CountsUp(Die):
    """Its kind is not the class's: any text is taken for it."""

    kind: str = "counts_up"  # type: ignore[assignment]


class SamplesOnTheCpu(Die):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.eye(4)[torch.randint(4, (n,), generator=generator)]


class ConstantOnTheCpu(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params * torch.ones(4), value)


class DecidesByAValue(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params.clamp(-1e6, 1e6) if (params > 1e6).any() else params, value)


class Prints(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        print(params.shape)
        return super().log_prob(params, value)


class OneParameterTooFew(Die):
    @property
    def n_params(self) -> int:
        return 3


class OneParameterTooMany(Die):
    @property
    def n_params(self) -> int:
        return 5

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params[:, :4], value)


class NoEmptyBatch(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params - params.detach().max(), value)


class NoEmptyDraw(Die):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.stack(
            [super(NoEmptyDraw, self).sample(1, generator=generator, device=device)[0] for _ in range(n)]
        )


class BreaksTiesAtRandom(Die):
    def mode(self, params: Tensor) -> Tensor:
        return torch.eye(4)[(params + 1e-6 * torch.rand(params.shape)).argmax(dim=1)]


class NeverDrawsTheLast(Die):
    """Its dial has a fifth value, which pictures would be asked for and were never made for."""

    @property
    def width(self) -> int:
        return 5

    @property
    def n_params(self) -> int:
        return 5

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.eye(5, device=device)[torch.randint(4, (n,), generator=generator, device=device)]

    def grid(self, steps: int) -> Tensor:
        return torch.eye(5)


BROKEN_CODES: list[tuple[Code, str]] = [
    (EntropyInBits(), "entropy says 2.0000 nats, its own draws say 1.386"),
    (EntropyIsZero(), "entropy says 0.0000 nats"),
    (WrongSign(), "add up to .* is log_prob normalised"),
    (Unnormalised(), "add up to .* is log_prob normalised"),
    (SoftmaxTwice(), "a probability of at most 0.4., .*is a softmax or sigmoid applied twice"),
    (LeastLikely(), "likelier than the mode .* do mode and log_prob read the same columns"),
    (IgnoresItsGenerator(), "uses torch's global random state"),
    (DrawsTheSameAlways(), "does sample ignore its generator"),
    (IgnoresAColumn(), "column 1 of params receives no gradient; is log_prob ignoring it"),
    (DetachesParams(), "log_prob has no gradient; is params detached"),
    (MixesRows(), "does it mix rows"),
    (SumsTheBatch(), r"log_prob\(params, value\) has to be of shape \(96,\), not \(\)"),
    (TooNarrow(), "width has to be a whole number of at least 1, not 0"),
    (TooWide(), r"sample\(0\) has to be of shape \(0, 5\), not \(0, 4\)"),
    (LeavesAValueOut(), "draws values that its grid"),
    (SameTwiceOnTheDial(), "has a position twice"),
    (DecodesBackwards(), "encode does not undo decode"),
    (DecodesTensors(), "one plain value per picture"),
    (TakesAnything(), "encode takes .* has to raise a ValueError"),
    (LetsOtherErrorsOut(), "raises KeyError; it has to be a ValueError"),
    (TooSure(), r"confidence has to be in \[0, 1\]"),
    (LawOfTheBatch(), "law's 'probabilities' has to be a tensor with the batch of 96"),
    (Overflows(), "params of 100 and -100 has values that are not finite"),
    (CallsItselfContinuous(), "100% of its draws repeat others; is it discrete"),
    (BlendsValues(), "between gives a value for a share of 0.25 that the code cannot have"),
    (NearestIsTheFirst(), "between gives a value|nearest moves a value"),
    (CountsUp(kind="other"), "write it as a Literal"),
    (SamplesOnTheCpu(), "sample gives a tensor on the CPU whatever the device; make every tensor with device="),
    (ConstantOnTheCpu(), r"log_prob of tensors away from the CPU raises RuntimeError.*or \.to\(params\)"),
    (DecidesByAValue(), "away from the CPU raises .*item.*decide with torch.where rather than by a value"),
    (Prints(), "torch.compile of log_prob raises .*without prints"),
    (
        OneParameterTooFew(),
        r"log_prob of params \(96, 3\) and values \(96, 4\) raises RuntimeError.*do width, n_params",
    ),
    (OneParameterTooMany(), "column 4 of params receives no gradient"),
    (NoEmptyBatch(), "log_prob of an empty batch raises .*does it take a maximum over the batch"),
    (NoEmptyDraw(), r"sample\(0\) raises RuntimeError.*any number of draws can be asked for, none too"),
    (BreaksTiesAtRandom(), "log_prob, mode, .* uses torch's global random state"),
    (NeverDrawsTheLast(), r"column 4 of grid\(7\) runs from 0 to 1, and 20000 draws from 0 to 0; do grid and sample"),
]


@pytest.mark.parametrize("code", [Die(), Sign()], ids=repr)
def test_the_right_codes_that_the_broken_ones_are_made_from(code: Code) -> None:
    check_component(code)


@pytest.mark.parametrize(("code", "advice"), BROKEN_CODES, ids=lambda value: type(value).__name__)
def test_broken_code_is_caught(code: Code, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(code)


class TurnsItsCoin(Bernoulli):
    """The entropy of p is that of 1 - p, so that only a reference tells them apart."""

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return 1 - super().sample(n, generator=generator, device=device)


def test_draws_of_other_frequencies_than_the_reference_are_caught() -> None:
    check_code(Bernoulli(p=0.3), reference=[0.7, 0.3])
    with pytest.raises(AssertionError, match=r"position 1 .* with a share of 0\.70., and the reference says 0\.3"):
        check_code(TurnsItsCoin(p=0.3), reference=[0.7, 0.3])
    with pytest.raises(AssertionError, match="has to give a probability for each position of a dial"):
        check_code(Bernoulli(p=0.3), reference=[0.7, 0.2, 0.1])
