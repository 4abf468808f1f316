"""A built InfoGAN: sample by named codes, infer, edit, traverse, save and load."""

from __future__ import annotations

import json
import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from infogan import Head, InfoGAN, ModelSpec, Registry, build, hookimpl, load
from infogan.files.storage import JSON_LIMIT, StorageError
from infogan.plugins.codes import Angle, Categorical, Uniform


@pytest.fixture
def settled(model: InfoGAN) -> InfoGAN:
    """The model with running statistics that differ between real and generated pictures."""
    model.train()
    seeded = torch.Generator().manual_seed(0)
    for _ in range(3):
        fake = model.generator(model.latents.sample(16, generator=seeded))
        model.discriminator(torch.cat([torch.rand(16, 1, 8, 8, generator=seeded), fake.detach()]), "both")
        model.discriminator(torch.rand(16, 1, 8, 8, generator=seeded), "real")
    return model.eval()


# --- sample


def test_pictures_are_in_the_public_range(settled: InfoGAN) -> None:
    pictures = settled.sample(5, seed=0)
    assert pictures.shape == (5, 1, 8, 8)
    assert pictures.min() >= -1
    assert pictures.max() <= 1
    assert pictures.min() < 0, "the generator's own range is [0, 1]"
    assert not pictures.requires_grad


def test_a_seed_repeats_the_draw_and_leaves_the_global_generator_alone(settled: InfoGAN) -> None:
    before = torch.get_rng_state()
    assert torch.equal(settled.sample(3, seed=1), settled.sample(3, seed=1))
    assert not torch.equal(settled.sample(3, seed=1), settled.sample(3, seed=2))
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_the_global_generator_decides(settled: InfoGAN) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        one, two = settled.sample(2), settled.sample(2)
        torch.manual_seed(7)
        again = settled.sample(2)
    assert torch.equal(one, again)
    assert not torch.equal(one, two)


def test_a_named_code_is_what_the_generator_sees(settled: InfoGAN) -> None:
    latent = settled.draw(3, seed=0, digit=[0, 3, 1], slant=0.25)
    _, codes = settled.latents.split(latent)
    assert codes["digit"].argmax(dim=1).tolist() == [0, 3, 1]
    assert codes["slant"].tolist() == [[0.25]] * 3


def test_naming_a_code_changes_nothing_else_of_a_seeded_draw(settled: InfoGAN) -> None:
    free, held = settled.draw(4, seed=0), settled.draw(4, seed=0, digit=2)
    noise, codes = settled.latents.split(free)
    held_noise, held_codes = settled.latents.split(held)
    assert torch.equal(noise, held_noise)
    assert torch.equal(codes["slant"], held_codes["slant"])


@pytest.mark.parametrize(
    "noise", [[0.0, 1.0, -1.0], (0, 1, -1), np.array([0.0, 1.0, -1.0]), torch.tensor([0.0, 1.0, -1.0])]
)
def test_one_noise_vector_holds_for_all(settled: InfoGAN, noise: Any) -> None:
    drawn, _ = settled.latents.split(settled.draw(4, seed=0, noise=noise))
    assert drawn.tolist() == [[0, 1, -1]] * 4


def test_a_noise_vector_for_each_picture(settled: InfoGAN) -> None:
    noise = torch.arange(6.0).reshape(2, 3)
    drawn, _ = settled.latents.split(settled.draw(2, noise=noise))
    assert torch.equal(drawn, noise)


@pytest.mark.parametrize(
    "noise", [torch.zeros(2), torch.zeros(5, 3), torch.zeros(3, 1), 0.0, "zero", [None] * 3, [math.nan] * 3]
)
def test_noise_of_another_shape_is_refused(settled: InfoGAN, noise: Any) -> None:
    with pytest.raises(ValueError, match=r"noise has to be \(3,\) or \(2, 3\)"):
        settled.sample(2, noise=noise)


def test_an_unknown_code_is_answered_with_those_there_are(settled: InfoGAN) -> None:
    with pytest.raises(ValueError, match=r"no code is named 'slnat'; known: digit, slant\. Did you mean 'slant'"):
        settled.sample(2, slnat=0)


def test_a_wrong_number_of_values_is_refused(settled: InfoGAN) -> None:
    with pytest.raises(ValueError, match="code 'slant': 3 values for 2 pictures"):
        settled.sample(2, slant=[0, 1, 2])


def test_no_pictures_are_no_pictures(settled: InfoGAN) -> None:
    assert settled.sample(0).shape == (0, 1, 8, 8)
    assert settled.sample(0, digit=[], slant=1).shape == (0, 1, 8, 8)
    assert settled.infer(settled.sample(0))["digit"].guess == []
    assert settled.edit(settled.sample(0), digit=1).images.shape == (0, 1, 8, 8)
    with pytest.raises(ValueError, match="n has to be at least 0, not -1"):
        settled.sample(-1)


def test_a_picture_does_not_depend_on_how_many_are_drawn_at_once(settled: InfoGAN) -> None:
    latent = settled.draw(1100, seed=0)
    together = settled.generate(latent)
    assert torch.allclose(together[1050:1051], settled.generate(latent[1050:1051]), atol=1e-6)


# --- infer


def test_the_answer_for_a_picture_does_not_depend_on_its_batch(settled: InfoGAN) -> None:
    pictures = settled.sample(7, seed=0)
    together = settled.infer(pictures)
    for i in range(7):
        alone = settled.infer(pictures[i : i + 1])
        for name in together:
            assert torch.allclose(together[name].value[i : i + 1], alone[name].value, atol=1e-6)
            assert torch.allclose(together[name].confidence[i : i + 1], alone[name].confidence, atol=1e-6)


def test_a_posterior_speaks_of_one_law(settled: InfoGAN) -> None:
    digit, slant = (settled.infer(settled.sample(6, seed=0))[name] for name in ("digit", "slant"))
    probabilities = digit.law["probabilities"]
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(6))
    assert digit.guess == probabilities.argmax(dim=1).tolist()
    assert torch.allclose(digit.confidence, probabilities.amax(dim=1))
    assert torch.allclose(digit.log_likelihood.exp(), digit.confidence)
    assert slant.guess == pytest.approx(slant.law["mean"].tolist())
    peak = torch.distributions.Normal(slant.law["mean"], slant.law["std"]).log_prob(slant.law["mean"])
    assert torch.allclose(slant.log_likelihood, peak, atol=1e-6)


def test_each_domain_is_read_by_its_own_statistics(settled: InfoGAN) -> None:
    pictures = settled.sample(3, seed=0)
    real, fake, default = (
        settled.read(pictures, domain="real"),
        settled.read(pictures, domain="fake"),
        settled.read(pictures),
    )
    assert not torch.allclose(real, fake)
    assert torch.equal(fake, default)


def test_reading_changes_nothing_in_the_model(settled: InfoGAN, equal_weights: Callable[..., bool]) -> None:
    before = {name: tensor.clone() for name, tensor in settled.state_dict().items()}
    settled.train()
    settled.generator.eval()
    pictures = settled.sample(3, seed=0, digit=1)
    settled.infer(pictures)
    settled.edit(pictures, fit_steps=2, slant=1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in settled.state_dict().items())
    assert settled.discriminator.training
    assert not settled.generator.training
    assert all(weight.requires_grad and weight.grad is None for weight in settled.parameters())


@pytest.mark.parametrize(
    ("pictures", "said"),
    [
        (torch.zeros(1, 8, 8), r"pictures have to be \(batch, 1, 8, 8\), not \(1, 8, 8\)"),
        (torch.zeros(2, 3, 8, 8), r"not \(2, 3, 8, 8\)"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.uint8), r"floating point in \[-1, 1\], not torch.uint8"),
    ],
)
def test_what_is_no_batch_of_pictures_is_refused(settled: InfoGAN, pictures: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settled.infer(pictures)


def test_an_unknown_domain_is_refused(settled: InfoGAN) -> None:
    with pytest.raises(ValueError, match=r"domain has to be 'real' or 'fake', not 'both'"):
        settled.infer(settled.sample(2), domain="both")  # type: ignore[arg-type]


# --- edit


def test_the_noise_of_a_picture_is_found_again(settled: InfoGAN) -> None:
    """With the codes given right, descent brings the picture back far better than its best draw does."""
    latent = settled.draw(3, seed=5)
    pictures = settled.generate(latent)
    _, codes = settled.latents.split(latent)
    target = settled._to_network(pictures)
    errors = []
    for steps in (0, 200):
        noise = settled._fit(pictures, codes, steps, seed=0)
        made = settled._to_network(settled.generate(settled.latents.join(noise, codes)))
        errors.append((made - target).square().flatten(1).mean(dim=1).sqrt())
    assert (errors[1] < 0.3 * errors[0]).all()


def test_the_error_is_that_of_the_reconstruction(settled: InfoGAN) -> None:
    pictures = settled.sample(3, seed=5)
    edited = settled.edit(pictures, fit_steps=3, digit=0)
    expected = [(a - b).pow(2).mean().sqrt().item() for a, b in zip(pictures, edited.reconstruction, strict=True)]
    assert edited.error.tolist() == pytest.approx(expected)


def test_given_noise_is_not_fitted_and_codes_that_are_not_named_stay(settled: InfoGAN) -> None:
    pictures = settled.sample(3, seed=5)
    edited = settled.edit(pictures, noise=[1.0, 2.0, 3.0], digit=[0, 1, 2])
    noise, codes = settled.latents.split(edited.latent)
    assert noise.tolist() == [[1, 2, 3]] * 3
    assert codes["digit"].argmax(dim=1).tolist() == [0, 1, 2]
    assert torch.equal(codes["slant"], settled.infer(pictures)["slant"].value)
    assert torch.equal(edited.images, settled.generate(edited.latent))


def test_an_edit_of_nothing_is_the_reconstruction(settled: InfoGAN) -> None:
    edited = settled.edit(settled.sample(2, seed=5), fit_steps=3)
    assert torch.equal(edited.images, edited.reconstruction)


def test_an_edit_is_repeatable(settled: InfoGAN) -> None:
    pictures = settled.sample(2, seed=5)
    one, again = (settled.edit(pictures, fit_steps=5, digit=1) for _ in range(2))
    assert torch.equal(one.images, again.images)


def test_an_edit_of_an_unknown_code_is_refused_before_the_fit(
    settled: InfoGAN, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InfoGAN, "_fit", lambda *_: pytest.fail("fitted first"))
    with pytest.raises(ValueError, match="no code is named 'colour'"):
        settled.edit(settled.sample(2), colour=1)


# --- traverse


def test_a_traversal_turns_one_dial(settled: InfoGAN) -> None:
    walked = settled.traverse("slant", 5, rows=2, seed=3)
    assert walked.images.shape == (2, 5, 1, 8, 8)
    assert walked.values == [-1, -0.5, 0, 0.5, 1]
    base = settled.latents.sample(2, generator=torch.Generator().manual_seed(3))
    noise, codes = settled.latents.split(base)
    expected = settled.sample(2, noise=noise, digit=codes["digit"].argmax(dim=1), slant=0.5)
    assert torch.allclose(walked.images[:, 3], expected, atol=1e-6)


def test_a_continuous_code_goes_beyond_its_range_when_asked(settled: InfoGAN) -> None:
    walked = settled.traverse("slant", 5, rows=2, seed=3, low=-2, high=2)
    assert walked.values == [-2, -1, 0, 1, 2]
    within = settled.traverse("slant", 3, rows=2, seed=3)
    assert torch.allclose(walked.images[:, 1:4], within.images, atol=1e-6)
    codes = settled.latents.split(settled.latents.sample(2, generator=torch.Generator().manual_seed(3)))
    expected = settled.sample(2, noise=codes[0], digit=codes[1]["digit"].argmax(dim=1), slant=2.0)
    assert torch.allclose(walked.images[:, 4], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("code", "low", "high", "said"),
    [
        ("digit", -2.0, 2.0, "code 'digit': a code of kind 'categorical' has no range"),
        ("slant", 2.0, -2.0, "code 'slant': a range goes from low to high"),
        ("slant", -2.0, float("inf"), "a range goes from low to high"),
        ("slant", -2.0, None, "both ends"),
    ],
)
def test_no_traversal_without_a_range(settled: InfoGAN, code: str, low: float, high: float | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settled.traverse(code, low=low, high=high)


def test_a_way_of_pictures_begins_and_ends_with_the_pictures_of_its_ends(settled: InfoGAN) -> None:
    stops = settled.draw(2, seed=4)
    pictures = settled.interpolate(stops, 5, codes=["digit", "slant"])
    assert pictures.shape == (5, 1, 8, 8)
    assert torch.allclose(pictures[[0, 4]], settled.generate(stops), atol=1e-5)


def test_a_traversal_of_a_categorical_code_shows_every_value(settled: InfoGAN) -> None:
    walked = settled.traverse("digit", 99, rows=1)
    assert walked.values == [0, 1, 2, 3]
    assert walked.images.shape[:2] == (1, 4)


@pytest.mark.parametrize(
    ("code", "steps", "rows"), [("colour", 3, 1), ("slant", 0, 1), ("slant", 3, 0), ("slant", -1, 1)]
)
def test_no_traversal_without_a_dial(settled: InfoGAN, code: str, steps: int, rows: int) -> None:
    with pytest.raises(ValueError, match=r"no code is named|at least 1"):
        settled.traverse(code, steps, rows=rows)


# --- save and load


@pytest.fixture
def folder(settled: InfoGAN, tmp_path: Path) -> Path:
    settled.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_loaded_model_is_the_saved_one(
    settled: InfoGAN, folder: Path, registry: Registry, equal_weights: Callable[..., bool]
) -> None:
    loaded = load(folder, registry=registry)
    assert equal_weights(loaded, settled)
    assert loaded.spec == settled.spec
    assert torch.equal(loaded.sample(4, seed=1, digit=2), settled.sample(4, seed=1, digit=2))
    assert (
        loaded.infer(loaded.sample(4, seed=1))["slant"].guess == settled.infer(settled.sample(4, seed=1))["slant"].guess
    )
    assert not any(module.training for module in loaded.modules())
    assert all(weight.requires_grad for weight in loaded.parameters())


def test_loading_leaves_the_global_generator_alone(folder: Path, registry: Registry) -> None:
    before = torch.get_rng_state()
    load(folder, registry=registry)
    assert torch.equal(torch.get_rng_state(), before)


def test_saving_again_replaces_and_saving_over_something_else_is_refused(
    settled: InfoGAN, folder: Path, registry: Registry
) -> None:
    other = build(settled.spec, seed=9)
    other.save(folder)
    assert torch.equal(load(folder, registry=registry).generator[0].weight, other.generator[0].weight)
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(StorageError, match=r"thesis\.tex"):
        settled.save(folder)
    assert (folder / "thesis.tex").read_text() == "mine"


def test_the_card_has_code_that_runs(
    folder: Path, registry: Registry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = (folder / "README.md").read_text()
    assert "| `digit` | categorical | 1.386 | 0, 1, 2, 3 |" in card
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    monkeypatch.setattr("infogan.registry.default", lambda: registry)
    exec(compile(code.replace("this folder", str(folder)), "README.md", "exec"), {})
    guesses = json.loads(capsys.readouterr().out)
    assert len(guesses) == 8
    assert set(guesses) <= {0, 1, 2, 3}


class Filtering(Head):
    """A head with a buffer that is not saved, and a tensor that is no buffer."""

    kind: Literal["filtering"] = "filtering"

    def build(self, features: int, n_params: int) -> nn.Module:
        class Filter(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = nn.Linear(features, n_params)
                self.register_buffer("scale", torch.full((features,), 0.5), persistent=False)
                self.shift = torch.ones(())

            def forward(self, x: Tensor) -> Tensor:
                return self.layer(x * self.scale + self.shift)

        return Filter()


class FilteringPlugin:
    @hookimpl
    def infogan_components(self) -> list[type]:
        return [Filtering]


def test_a_part_with_tensors_outside_its_state_is_loaded(
    model_spec: Callable[..., ModelSpec], tmp_path: Path, registry: Registry
) -> None:
    registry.add(FilteringPlugin(), "filtering")
    saved = build(model_spec(head=Filtering()), seed=1)
    saved.save(tmp_path / "model")
    loaded = load(tmp_path / "model", registry=registry)
    pictures = saved.sample(3, seed=0)
    assert torch.equal(loaded.read(pictures), saved.read(pictures))


def test_tied_weights_are_saved_and_loaded(model: InfoGAN, tmp_path: Path, registry: Registry) -> None:
    model.discriminator.q_head[0].weight.data = model.discriminator.q_head[0].weight.data.clone()
    model.discriminator.body[1].bias = model.discriminator.body[1].weight
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model", registry=registry)
    assert torch.equal(loaded.discriminator.body[1].bias, model.discriminator.body[1].weight)


def damage(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(schema_version=2), "schema version 2 is newer than 1, .*install a newer infogan"),
        (lambda d: d.update(schema_version=True), "schema version has to be 1, not True"),
        (lambda d: d.pop("schema_version"), "schema version has to be 1, not None"),
        (lambda d: d.pop("spec"), "spec|mapping|dictionary|model"),
        (lambda d: d["spec"].update(colour="red"), "colour"),
        (lambda d: d["spec"]["codes"]["digit"].update(n=5), r"weights\.safetensors: tensor .* expected"),
        (lambda d: d["spec"]["codes"]["digit"].update(n="four"), "n"),
        (lambda d: d["spec"]["image"].update(channels=3), r"weights\.safetensors: tensor .* expected"),
        (lambda d: d["spec"]["image"].update(height=9), "generator"),
        (lambda d: d["weights"].update(sha256="0" * 64), r"weights\.safetensors: damaged"),
    ],
)
def test_a_damaged_card_of_contents_is_a_storage_error(
    folder: Path, registry: Registry, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    damage(folder / "model.json", change)
    with pytest.raises(StorageError, match=said) as caught:
        load(folder, registry=registry)
    assert str(folder) in str(caught.value)


def test_an_oversized_json_is_refused(folder: Path, registry: Registry) -> None:
    (folder / "model.json").write_text("{" + " " * JSON_LIMIT + "}")
    with pytest.raises(StorageError, match=r"model\.json: larger than"):
        load(folder, registry=registry)


def test_damaged_weights_are_a_storage_error(folder: Path, registry: Registry) -> None:
    path = folder / "weights.safetensors"
    blob = path.read_bytes()
    for damaged in (blob[:-1], blob[:100], b"", blob[:-5] + bytes([blob[-5] ^ 1]) + blob[-4:]):
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"weights\.safetensors"):
            load(folder, registry=registry)


def test_a_missing_part_is_named_with_what_provides_it(folder: Path) -> None:
    damage(folder / "model.json", lambda d: d["provided_by"].update(generator="infogan-tiny"))
    with pytest.raises(StorageError, match=r"model\.json: generator.*'tiny'.*infogan-tiny"):
        load(folder, registry=Registry(entry_points=False))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"model\.json: no such file"):
        load(tmp_path)


def test_loading_unpickles_nothing(folder: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, lambda *_, **__: pytest.fail("pickle was used"))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("torch.load was used"))
    load(folder, registry=registry)


def test_a_code_without_labels_and_one_with_come_back_as_they_were(
    model_spec: Callable[..., ModelSpec], tmp_path: Path, registry: Registry
) -> None:
    codes = {
        "cup": Categorical(n=2, labels=["mug", "bowl"]),
        "turn": Angle(),
        "size": Uniform(low=0.0, high=3.0, q_std=1.0),
    }
    saved = build(model_spec(codes=codes, losses={"adversarial": model_spec().losses["adversarial"]}))
    saved.save(tmp_path / "model")
    loaded = load(tmp_path / "model", registry=registry)
    assert loaded.spec == saved.spec
    assert list(loaded.latents.codes) == ["cup", "turn", "size"]
    assert set(loaded.infer(loaded.sample(4, cup="mug"))["cup"].guess) <= {"mug", "bowl"}
