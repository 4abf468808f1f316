"""KID, and precision and recall, on features whose answer is known; the feature network on pictures made for it."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial

import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors
from torchvision.transforms.functional import gaussian_blur

from infogan import Data, ImageShape
from infogan.core.data import Images
from infogan.evaluation import (
    UnlabelledNetwork,
    kept_features,
    kid,
    load_splits,
    measure_quality,
    precision_recall,
    same_pictures,
    train_features,
)
from infogan.evaluation.quality import squared_mmd
from infogan.files.storage import StorageError
from infogan.registry import Registry

SPRITES = Registry(entry_points=False).find("data", "sprites")


def normal(n, features=8, seed=0, shift=0.0):
    return torch.randn(n, features, generator=torch.Generator().manual_seed(seed)) + shift


def shuffled(rows, seed=0):
    return rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))]


# KID


def test_the_squared_mmd_is_the_double_sum():
    """Lemma 6 of Gretton et al., pair by pair."""
    x, y = normal(7).double(), normal(5, seed=1).double()

    def kernel(a, b):
        return (float(a @ b) / 8 + 1) ** 3

    within_x = sum(kernel(x[i], x[j]) for i in range(7) for j in range(7) if i != j) / (7 * 6)
    within_y = sum(kernel(y[i], y[j]) for i in range(5) for j in range(5) if i != j) / (5 * 4)
    across = sum(kernel(a, b) for a in x for b in y) / (7 * 5)
    assert squared_mmd(x, y) == pytest.approx(within_x + within_y - 2 * across, abs=1e-12)


def test_the_squared_mmd_of_more_rows_than_are_held_at_once_is_that_of_the_whole_kernel():
    x, y = normal(1100, seed=2).numpy(), normal(700, seed=3, shift=0.3).numpy()
    xx, yy, xy = (polynomial_kernel(a, b, degree=3, coef0=1) for a, b in ((x, x), (y, y), (x, y)))
    within = (xx.sum() - xx.trace()) / (1100 * 1099) + (yy.sum() - yy.trace()) / (700 * 699)
    found = squared_mmd(torch.from_numpy(x), torch.from_numpy(y))
    assert found == pytest.approx(within - 2 * xy.mean(), rel=1e-4)


def test_kid_is_unbiased_and_its_error_is_that_of_its_mean():
    """Two samples of one law, over and over: KID scatters about 0 as widely as its error says."""
    found = [kid(normal(200, seed=2 * s), normal(200, seed=2 * s + 1)) for s in range(60)]
    values, errors = torch.tensor(found).T
    assert abs(values.mean()) < 3 * values.std() / 60**0.5
    assert values.min() < 0 < values.max()
    assert values.std() == pytest.approx(errors.square().mean().sqrt().item(), rel=0.3)


def test_kid_of_two_halves_of_a_sample_is_0_within_its_error_and_grows_with_a_shift():
    sample = normal(4000)
    real = sample[:2000]
    value, error = kid(real, sample[2000:])
    assert abs(value) < 3 * error
    values = [kid(real, sample[2000:] + shift)[0] for shift in (0.0, 0.15, 0.3, 0.6)]
    assert values == sorted(values)
    assert values[1] > 3 * error


def test_kid_takes_the_pictures_in_any_order_but_needs_enough_of_them():
    real, fake = normal(1000), normal(1000, seed=1, shift=0.2)
    assert squared_mmd(shuffled(real), shuffled(fake)) == pytest.approx(squared_mmd(real, fake), rel=1e-9)
    assert kid(real, fake) == kid(real, fake)
    (one, error), (other, _) = kid(real, fake, seed=0), kid(real, fake, seed=1)
    assert one != other
    assert one == pytest.approx(other, abs=4 * error)
    with pytest.raises(ValueError, match="20 pictures on either side, not 19 and 1000"):
        kid(real[:19], fake)


# Precision and recall


def brute_force(real, fake, k):
    """The definition by scikit-learn's neighbours."""

    def within(points, centres):
        nearest = NearestNeighbors(n_neighbors=k).fit(centres)
        reach = torch.from_numpy(nearest.kneighbors()[0][:, -1])  # without arguments a point is no neighbour of itself
        return (torch.cdist(points, centres) <= reach).any(dim=1).double().mean().item()

    return within(fake, real), within(real, fake)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_are_what_the_definition_says(k):
    real, fake = normal(900, features=4).double(), normal(600, features=4, seed=1, shift=0.5).double()
    assert precision_recall(real, fake, k=k) == pytest.approx(brute_force(real, fake, k), abs=1e-12)


def test_a_small_example_by_hand():
    """On a line, k = 1: the real balls are [-1, 1], [0, 2], [8, 12], [6, 14]; the generated ones [-4, 4], [0, 8]."""
    real = torch.tensor([[0.0], [1.0], [10.0], [12.0]])
    fake = torch.tensor([[0.0], [4.0]])
    precise, recalled = precision_recall(torch.cat([real[:2], real[3:] - 2, real[3:]]), fake, k=1)
    assert (precise, recalled) == (1 / 2, 2 / 4)


def test_pictures_that_are_the_real_ones_are_perfect():
    real = normal(700)
    assert precision_recall(real, real) == (1, 1)
    assert precision_recall(real, shuffled(real)) == (1, 1)


def test_a_collapsed_generator_is_precise_and_covers_nothing():
    real = normal(700)
    precise, recalled = precision_recall(real, real[:1].expand(700, -1))
    assert precise == 1
    assert recalled <= 1 / 700


def test_a_generator_that_is_too_wide_covers_all_and_is_imprecise():
    real = normal(700, features=2)
    precise, recalled = precision_recall(real, 10 * normal(700, features=2, seed=1))
    assert precise < 0.2
    assert recalled > 0.9


def test_precision_and_recall_change_places_with_the_sides_and_know_no_order():
    real, fake = normal(600, features=4), normal(520, features=4, seed=1, shift=0.5)
    found = precision_recall(real, fake)
    assert 0 < found[0] < 1
    assert 0 < found[1] < 1
    assert precision_recall(fake, real) == found[::-1]
    assert precision_recall(shuffled(real), shuffled(fake)) == found


@pytest.mark.parametrize("k", [0, 5])
def test_as_many_neighbours_as_pictures_are_refused(k):
    with pytest.raises(ValueError, match=f"more than k = {k} pictures"):
        precision_recall(normal(5), normal(8), k=k)


# The feature network


@pytest.fixture(scope="module")
def sprites():
    return SPRITES(size=16, n=1500, n_test=300, scale=(0.5, 0.65), orientation=(-30, 30), position=(-0.3, 0.3))


@pytest.fixture(scope="module")
def network(sprites):
    return train_features(sprites, steps=40)


def test_the_network_learns_the_classes_and_says_how_well(sprites, network):
    held_out = sprites.load("test")
    features = network.features(held_out.pixels.split(100))
    assert features.shape == (300, 128)
    assert features.min() == 0
    told = network.logits(features)["shape"].argmax(dim=1)
    error = (told != held_out.factors["shape"]).float().mean().item()
    assert error < 0.15
    found = measure_quality({}, sprites, network)
    assert found.errors == {"shape": pytest.approx(error, abs=0.004)}
    assert found.n == 300


def test_the_same_seed_gives_the_same_network_and_leaves_the_global_state_alone(sprites, equal_weights):
    before = torch.get_rng_state()
    one, again = (train_features(sprites, steps=3) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert equal_weights(one, again)
    assert not equal_weights(one, train_features(sprites, steps=3, seed=1))


def test_features_of_a_picture_do_not_depend_on_its_neighbours(sprites, network):
    pixels = sprites.load("test").pixels[:40]
    torch.testing.assert_close(network.features([pixels]), network.features(pixels.split(7)))


def test_data_that_are_read_one_by_one_give_the_same_network(parts, equal_weights):
    class Streamed(parts.data):
        def load(self, split):
            images = super().load(split)
            return [
                (pixels, {"shade": shade}) for pixels, shade in zip(images.pixels, images.factors["shade"], strict=True)
            ]

    before = torch.get_rng_state()
    assert equal_weights(train_features(parts.data(), steps=3), train_features(Streamed(), steps=3))
    assert torch.equal(torch.get_rng_state(), before)


class Unlabelled(Data):
    """Sprites whose factors nobody knows; or as many as ``n`` of them."""

    kind: str = "unlabelled"
    n: int = 900

    @property
    def image(self):
        return ImageShape(channels=1, height=16, width=16)

    @property
    def factors(self):
        return {"brightness": None}

    def load(self, split):
        pixels = SPRITES(size=16, n=900, n_test=450).load(split).pixels[: self.n]
        return Images(pixels, {"brightness": pixels.float().mean(dim=(1, 2, 3))})


@pytest.fixture(scope="module")
def unlabelled():
    return train_features(Unlabelled())


def test_data_without_classes_have_features_that_need_none(unlabelled):
    """128 of random filters, as the classifier's at its start, and 64 principal components of mean square 1."""
    assert isinstance(unlabelled, UnlabelledNetwork)
    pixels = Unlabelled().load("train").pixels
    features = unlabelled.features(pixels.split(100))
    assert features.shape == (900, 192)
    assert features[:, :128].min() == 0
    assert features[:, 128:].square().mean() == pytest.approx(1, rel=1e-3)
    assert features[:, :128].square().mean() == pytest.approx(0.5, rel=0.2)
    assert unlabelled.logits(features) == {}


def test_principal_components_are_those_of_scikit_learn(unlabelled):
    pixels = Unlabelled().load("train").pixels
    found = unlabelled.features([pixels])[:, 128:].flip(1).double()
    expected = torch.from_numpy(
        PCA(64, svd_solver="full").fit_transform((pixels.double() / 127.5 - 1).flatten(1).numpy())
    )
    expected /= expected.square().mean().sqrt()
    torch.testing.assert_close(found.abs(), expected.abs(), atol=1e-3, rtol=1e-3)


def test_labels_can_be_left_unused_and_the_seed_gives_the_filters(sprites, equal_weights):
    before = torch.get_rng_state()
    one, again = (train_features(sprites, labels=False) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(one, UnlabelledNetwork)
    assert equal_weights(one, again)
    assert not equal_weights(one, train_features(sprites, labels=False, seed=1))


@pytest.mark.parametrize("n", [20, 513])
def test_any_number_of_pictures_gives_features_and_flat_ones_do_too(n):
    class Flat(Unlabelled):
        def load(self, split):
            return Images(torch.full((n, 1, 16, 16), 40, dtype=torch.uint8))

    assert train_features(Unlabelled(n=n)).features([Unlabelled().load("test").pixels]).isfinite().all()
    assert train_features(Flat()).features([Unlabelled().load("test").pixels]).isfinite().all()


def test_features_without_labels_are_kept_and_read_again(unlabelled, equal_weights, tmp_path, monkeypatch):
    assert equal_weights(kept_features(Unlabelled(), tmp_path / "features"), unlabelled)
    monkeypatch.setattr("infogan.evaluation.features.train_features", None)
    assert equal_weights(kept_features(Unlabelled(), tmp_path / "features"), unlabelled)


def test_spoilt_pictures_are_told_without_labels(unlabelled):
    """What costs what: noise precision, blur and repetition recall, and each of them KID."""
    data = Unlabelled()
    clean = data.load("train").pixels.float() / 127.5 - 1
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    spoilt = {
        "noise 0.2": (clean + 0.2 * noise).clamp(-1, 1),
        "noise 0.4": (clean + 0.4 * noise).clamp(-1, 1),
        "blur 1": gaussian_blur(clean, 9, 1),
        "blur 2": gaussian_blur(clean, 9, 2),
        "repeated": clean[:20].repeat(45, 1, 1, 1),
    }
    found = measure_quality({name: Copies(images) for name, images in spoilt.items()}, data, unlabelled)
    floor, of = found.floor, found.models
    assert abs(floor.kid) < 4 * floor.kid_error
    assert floor.kid < of["noise 0.2"].kid < of["noise 0.4"].kid
    assert floor.kid < of["blur 1"].kid < of["blur 2"].kid
    assert of["noise 0.4"].precision < floor.precision - 0.3
    assert of["blur 1"].recall < floor.recall - 0.3
    assert of["repeated"].recall < 0.1
    assert of["repeated"].kid > floor.kid + 4 * of["repeated"].kid_error
    assert found.errors == {}
    assert "no labels" in found.features


def test_too_few_pictures_are_told_before_anything_is_learnt():
    data = Unlabelled(n=19)
    with pytest.raises(ValueError, match=r"20 held-out ones at least.*'unlabelled' holds out 19 and has 19"):
        load_splits(data)
    with pytest.raises(ValueError, match="20 held-out ones at least"):
        measure_quality({}, data, None)


def test_distances_by_scale_stand_beside_those_in_features(unlabelled, monkeypatch):
    data = Unlabelled()
    held_out = data.load("test").pixels.float() / 127.5 - 1
    found = measure_quality({"blurred": Copies(gaussian_blur(held_out, 9, 1.0))}, data, unlabelled)
    assert found.sliced_n == found.n == 450
    (floor,), (blurred,) = (quality.sliced_wasserstein.values() for quality in (found.floor, found.models["blurred"]))
    assert 0 < 2 * floor < blurred
    monkeypatch.setattr("infogan.evaluation.quality.SLICED", 40)
    few = measure_quality({}, data, unlabelled)
    assert (few.n, few.sliced_n) == (450, 40)
    assert few.floor.sliced_wasserstein["16x16"] > floor


def test_a_network_is_kept_and_read_again(sprites, equal_weights, tmp_path, monkeypatch):
    monkeypatch.setattr("infogan.evaluation.features.train_features", partial(train_features, steps=3))
    folder = tmp_path / "features"
    trained = kept_features(sprites, folder)
    assert {file.suffix for file in folder.iterdir()} == {".safetensors", ".json"}
    monkeypatch.setattr("infogan.evaluation.features.train_features", None)
    assert equal_weights(kept_features(sprites, folder), trained)
    scaled = sprites.model_copy(update={"range": (-1.0, 1.0)})
    assert same_pictures(scaled) == same_pictures(sprites)
    assert equal_weights(kept_features(scaled, folder), trained)
    with pytest.raises(StorageError, match="of other data"):
        kept_features(sprites.model_copy(update={"seed": 1}), folder)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "notes.txt").touch()
    with pytest.raises(StorageError, match=r"something else \(notes.txt\)"):
        kept_features(sprites, tmp_path / "else")


# The measure as a whole


class Copies:
    """Stands in for a model whose pictures are known."""

    def __init__(self, images):
        self.images = images

    def draw(self, n, *, seed):
        return torch.arange(n)

    def generate(self, latent):
        return self.images[latent]


def test_pictures_are_ranked_by_how_they_were_spoilt(sprites, network):
    """Training pictures are at the floor; noise and a missing shape cost what they should cost."""
    train = sprites.load("train")
    clean = train.pixels.float() / 127.5 - 1
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = {f"noise {s}": Copies((clean + s * noise).clamp(-1, 1)) for s in (0.2, 0.4, 0.8)}
    few = {shapes: Copies(clean[train.factors["shape"] >= 3 - shapes]) for shapes in (2, 1)}
    found = measure_quality(
        {**noisy, **{f"{shapes} of 3 shapes": copies for shapes, copies in few.items()}}, sprites, network
    )
    kids = [found.floor.kid, *(found.models[name].kid for name in noisy)]
    assert kids == sorted(kids)
    assert abs(found.floor.kid) < 4 * found.floor.kid_error
    assert found.models["noise 0.8"].kid > 4 * found.models["noise 0.8"].kid_error
    assert found.models["noise 0.8"].precision < found.floor.precision - 0.2
    two, one = found.models["2 of 3 shapes"], found.models["1 of 3 shapes"]
    assert 3 * two.kid_error < two.kid < one.kid
    assert min(two.precision, one.precision) > found.floor.precision - 0.1
    assert one.recall + 0.1 < two.recall < found.floor.recall - 0.1
    assert json.loads(json.dumps(asdict(found)))["models"]["2 of 3 shapes"]["recall"] == two.recall
