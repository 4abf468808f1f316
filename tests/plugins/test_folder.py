"""A user's own pictures: any files below a folder."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image, features
from pydantic import ValidationError
from torch import Tensor

from infogan import InfoGAN, Registry, train
from infogan.core.data import Images, Split
from infogan.evaluation import same_pictures
from infogan.evaluation.reading import read_split
from infogan.files.datasets import FOLDER_VARIABLE
from infogan.files.strict_yaml import parse
from infogan.plugins.folder import Folder, data
from infogan.testing import check_data, check_missing_data
from infogan.training.feed import batches_from
from infogan.training.spec_text import override, validate

SMALL = [
    *("model.generator.width=8", "model.body={kind: dcgan, width: 8, hidden: 16}"),
    *("data.height=8", "data.width=8"),
    *("training.device=cpu", "training.batch_size=8"),
]
"""Settings that make the recipe `pictures` quick."""


def folder(path: Path, *, side: int = 8, channels: int = 1, **options: Any) -> Folder:
    return Folder(folder=str(path), height=side, width=side, channels=channels, **options)


def save(path: Path, pixels: Any, mode: str | None = None, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8), mode).save(path, **options)


def fill(folder: Path, n: int, *, side: int = 8, first: int = 0) -> None:
    """Gray pictures of one shade each, which says which one it is."""
    for i in range(first, first + n):
        save(folder / f"{i:03}.png", np.full((side, side), i))


def shades(pictures: Any) -> list[int]:
    pixels = (
        pictures.pixels if isinstance(pictures, Images) else torch.stack([pictures[i] for i in range(len(pictures))])
    )
    return pixels[:, 0, 0, 0].tolist()


def only(path: Path, **options: Any) -> Tensor:
    """The one picture of a folder, ``(channels, height, width)``; another one is there to be held out."""
    top = path / "top"
    (top / "test").mkdir(parents=True)
    save(top / "test" / "other.png", np.zeros((2, 2)))
    (path / "train").rename(top / "train")
    loaded = Folder(folder=str(top), **options).load("train")
    assert isinstance(loaded, Images)
    assert len(loaded) == 1
    return loaded.pixels[0]


# --- splits, classes, files


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("classes", [(), ("cats", "dogs")])
@pytest.mark.parametrize("apart", [True, False])
def test_the_contract_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool, classes: tuple[str, ...], apart: bool
) -> None:
    if not in_memory:
        monkeypatch.setattr(data, "IN_MEMORY", 0)
    for k, top in enumerate([tmp_path / "train", tmp_path / "test"] if apart else [tmp_path]):
        fill(top / "cats", 30, first=60 * k)
        fill(top / "dogs", 30, first=30 + 60 * k)
    pictures = folder(tmp_path, classes=classes, held_out=0.4, flip=True, shift=0.1)
    check_data(pictures)
    assert isinstance(pictures.load("train"), Images) is in_memory


def test_missing_pictures_are_answered_with_what_was_expected_where(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no picture")
    fill(tmp_path / "some" / "cats", 3)
    missing = {
        f"there is no folder {tmp_path}/nowhere, nor a zip file of that name; expected pictures": folder(
            tmp_path / "nowhere"
        ),
        f"no picture below {tmp_path}/empty; expected files that end in .avif": folder(tmp_path / "empty"),
        f"there is no folder {tmp_path}/some/dogs": folder(tmp_path / "some", classes=("cats", "dogs")),
        f"none of the 3 pictures below {tmp_path}/some is in the split 'train'": folder(
            tmp_path / "some", held_out=0.999999
        ),
    }
    for said, pictures in missing.items():
        check_missing_data(pictures)
        with pytest.raises(FileNotFoundError, match=said):
            pictures.load("train")


def test_every_picture_is_in_one_split_whatever_else_is_there_and_wherever_the_folder_is(tmp_path: Path) -> None:
    fill(tmp_path / "one", 120)
    train, test = (shades(folder(tmp_path / "one", held_out=0.25).load(split)) for split in ("train", "test"))
    assert sorted(train + test) == list(range(120))
    assert 15 <= len(test) <= 45, "a quarter of 120, within three standard deviations"
    fill(tmp_path / "one", 120, first=120)
    shutil.move(tmp_path / "one", tmp_path / "two")
    assert [i for i in shades(folder(tmp_path / "two", held_out=0.25).load("test")) if i < 120] == test
    more = shades(folder(tmp_path / "two", held_out=0.5).load("test"))
    assert set(test) < set(more), "who holds out more holds out the same ones first"


def test_sub_folders_train_and_test_are_the_splits(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "deep" / "down", 5)
    fill(tmp_path / "test", 3, first=5)
    assert shades(folder(tmp_path).load("train")) == [0, 1, 2, 3, 4]
    assert shades(folder(tmp_path).load("test")) == [5, 6, 7]


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_the_held_out_sub_folder_may_have_other_names(tmp_path: Path, name: str) -> None:
    fill(tmp_path / "train", 5)
    fill(tmp_path / name, 3, first=5)
    assert shades(folder(tmp_path).load("train")) == [0, 1, 2, 3, 4]
    assert shades(folder(tmp_path).load("test")) == [5, 6, 7]
    fill(tmp_path / "test", 2, first=8)
    assert shades(folder(tmp_path).load("test")) == [8, 9], "and is left aside where there is a test"


def test_classes_are_the_sub_folders_that_are_named(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for first, name in enumerate(("ants", "bees", "cows")):
            fill(tmp_path / split / name, 2, first=10 * first)
    pictures = folder(tmp_path, classes=("cows", "ants"))
    images = pictures.load("train")
    assert isinstance(images, Images)
    assert pictures.factors == {"class": 2}
    assert shades(images) == [20, 21, 0, 1]
    assert images.factors["class"].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("wrong", [("cats",), ("cats", "cats"), ("cats", "a/b"), ("cats", ".."), ("cats", "")])
def test_classes_that_are_no_sub_folders_are_refused(wrong: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match=r"has to (name two|be the name)"):
        folder(Path("anywhere"), classes=wrong)


def test_hidden_and_other_files_are_passed_over_and_links_to_folders_not_followed(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", 1, first=9)
    fill(tmp_path / "train" / "b", 2, first=1)
    fill(tmp_path / "train" / ".thumbnails", 1, first=7)
    fill(tmp_path / "test", 1)
    save(tmp_path / "train" / "a.PNG", np.full((8, 8), 3))
    save(tmp_path / "train" / ".a.png", np.full((8, 8), 8))
    (tmp_path / "train" / "labels.csv").write_text("a,b")
    (tmp_path / "train" / "around").symlink_to(tmp_path / "train", target_is_directory=True)
    (tmp_path / "train" / "c.png").symlink_to(tmp_path / "elsewhere" / "009.png")
    assert shades(folder(tmp_path).load("train")) == [3, 1, 2, 9], "by path; a link to a picture is one"


def test_a_folder_is_found_below_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    fill(tmp_path / "mine", 40)
    assert len(folder(Path("mine")).load("train")) > len(folder(tmp_path / "mine").load("test"))


def test_what_is_read_when_it_is_asked_for_is_what_memory_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: InfoGAN
) -> None:
    for split in ("train", "test"):
        fill(tmp_path / split / "cats", 5)
        fill(tmp_path / split / "dogs", 5, first=100)
    pictures = folder(tmp_path, classes=("cats", "dogs"))
    batches, readings = [], []
    for limit in (data.IN_MEMORY, 0):
        monkeypatch.setattr(data, "IN_MEMORY", limit)
        feed = batches_from(pictures.load("train"), batch_size=4, seed=0, start=0, device=torch.device("cpu"))
        batches.append(torch.stack([feed(step) for step in range(3)]))
        readings.append(read_split(model, pictures, "test"))
    assert torch.equal(*batches)
    assert torch.equal(*(reading.factors["class"] for reading in readings))
    assert torch.equal(*(reading.values["digit"] for reading in readings))


# --- one picture


def test_a_picture_of_the_right_size_stays_as_it_is(tmp_path: Path) -> None:
    pixels = torch.randint(256, (6, 9, 3), dtype=torch.uint8)
    save(tmp_path / "train" / "a.png", pixels)
    assert torch.equal(only(tmp_path, height=6, width=9), pixels.permute(2, 0, 1))


@pytest.mark.parametrize("turned", [False, True])
def test_the_middle_is_kept(tmp_path: Path, turned: bool) -> None:
    pixels = np.concatenate([np.full((10, 7), shade) for shade in (0, 200, 0)], axis=1)[:, 2:-2]
    save(tmp_path / "train" / "a.png", pixels.T if turned else pixels)
    height, width = (7, 10) if turned else (10, 7)
    assert only(tmp_path, channels=1, height=height, width=width).unique().tolist() == [200]


def test_what_is_finer_than_a_pixel_becomes_its_mean(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a.png", 200 * (np.indices((64, 96)).sum(axis=0) % 2))
    small = only(tmp_path, channels=1, height=8, width=12).float()
    assert small[:, 1:-1, 1:-1].sub(100).abs().max() <= 2


SIDES = {1: "TL", 2: "TR", 3: "BR", 4: "BL", 5: "LT", 6: "RT", 7: "RB", 8: "LB"}
"""EXIF orientation: the sides of the scene at which the file has its first row, and its first column."""


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_picture_stands_upright(tmp_path: Path, orientation: int, ending: str) -> None:
    scene = np.zeros((64, 96), dtype=np.uint8)
    scene[:32, :48], scene[:32, 48:], scene[32:, :48], scene[32:, 48:] = 0, 80, 160, 240
    rows, columns = SIDES[orientation]
    stored = scene if rows in "TB" else scene.T
    stored = stored[::-1] if rows in "BR" else stored
    stored = stored[:, ::-1] if columns in "BR" else stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / "train" / f"a.{ending}", stored, exif=exif)
    corners = only(tmp_path, channels=1, height=8, width=12)[0, [1, 1, -2, -2], [1, -2, 1, -2]]
    assert corners.tolist() == pytest.approx([0, 80, 160, 240], abs=3)


def gray(mode: str, shade: int) -> Image.Image:
    return Image.new("L", (4, 4), shade).convert(mode)


def clear(mode: str) -> Image.Image:
    picture = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    picture.putpixel((0, 0), (40, 40, 40, 255))
    return picture.convert(mode)


def indexed() -> Image.Image:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([40, 40, 40, 10, 20, 30])
    picture.putpixel((0, 0), 0)
    picture.info["transparency"] = 1
    return picture


MODES: dict[str, tuple[Callable[[], Image.Image], int, int]] = {
    "bits": (lambda: gray("1", 255), 255, 255),
    "gray": (lambda: gray("L", 90), 90, 90),
    "16 bits": (lambda: Image.fromarray(np.full((4, 4), 90 * 257, dtype=np.uint16)), 90, 90),
    "RGB": (lambda: gray("RGB", 90), 90, 90),
    "CMYK": (lambda: gray("CMYK", 90), 90, 90),
    "palette": (lambda: gray("P", 90), 90, 90),
    "RGBA": (lambda: clear("RGBA"), 40, 255),
    "gray and alpha": (lambda: clear("LA"), 40, 255),
    "palette and transparency": (indexed, 40, 255),
}
"""Pictures by mode: the first pixel and the last, as they have to come out."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_gray_or_rgb_and_what_is_clear_white(tmp_path: Path, mode: str, channels: int) -> None:
    make, first, last = MODES[mode]
    path = tmp_path / "train" / ("a.tif" if mode == "CMYK" else "a.png")
    path.parent.mkdir()
    make().save(path)
    pixels = only(tmp_path, channels=channels, height=4, width=4)
    assert pixels[:, 0, 0].tolist() == pytest.approx([first] * channels, abs=1)
    assert pixels[:, -1, -1].tolist() == pytest.approx([last] * channels, abs=1)


def test_a_large_jpeg_is_what_it_is_when_it_is_decoded_whole(tmp_path: Path) -> None:
    y, x = np.mgrid[0:768, 0:1024] / 100
    scene = np.stack([np.sin(x + y), np.cos(2 * x), np.sin(3 * y) * np.cos(x)], axis=2) * 100 + 128
    save(tmp_path / "train" / "a.jpg", scene, quality=95)
    with Image.open(tmp_path / "train" / "a.jpg") as file:
        whole = np.asarray(file.crop((128, 0, 896, 768)).resize((64, 64), Image.Resampling.LANCZOS))
    read = only(tmp_path, height=64, width=64).permute(1, 2, 0).numpy()
    assert np.abs(read.astype(int) - whole).max() <= 3


@pytest.mark.parametrize("ending", ["bmp", "gif", "jpeg", "jpg", "pgm", "png", "tif", "tiff", "webp"])
def test_files_of_every_format_are_read(tmp_path: Path, ending: str) -> None:
    save(tmp_path / "train" / f"a.{ending}", np.full((4, 4), 200))
    assert only(tmp_path, channels=1, height=4, width=4).unique().tolist() == pytest.approx([200], abs=2)


ALIASES = {"jfif": "JPEG", "jpe": "JPEG", "avif": "AVIF"}


@pytest.mark.parametrize("ending", ALIASES)
def test_files_with_rarer_endings_are_read(tmp_path: Path, ending: str) -> None:
    if ending == "avif" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    save(tmp_path / "train" / f"a.{ending}", np.full((4, 4), 200), format=ALIASES[ending])
    assert only(tmp_path, channels=1, height=4, width=4).unique().tolist() == pytest.approx([200], abs=2)


# --- made to fit


def bands(*shades: int, height: int = 8, width: int = 8) -> np.ndarray[Any, Any]:
    """Vertical bands of one shade each, beside one another."""
    return np.concatenate([np.full((height, width), shade) for shade in shades], axis=1)


def test_padding_shows_all_of_a_picture_on_the_background(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a.png", bands(0, 200, 0))
    fitted = only(tmp_path, channels=3, height=24, width=24, fit="pad", background="#f00")
    assert torch.equal(fitted[:, 8:16], torch.from_numpy(bands(0, 200, 0)).byte().expand(3, 8, 24))
    assert fitted[0, :8].unique().tolist() == fitted[0, 16:].unique().tolist() == [255]
    assert fitted[1:, :8].unique().tolist() == fitted[1:, 16:].unique().tolist() == [0]


def test_a_line_is_padded_too(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a.png", np.zeros((1, 300)))
    fitted = only(tmp_path, channels=1, height=8, width=8, fit="pad")
    assert sorted(fitted.unique().tolist()) == [0, 255]
    assert (fitted == 0).sum() == 8


def test_stretching_distorts_a_picture(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a.png", bands(0, 200))
    fitted = only(tmp_path, channels=1, height=8, width=32, fit="stretch")
    assert fitted[0, :, :10].max() <= 5
    assert fitted[0, :, 22:].int().sub(200).abs().max() <= 5


@pytest.mark.parametrize(
    ("background", "colour"),
    [("white", [255, 255, 255]), ("#123", [17, 34, 51]), ("#2040A0", [32, 64, 160]), ("green", [0, 128, 0])],
)
def test_what_is_clear_shows_the_background(tmp_path: Path, background: str, colour: list[int]) -> None:
    (tmp_path / "train").mkdir()
    clear("RGBA").save(tmp_path / "train" / "a.png")
    pixels = only(tmp_path, height=4, width=4, background=background)
    assert pixels[:, 0, 0].tolist() == [40, 40, 40]
    assert pixels[:, -1, -1].tolist() == colour


@pytest.mark.parametrize(
    ("ink", "ground"),
    [((255, 255, 255), 0), ((240, 240, 240), 0), ((200, 200, 200), 255), ((255, 255, 0), 255), ((0, 0, 0), 255)],
)
def test_an_automatic_background_is_dark_where_white_would_hide_the_picture(
    tmp_path: Path, ink: tuple[int, int, int], ground: int
) -> None:
    picture = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    picture.paste((*ink, 255), (2, 2, 6, 6))
    (tmp_path / "train").mkdir()
    picture.save(tmp_path / "train" / "a.png")
    pixels = only(tmp_path, height=8, width=8, background="auto")
    assert pixels[:, 0, 0].tolist() == [ground] * 3
    assert pixels[:, 4, 4].tolist() == list(ink)


@pytest.mark.parametrize("how", ["opaque", "invisible"])
def test_an_automatic_background_is_white_where_nothing_asks_for_another(tmp_path: Path, how: str) -> None:
    (tmp_path / "train").mkdir()
    Image.new("RGBA", (16, 8), (255, 255, 255, 255 if how == "opaque" else 0)).save(tmp_path / "train" / "a.png")
    assert only(tmp_path, height=8, width=8, background="auto", fit="pad").unique().tolist() == [255]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("#ff", "has to be auto, a colour such as '#2040a0'"),
        ("blu", "Did you mean 'blue'"),
        (None, "has to stand in quotes, as # begins a comment in YAML"),
        (3, "valid string"),
    ],
)
def test_what_is_no_colour_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        folder(Path("anywhere"), background=wrong)


# --- with transparency


def test_transparency_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    picture = clear("RGBA")
    picture.putpixel((1, 0), (90, 90, 90, 128))
    picture.save(tmp_path / "train" / "a.png")
    pixels = only(tmp_path, channels=4, height=4, width=4, background="#102030")
    assert pixels[:, 0, 0].tolist() == [40, 40, 40, 255]
    assert pixels[:, 0, 1].tolist() == [90, 90, 90, 128]
    assert pixels[:, -1, -1].tolist() == [16, 32, 48, 0], "not the colour that the file hides"


def test_a_picture_without_transparency_is_opaque_but_for_its_padding(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a.png", bands(0, 200, 0))
    fitted = only(tmp_path, channels=4, height=24, width=24, fit="pad")
    assert fitted[3, 8:16].unique().tolist() == [255]
    assert fitted[3, :8].unique().tolist() == fitted[3, 16:].unique().tolist() == [0]
    assert fitted[:3, :8].unique().tolist() == [255]


def test_a_model_learns_to_draw_transparency(tmp_path: Path) -> None:
    for i in range(16):
        picture = Image.new("RGBA", (8, 8), (200, 10 * i, 50, 255))
        picture.paste((0, 0, 0, 0), (0, 0, 4, 8))
        (tmp_path / "pictures").mkdir(exist_ok=True)
        picture.save(tmp_path / "pictures" / f"{i}.png")
    settings = [*SMALL, "data.channels=4", "training.steps=2"]
    spec = parse(Registry(entry_points=False).recipe("pictures"), "pictures")
    run = validate(override(spec, [*settings, f"data.folder={tmp_path}/pictures"]))
    model = train(run, tmp_path / "run")
    assert model.sample(3, seed=0).shape == (3, 4, 8, 8)


@pytest.mark.parametrize("masked", [True, False])
def test_a_bmp_file_of_32_bits_is_transparent_where_its_header_says_which_bits_are(
    tmp_path: Path, masked: bool
) -> None:
    """The masks of version 4; without them the fourth byte means nothing."""
    header = struct.pack("<IiiHHIIiiII", 108 if masked else 40, 4, 4, 1, 32, 3 if masked else 0, 64, 0, 0, 0, 0)
    masks = struct.pack("<IIII52x", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) if masked else b""
    start = 14 + len(header) + len(masks)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.bmp").write_bytes(
        struct.pack("<2sIII", b"BM", start + 64, 0, start) + header + masks + bytes([90, 90, 90, 0]) * 16
    )
    assert only(tmp_path, channels=1, height=4, width=4).unique().tolist() == [255 if masked else 90]


# --- varied for training


def varied(pixels: Tensor, drawn: list[list[float]], **options: Any) -> Tensor:
    return folder(Path("anywhere"), **options).augment(pixels, lambda count: torch.tensor(drawn)[:count])


PAIR = torch.randint(256, (2, 3, 6, 8), dtype=torch.uint8)


def test_half_of_the_pictures_are_mirrored() -> None:
    flipped = varied(PAIR, [[0.2, 0.7], [0.5, 0.5], [0.5, 0.5]], flip=True)
    assert torch.equal(flipped, torch.stack([PAIR[0].flip(2), PAIR[1]]))


def test_pictures_move_by_whole_pixels_and_repeat_their_edges() -> None:
    """By at most a quarter of 6 rows and of 8 columns: one row, two columns."""
    moved = varied(PAIR, [[0.0, 0.0], [0.99, 0.0], [0.99, 0.0]], shift=0.25)
    assert torch.equal(moved[0, :, 1:, 2:], PAIR[0, :, :-1, :-2])
    assert torch.equal(moved[0, :, 0, 2:], PAIR[0, :, 0, :-2])
    assert torch.equal(moved[0, :, 1:, 1], PAIR[0, :, :-1, 0])
    assert torch.equal(moved[1, :, :-1, :-2], PAIR[1, :, 1:, 2:])
    assert torch.equal(moved[1, :, -1, :-2], PAIR[1, :, -1, 2:])


def test_each_way_to_move_is_as_likely_as_any_other() -> None:
    drawn = torch.rand(3, 9000, generator=torch.Generator().manual_seed(0))
    column = torch.arange(16, dtype=torch.uint8).expand(9000, 1, 16, 16)
    moved = folder(Path("anywhere"), shift=0.25).augment(column, lambda count: drawn[:count])
    found = moved[:, 0, 8, 8].bincount(minlength=16)
    assert found[:4].sum() == found[13:].sum() == 0
    assert found[4:13].sub(1000).abs().max() < 150, "8 - 4 to 8 + 4, a thousand each, within five deviations"


def test_only_training_sees_pictures_varied(tmp_path: Path) -> None:
    for split in ("train", "test"):
        save(tmp_path / split / "a.png", np.indices((8, 8))[1] * 30)
    plain, changed = folder(tmp_path), folder(tmp_path, flip=True, shift=0.2)
    for split in get_args(Split):
        assert torch.equal(plain.load(split).pixels, changed.load(split).pixels)
    assert plain.augment(PAIR, lambda count: pytest.fail("draws in vain")) is PAIR


def test_runs_that_vary_pictures_are_measured_on_the_same_as_those_that_do_not() -> None:
    plain, changed = folder(Path("a")), folder(Path("a"), flip=True, shift=0.1, range=(-1.0, 1.0))
    assert same_pictures(plain) == same_pictures(changed)
    assert same_pictures(plain) != same_pictures(folder(Path("a"), fit="pad"))


def test_a_resumed_run_varies_its_pictures_as_the_uninterrupted_one_does(tmp_path: Path) -> None:
    for i in range(24):
        save(tmp_path / "pictures" / f"{i}.png", np.random.default_rng(i).integers(256, size=(8, 8)))
    spec = parse(Registry(entry_points=False).recipe("pictures"), "pictures")
    varied = ["data.flip=true", "data.shift=0.2", "training.schedule=constant"]
    settings = [*SMALL, f"data.folder={tmp_path}/pictures", *varied]

    def go(steps: int, out: str, *more: str, resume: bool = False) -> dict[str, Tensor]:
        run = validate(override(spec, [*settings, f"training.steps={steps}", *more]))
        return train(run, tmp_path / out, resume=resume).state_dict()

    whole, plain = go(4, "whole"), go(4, "plain", "data.flip=false", "data.shift=0.0")
    go(2, "parts")
    resumed = go(4, "parts", resume=True)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert any(not torch.equal(whole[name], plain[name]) for name in whole), "and it makes a difference"


# --- which value is white


def ramp(most: int) -> np.ndarray[Any, Any]:
    return np.linspace(0, most, 256).round().reshape(16, 16)


def pgm(most: int) -> bytes:
    """A binary PGM whose header says what is white."""
    return f"P5 16 16 {most}\n".encode() + ramp(most).astype(">u2").tobytes()


DEEP: dict[str, tuple[Callable[[Path], object], float | None]] = {
    "a.png": (lambda path: Image.fromarray(ramp(65535).astype(np.uint16)).save(path), None),
    "10 bits.png": (lambda path: Image.fromarray(ramp(1023).astype(np.uint16)).save(path), 1023),
    "12 bits.png": (lambda path: Image.fromarray(ramp(4095).astype(np.uint16)).save(path), 4095),
    "12 bits.tif": (lambda path: Image.fromarray(ramp(4095).astype(np.uint16)).save(path), 4095),
    "32 bits.tif": (lambda path: Image.fromarray(ramp(99999).astype(np.int32)).save(path), 99999),
    "float.tif": (lambda path: Image.fromarray((ramp(255) / 255).astype(np.float32)).save(path), 1),
    "16 bits.pgm": (lambda path: path.write_bytes(pgm(65535)), None),
    "12 bits.pgm": (lambda path: path.write_bytes(pgm(4095)), None),
    "12 bits too.pgm": (lambda path: path.write_bytes(pgm(4095)), 1023),
}
"""Files of more than 8 bits with a ramp from black to white, and what is given as white."""


@pytest.mark.parametrize("name", DEEP)
def test_a_ramp_of_more_than_8_bits_goes_from_black_to_white(tmp_path: Path, name: str) -> None:
    write, white = DEEP[name]
    (tmp_path / "train").mkdir()
    write(tmp_path / "train" / name)
    pixels = only(tmp_path, channels=1, height=16, width=16, white=white)
    assert (pixels.flatten().int() - torch.arange(256)).abs().max() <= 1


def test_what_is_above_white_is_white_and_what_is_no_number_black(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    values = np.array([[-1, 0.5], [2, np.nan]], dtype=np.float32)
    Image.fromarray(values).save(tmp_path / "train" / "a.tif")
    assert only(tmp_path, channels=1, height=2, width=2, white=1).flatten().tolist() == [0, 128, 255, 0]


def test_8_bits_say_themselves_what_is_white(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a.png", np.full((4, 4), 90))
    assert only(tmp_path, channels=1, height=4, width=4, white=100).unique().tolist() == [90]


# --- what cannot be read


def spoil(path: Path, how: str) -> None:
    whole = path.read_bytes()
    contents = {
        "cut off": whole[: len(whole) // 2],
        "no picture": b"Hello, I am a text.",
        "empty": b"",
        "a program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n",
    }
    path.write_bytes(contents[how])


@pytest.mark.parametrize("how", ["cut off", "no picture", "empty", "a program"])
@pytest.mark.parametrize("limit", [2**30, 0])
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, limit: int
) -> None:
    """In memory at once, and else when its batch is asked for, on one line, also where a worker finds out."""
    monkeypatch.setattr(data, "IN_MEMORY", limit)
    fill(tmp_path / "train", 8, side=32)
    fill(tmp_path / "test", 1)
    spoil(tmp_path / "train" / "003.png", how)
    with pytest.raises(ValueError, match=rf"^{tmp_path}/train/003.png: cannot be read as a picture: [^\n]+$"):
        batches_from(folder(tmp_path).load("train"), batch_size=8, seed=0, start=0, device=torch.device("cpu"))(0)


def shades_and_classes(pictures: Folder) -> list[tuple[int, int]]:
    loaded = pictures.load("train")
    if isinstance(loaded, Images):
        return list(zip(shades(loaded), loaded.factors["class"].tolist(), strict=True))
    items: list[Any] = [loaded[i] for i in range(len(loaded))]  # type: ignore[arg-type]
    return [(int(pixels[0, 0, 0]), known["class"]) for pixels, known in items]


@pytest.mark.parametrize("in_memory", [True, False])
def test_bad_pictures_may_be_left_out_with_a_warning_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    """In memory they are gone; else the next one stands in for each, with its own class."""
    monkeypatch.setattr(data, "IN_MEMORY", 2**30 if in_memory else 0)
    for top in ("train", "test"):
        fill(tmp_path / top / "cats", 5)
        fill(tmp_path / top / "dogs", 5, first=5)
    for number in ("004", "009"):
        spoil(next((tmp_path / "train").glob(f"*/{number}.png")), "empty")
    pictures = folder(tmp_path, classes=("cats", "dogs"), on_bad_image="skip", bad_share=0.2)
    with pytest.warns(RuntimeWarning, match="left out: .*: cannot be read as a picture") as said:
        found = shades_and_classes(pictures)
    whole = [(shade, int(shade >= 5)) for shade in (0, 1, 2, 3, 5, 6, 7, 8)]
    assert found == (whole if in_memory else [*whole[:4], (5, 1), *whole[4:], (0, 0)])
    assert len(said) == 2


@pytest.mark.filterwarnings("ignore:left out")
def test_more_bad_pictures_than_were_allowed_are_an_error(tmp_path: Path) -> None:
    fill(tmp_path / "train", 10)
    fill(tmp_path / "test", 1)
    for number in ("002", "005", "007"):
        spoil(tmp_path / "train" / f"{number}.png", "no picture")
    with pytest.raises(ValueError, match=r"007.png: .*; that is 3 of 10 pictures, and bad_share puts up with 2$"):
        folder(tmp_path, on_bad_image="skip", bad_share=0.2).load("train")


def test_a_folder_that_is_named_like_a_picture_is_a_folder(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "a.png", 3)
    fill(tmp_path / "test", 1)
    assert shades(folder(tmp_path).load("train")) == [0, 1, 2]


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "train" / "a.png", np.zeros((40, 40)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 700)
    with pytest.raises(ValueError, match=r"train/a.png: cannot be read as a picture: .*decompression bomb"):
        only(tmp_path, height=8, width=8)


def test_a_picture_that_does_not_say_what_is_white_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    Image.fromarray(np.ones((4, 4), dtype=np.float32)).save(tmp_path / "train" / "a.tif")
    with pytest.raises(ValueError, match=r"train/a.tif: cannot be read as a picture: it has 32 bits a pixel"):
        only(tmp_path, height=8, width=8)


# --- recipes


@pytest.mark.parametrize(
    ("recipe", "networks", "side"),
    [("pictures", "dcgan", 64), ("pictures-small", "dcgan", 32), ("pictures-resnet", "resnet", 64)],
)
def test_a_recipe_for_ones_own_pictures_is_a_valid_run(recipe: str, networks: str, side: int) -> None:
    run = validate(parse(Registry(entry_points=False).recipe(recipe), recipe))
    assert run.data == Folder(folder="pictures", height=side, width=side)
    assert {run.model.generator.kind, run.model.body.kind} == {networks}


@pytest.mark.parametrize("recipe", ["pictures", "pictures-small", "pictures-resnet"])
def test_a_recipe_for_ones_own_pictures_has_no_batch_norm_right_below_the_heads(recipe: str) -> None:
    """It would hide from D a ground that is too dark in all of G's pictures."""
    run = validate(parse(Registry(entry_points=False).recipe(recipe), recipe))
    with torch.device("meta"):
        body = run.model.body.build(run.model.image)
    assert not [layer for layer in body.modules() if isinstance(layer, torch.nn.BatchNorm1d)]
