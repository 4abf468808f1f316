"""A run that begins from another one's weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from infogan import InfoGAN, ModelSpec, Registry, RunSpec, train
from infogan.files.storage import StorageError
from infogan.plugins.codes import Categorical, Uniform
from infogan.plugins.heads import Mlp
from infogan.plugins.losses import Hinge, MutualInformation
from infogan.training.beginning import begin_from
from infogan.training.log import Report
from infogan.training.loop import initial_state
from infogan.training.spec_text import read_run

CPU = torch.device("cpu")
MakeRun = Callable[..., RunSpec]
MakeModel = Callable[..., ModelSpec]
Equal = Callable[..., bool]


@pytest.fixture
def before(run_spec: MakeRun, tmp_path: Path) -> tuple[Path, InfoGAN]:
    """A run of three steps, and its model."""
    return tmp_path / "before", train(run_spec(steps=3), tmp_path / "before")


@pytest.mark.parametrize("inside", ["", "model"])
def test_a_run_begins_with_the_model_that_another_one_left(
    run_spec: MakeRun, before: tuple[Path, InfoGAN], equal_weights: Equal, inside: str
) -> None:
    run, model = before
    state = initial_state(run_spec(seed=1), CPU)
    where = {name: tensor.data_ptr() for name, tensor in state.tensors().items() if not name.endswith("step")}
    begin_from(run / inside, state)
    assert equal_weights(state.model, model)
    assert equal_weights(state.ema, model.generator), "its G has the running mean of the other's weights"
    kept = {name: tensor.data_ptr() for name, tensor in state.tensors().items() if name.startswith(("model", "ema"))}
    assert kept == {name: where[name] for name in kept}, "in place"


def test_it_goes_on_with_other_data_other_rates_and_other_losses(
    run_spec: MakeRun, model_spec: MakeModel, parts: SimpleNamespace, before: tuple[Path, InfoGAN], tmp_path: Path
) -> None:
    losses = {"game": Hinge(), "information": MutualInformation()}
    spec = run_spec(
        model=model_spec(losses=losses), data=parts.data(size=24), init=str(before[0]), g_lr=1e-12, d_lr=1e-12, steps=1
    )
    model = train(spec, tmp_path / "after")
    for name, weight in before[1].named_parameters():
        assert torch.allclose(weight, model.get_parameter(name), atol=1e-6), name


def test_the_run_says_where_it_began(
    run_spec: MakeRun, before: tuple[Path, InfoGAN], tmp_path: Path, registry: Registry
) -> None:
    spec = run_spec(init=str(before[0]), steps=1)
    train(spec, tmp_path / "after")
    assert read_run(tmp_path / "after", registry=registry) == spec
    assert spec.training.init == str(before[0])


def test_a_resumed_run_is_the_uninterrupted_one_and_needs_the_other_no_more(
    run_spec: MakeRun, before: tuple[Path, InfoGAN], tmp_path: Path, equal_weights: Equal
) -> None:
    class Cut(Exception):
        pass

    def cut(report: Report) -> None:
        if report.step == 4:
            raise Cut

    spec = run_spec(init=str(before[0]), seed=1)
    whole = train(spec, tmp_path / "whole")
    with pytest.raises(Cut):
        train(spec, tmp_path / "parts", on_report=cut)
    shutil.rmtree(before[0])
    assert equal_weights(train(spec, tmp_path / "parts", resume=True), whole)
    assert not equal_weights(train(run_spec(seed=1), tmp_path / "fresh"), whole)


MISFITS = {
    r"codes\.digit\.n is 4 there and 5 here": {"codes": {"digit": Categorical(n=5), "slant": Uniform()}},
    r"codes are digit, slant there and slant, digit here": {"codes": {"slant": Uniform(), "digit": Categorical(n=4)}},
    r"codes are digit, slant there and digit here": {"codes": {"digit": Categorical(n=4)}},
    r"model\.head\.hidden is 6 there and 7 here": {"head": Mlp(hidden=7)},
}


@pytest.mark.parametrize(("said", "changes"), MISFITS.items(), ids=list(MISFITS))
def test_what_does_not_fit_is_named_and_nothing_is_written(
    run_spec: MakeRun,
    model_spec: MakeModel,
    before: tuple[Path, InfoGAN],
    tmp_path: Path,
    said: str,
    changes: dict[str, object],
) -> None:
    losses = {"game": Hinge(), "information": MutualInformation()}
    spec = run_spec(model=model_spec(**{"losses": losses, **changes}), init=str(before[0]))
    with pytest.raises(ValueError, match=rf"^training\.init: .*before/model has another model .*only losses.*{said}"):
        train(spec, tmp_path / "after")
    assert not (tmp_path / "after" / "run.yaml").exists()


def test_a_q_body_that_the_other_lacks_is_named(
    run_spec: MakeRun, model_spec: MakeModel, parts: SimpleNamespace, before: tuple[Path, InfoGAN], tmp_path: Path
) -> None:
    spec = run_spec(model=model_spec(q_body=parts.body()), init=str(before[0]))
    with pytest.raises(ValueError, match=r"model\.q_body is None there and 'tiny' here"):
        train(spec, tmp_path / "after")


def test_a_folder_without_a_model_is_named(run_spec: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^training\.init: .*nowhere: no model is there: neither"):
        train(run_spec(init=str(tmp_path / "nowhere")), tmp_path / "after")


def test_a_damaged_model_is_named(run_spec: MakeRun, before: tuple[Path, InfoGAN], tmp_path: Path) -> None:
    weights = before[0] / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(StorageError, match="damaged"):
        train(run_spec(init=str(before[0])), tmp_path / "after")


def test_an_option_that_is_younger_than_the_model_is_no_misfit(
    run_spec: MakeRun, before: tuple[Path, InfoGAN], tmp_path: Path
) -> None:
    manifest = before[0] / "model" / "model.json"
    text = manifest.read_text()
    assert '"batch_norm": "apart",' in text
    manifest.write_text(text.replace('"batch_norm": "apart",', ""))
    assert isinstance(train(run_spec(init=str(before[0]), steps=1), tmp_path / "after").sample(1), Tensor)
