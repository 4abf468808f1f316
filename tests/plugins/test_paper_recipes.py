"""The paper's experiments beside MNIST: its hyper-parameters, and a recipe for each side of a contradiction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest

import infogan
from infogan import Registry, RunSpec
from infogan.model.build import dry_run
from infogan.plugins.heads import Linear, Mlp
from infogan.plugins.losses import MutualInformation, NonSaturating
from infogan.plugins.noises import UniformNoise


@dataclass(frozen=True)
class Experiment:
    """What the paper's appendix, or its main text, says of one experiment."""

    image: str
    network: str
    noise: int
    categorical: tuple[int, int]
    """How many, of how many values."""
    continuous: int
    d_lr: float
    g_lr: float
    categorical_weight: float
    continuous_weight: float


def faces(d_lr: float, g_lr: float, weight: float) -> Experiment:
    return Experiment("1x32x32", "faces", 128, (0, 0), 5, d_lr, g_lr, weight, weight)


def chairs(categorical: int, continuous_weight: float, categorical_weight: float) -> Experiment:
    return Experiment("1x64x64", "chairs", 128, (categorical, 20), 1, 2e-4, 1e-3, categorical_weight, continuous_weight)


PAPER = {
    "svhn": Experiment("3x32x32", "svhn", 124, (4, 10), 4, 2e-4, 1e-3, 1.0, 1.0),
    "svhn-text": Experiment("3x32x32", "svhn", 124, (4, 10), 2, 2e-4, 1e-3, 1.0, 1.0),
    "celeba": Experiment("3x32x32", "svhn", 128, (10, 10), 0, 2e-4, 1e-3, 1.0, 1.0),
    "faces-azimuth": faces(2e-4, 5e-4, 0.2),
    "faces-elevation": faces(4e-4, 3e-4, 0.1),
    "faces-lighting": faces(8e-4, 3e-4, 0.1),
    "faces-width": faces(8e-4, 3e-4, 0.1),
    "chairs-rotation": chairs(3, 10.0, 1.0),
    "chairs-width": chairs(3, 0.05, 2.0),
    "chairs-rotation-text": chairs(4, 10.0, 1.0),
    "chairs-width-text": chairs(4, 0.05, 2.0),
}
every_experiment = pytest.mark.parametrize("name", PAPER)


@cache
def recipe(name: str) -> RunSpec:
    return infogan.read_run(name)


@every_experiment
def test_a_recipe_is_the_experiment_of_the_paper(name: str) -> None:
    run, paper = recipe(name), PAPER[name]
    model, training = run.model, run.training
    assert str(model.image) == str(run.data.image) == paper.image
    assert model.generator.kind == model.body.kind == paper.network
    assert model.body.leak == 0.1
    assert model.head == (Mlp(hidden=128, leak=0.1) if paper.network == "svhn" else Linear())
    assert model.q_body is None
    assert model.noise == UniformNoise(size=paper.noise)
    kinds = [code.kind for code in model.codes.values()]
    assert kinds == ["categorical"] * paper.categorical[0] + ["uniform"] * paper.continuous
    assert {code.width for code in model.codes.values() if code.discrete} <= {paper.categorical[1]}
    assert {code.grid(2).flatten().tolist() == [-1, 1] for code in model.codes.values() if not code.discrete} <= {True}
    assert (training.d_lr, training.g_lr, training.batch_size) == (paper.d_lr, paper.g_lr, 128)
    assert model.losses.keys() == {"adversarial", "information"}
    assert model.losses["adversarial"] == NonSaturating()


@every_experiment
def test_information_weighs_what_the_paper_says(name: str) -> None:
    model, paper = recipe(name).model, PAPER[name]
    information = model.losses["information"]
    assert isinstance(information, MutualInformation)
    assert information.warmup == 0
    for code_name, code in model.codes.items():
        weight = information.weight * information.codes.get(code_name, 1.0)
        assert weight == pytest.approx(paper.categorical_weight if code.discrete else paper.continuous_weight)


@every_experiment
def test_q_learns_with_d_at_its_rate(name: str) -> None:
    """Tables 5 and 7 head their rates "D / Q"."""
    phases = recipe(name).model.phases()
    assert phases["q_head"] == phases["d_body"] == "d"


@pytest.mark.parametrize(
    ("name", "width"), [("svhn", 168), ("celeba", 228), ("faces-azimuth", 133), ("chairs-width", 189)]
)
def test_the_latent_is_as_wide_as_the_appendix_says(name: str, width: int) -> None:
    assert recipe(name).model.latents.width == width


@pytest.mark.parametrize(("name", "fewer"), [("svhn", -2), ("chairs-rotation", 20), ("chairs-width", 20)])
def test_the_main_text_has_other_codes_and_all_else_alike(name: str, fewer: int) -> None:
    appendix, text = recipe(name), recipe(f"{name}-text")
    assert text.model.latents.width == appendix.model.latents.width + fewer
    without_codes = {"model": {"codes"}}
    written, expected = (run.model_dump(exclude=without_codes) for run in (text, appendix))
    for run in (written, expected):
        weights = run["model"]["losses"]["information"]["codes"]
        run["model"]["losses"]["information"]["codes"] = {n: w for n, w in weights.items() if not n.startswith("style")}
    assert written == expected


def test_q_emits_nothing_that_it_does_not_use() -> None:
    """100 numbers for CelebA's ten codes of ten values: 129 weights of Q's last layer for each."""
    sizes = {name: sum(w.numel() for w in dry_run(recipe(name).model)[1].parameters()) for name in ("svhn", "celeba")}
    assert sizes == {"svhn": 1_194_609, "celeba": 1_194_609 + (100 - 48) * 129}


def test_no_two_recipes_are_one_but_those_that_the_paper_shares() -> None:
    """Table 5: the width of a face is a code of the network that was trained for its lighting."""
    runs = {name: recipe(name) for name in PAPER}
    same = {(one, other) for one in runs for other in runs if one < other and runs[one] == runs[other]}
    assert same == {("faces-lighting", "faces-width")}


@every_experiment
def test_a_recipe_says_what_it_is_and_where_pictures_come_from(name: str) -> None:
    text = Registry(entry_points=False).recipe(name)
    comment = " ".join(line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    assert text.startswith("# yaml-language-server: $schema=infogan.schema.json\n#\n# ")
    if PAPER[name].network != "svhn":
        folder = recipe(name).data.folder
        assert f"folder `{folder}` below the data folder" in comment
