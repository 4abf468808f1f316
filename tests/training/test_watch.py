"""What a run is warned of, and when."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from torch import Tensor, nn

from infogan import ImageShape, ModelSpec, RunSpec, train
from infogan.core.loss import LossTerm
from infogan.plugins.codes import Angle, Bernoulli, Categorical, Normal, Uniform
from infogan.plugins.losses import Hinge, LeastSquares, Minimax, MutualInformation, NonSaturating, Wasserstein
from infogan.plugins.penalties import R1, GradientPenalty
from infogan.training.watch import ALIKE, FAR, LASTING, UNSEEN, WON, Watch, chance, read_from

MakeRun = Callable[..., RunSpec]

HEALTHY = {
    **{"pictures/mean": 0.5, "pictures/spread": 0.4, "pictures/noise": 0.3, "data/mean": 0.5, "data/spread": 0.4},
    **{"information/digit": 1.3, "information/slant": 0.6, "effect/digit": 0.3, "effect/slant": 0.1},
    **{"d/adversarial": 1.2, "g/adversarial": 0.9},
}


@pytest.fixture
def watch(model_spec: Callable[..., ModelSpec]) -> Watch:
    """Of a model with a digit of four values and a slant from -1 to 1."""
    return Watch(model_spec())


def line(step: int, **changes: float) -> dict[str, float]:
    return {"step": step, **HEALTHY, **{name.replace("__", "/"): value for name, value in changes.items()}}


def said(watch: Watch, **changes: float) -> str:
    """What is said where every report is so."""
    return "\n".join(message for step in range(50, 500, 50) for message in watch.look(line(step, **changes)))


UNREAD = {"information__digit": 0.0, "information__slant": 0.0}

FAULTS = [
    ("pictures__spread", ALIKE * 0.4, -1, "pictures are nearly all alike: a pixel differs by 0.10 .* by 0.40 in"),
    ("pictures__mean", 0.5 - FAR, -1, r"far too dark: their mean is 0.15, the data's 0.50"),
    ("pictures__mean", 0.5 + FAR, 1, r"far too light: their mean is 0.85, the data's 0.50"),
    ("effect__digit", UNSEEN, -1, r"code digit is read but not seen: Q knows 1.30 of 1.39 nats, .* makes 1.00% of"),
    ("effect__slant", UNSEEN, -1, "code slant is read but not seen: Q knows 0.60 of 0.69 nats"),
    ("d__adversarial", WON * 1.3863, -1, "all too well: adversarial costs it 0.069, and 1.39 where it cannot tell"),
]


@pytest.mark.parametrize(("figure", "bound", "beyond", "message"), FAULTS)
def test_a_fault_is_told_with_its_figures_beyond_its_bound_and_not_before(
    model_spec: Callable[..., ModelSpec], figure: str, bound: float, beyond: int, message: str
) -> None:
    unread = {} if figure.startswith("effect") else UNREAD
    told = said(Watch(model_spec()), **unread, **{figure: bound + beyond * 1e-5})
    assert len(told.splitlines()) == 1
    assert re.search(message, told), told
    assert "Try " in told
    assert said(Watch(model_spec()), **unread, **{figure: bound - beyond * 1e-5}) == ""


def test_a_fault_is_told_once_it_has_lasted(watch: Watch) -> None:
    """Reports without it begin the count anew, however many there are."""
    gray = {"pictures__spread": 0.01, **UNREAD}
    assert LASTING == 150
    for step in (1, 50, 100, 149, 150):
        assert watch.look(line(step, **gray)) == []
    assert watch.look(line(160)) == []
    for step in (161, 310):
        assert watch.look(line(step, **gray)) == []
    (message,) = watch.look(line(311, **gray))
    assert message.startswith("step 311: G's pictures are nearly all alike")


def test_a_mean_has_twice_as_long(watch: Watch) -> None:
    """A sound G that begins gray, on a light ground, finds the mean after 300 steps."""
    assert not [message for step in range(50, 350, 50) for message in watch.look(line(step, pictures__mean=-0.5))]
    assert len(watch.look(line(350, pictures__mean=-0.5))) == 1


def test_reports_that_are_far_apart_have_to_show_it_twice(watch: Watch) -> None:
    assert watch.look(line(1000, pictures__mean=-0.5)) == []
    assert len(watch.look(line(2000, pictures__mean=-0.5))) == 1


def test_each_kind_of_fault_is_told_once(watch: Watch) -> None:
    told = said(watch, effect__digit=0.0, effect__slant=0.0, pictures__mean=-0.9, d__adversarial=0.0)
    assert [re.search("digit|slant|dark|D tells", message)[0] for message in told.splitlines()] == [
        "digit",
        "D tells",
        "dark",
    ]
    assert said(watch, effect__slant=0.0, pictures__mean=0.9) == ""


def test_what_a_code_does_to_pictures_that_are_nearly_alike_is_not_seen_either(watch: Watch) -> None:
    """A tenth of the variance of pictures with a quarter of the data's spread is less than a hundredth of theirs."""
    assert "code digit is read but not seen" in said(watch, pictures__spread=0.1, effect__digit=0.1)
    assert said(watch, pictures__spread=0.1, information__digit=0.6, information__slant=0.3) == ""


def test_data_of_one_picture_are_no_fault(watch: Watch) -> None:
    assert said(watch, data__spread=0.0, pictures__spread=0.0) == ""


def test_a_code_that_is_not_read_need_not_be_seen(watch: Watch) -> None:
    assert said(watch, information__digit=0.6, effect__digit=0.0) == ""


def test_a_code_is_read_from_half_of_its_entropy_on_which_for_a_density_depends_on_no_unit() -> None:
    for code in (Categorical(n=10), Bernoulli(), Bernoulli(p=0.1), Angle(), Uniform(), Normal()):
        assert read_from(code) == pytest.approx(code.entropy / 2)
    assert Uniform(low=0.0, high=0.1).entropy < 0
    assert read_from(Uniform(low=0.0, high=0.1)) == read_from(Uniform())


@pytest.mark.parametrize(
    ("term", "loss"),
    [
        (NonSaturating(), 1.3863),
        (Minimax(weight=2.0), 2.7726),
        (LeastSquares(), 0.5),
        (Hinge(), 2.0),
        (Wasserstein(), None),
        (R1(), None),
        (GradientPenalty(), None),
        (MutualInformation(), None),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_what_a_game_costs_a_d_that_cannot_tell(
    model_spec: Callable[..., ModelSpec], term: LossTerm, loss: float | None
) -> None:
    found = chance(model_spec(losses={"game": NonSaturating(), "term": term}))
    assert found == pytest.approx({"game": 1.3863} if loss is None else {"game": 1.3863, "term": loss}, abs=1e-4)


def test_a_term_that_cannot_be_asked_is_not_watched(
    model_spec: Callable[..., ModelSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = model_spec()
    monkeypatch.setattr(NonSaturating, "d_loss", lambda self, view: view.no_such_thing)
    assert chance(spec) == {}


def test_the_lines_before_an_interruption_count(model_spec: Callable[..., ModelSpec]) -> None:
    gray = [line(step, pictures__spread=0.01, **UNREAD) for step in range(50, 400, 50)]
    for cut in range(len(gray)):
        told = [Watch(model_spec(), gray[:cut]).look(later) for later in gray[cut : cut + 1]]
        assert [len(messages) for messages in told] == [int(gray[cut]["step"] == 200)]


def test_lines_of_a_version_that_did_not_look_are_passed_over(model_spec: Callable[..., ModelSpec]) -> None:
    old = [{"step": step, "d_loss": 0.0} for step in range(50, 400, 50)]
    assert Watch(model_spec(), old).look({"step": 400, "d_loss": 0.0}) == []


class Fade(nn.Module):
    """A tenth of a picture's contrast."""

    def forward(self, images: Tensor) -> Tensor:
        return 0.5 + 0.1 * (images - 0.5)


@pytest.fixture
def gray_run(
    run_spec: MakeRun, model_spec: Callable[..., ModelSpec], parts: SimpleNamespace
) -> Callable[[int], RunSpec]:
    """A run of so many steps whose G can make nothing but gray."""

    class Gray(parts.generator):
        def build(self, latent_width: int, image: ImageShape) -> nn.Module:
            return nn.Sequential(super().build(latent_width, image), Fade())

    model = model_spec(generator=Gray())
    return lambda steps: run_spec(model=model, steps=steps, log_every=50, picture_every=1000, checkpoint_every=75)


def log(run: Path) -> list[dict[str, float]]:
    """The lines of a log, without the clock."""
    return [{**json.loads(line), "seconds": 0} for line in (run / "log.jsonl").read_text().splitlines()]


def test_a_run_of_gray_pictures_says_so(gray_run: Callable[[int], RunSpec], tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning) as caught:
        train(gray_run(250), tmp_path)
    (told,) = [str(warning.message) for warning in caught if "alike" in str(warning.message)]
    assert told.startswith("step 200: G's pictures are nearly all alike")


def test_a_resumed_run_says_it_once_and_as_the_uninterrupted_one(
    gray_run: Callable[[int], RunSpec], tmp_path: Path
) -> None:
    with pytest.warns(RuntimeWarning) as whole:
        train(gray_run(300), tmp_path / "whole")
    train(gray_run(100), tmp_path / "parts")
    with pytest.warns(RuntimeWarning) as parts:
        train(gray_run(250), tmp_path / "parts", resume=True)
    train(gray_run(300), tmp_path / "parts", resume=True)
    assert [str(warning.message) for warning in parts] == [str(warning.message) for warning in whole]
    assert log(tmp_path / "parts") == log(tmp_path / "whole")
