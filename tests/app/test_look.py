"""What the networks are fed, looked at before any training."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset

from infogan.app.command_line import main
from infogan.app.look import Findings, columns, look, look_page
from infogan.core.data import Images
from infogan.plugins.folder import Folder
from infogan.plugins.sprites import Sprites


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a command: exit code, output, errors."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["infogan", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return run


def noise(seed: int, *, height: int = 8, width: int = 8) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(256, size=(height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder with one thing of each sort that may be odd, beside ten pictures that are not, and two held out."""
    top = tmp_path / "odd"
    for part in ("train", "val"):
        (top / part).mkdir(parents=True)
    for i in range(10):
        noise(i).save(top / "train" / f"{i}.png")
    for i in (20, 21):
        noise(i).save(top / "val" / f"{i}.png")
    noise(3).save(top / "train" / "again.png")
    noise(4).save(top / "val" / "leak.png")
    Image.new("RGBA", (8, 8), (255, 255, 255, 0)).save(top / "train" / "white.png")
    Image.new("L", (8, 8), 17).save(top / "train" / "gray.png")
    noise(30, width=40).save(top / "train" / "wide.png")
    noise(31, width=10).save(top / "train" / "not so wide.png")
    (top / "train" / "broken.png").write_bytes((top / "train" / "0.png").read_bytes()[:60])
    for other in ("notes.txt", "more.TXT", "LICENSE", "aside/5.png"):
        (top / other).parent.mkdir(exist_ok=True)
        noise(5).save(top / other, "PNG")
    return top


def looked(folder: Path, **options: Any) -> Findings:
    return look(Folder(folder=str(folder), height=8, width=8, **options), batch_size=4)


def test_all_that_is_odd_is_found(odd: Path) -> None:
    found = looked(odd)
    train, test = found.splits["train"], found.splits["test"]
    assert (train.pictures, test.pictures) == (15, 3)
    assert train.sizes == {"8x8": 13, "40x8": 1, "10x8": 1}
    assert train.modes == {"RGB": 13, "RGBA": 1, "L": 1}
    assert list(train.unreadable) == ["train/broken.png"]
    assert train.flat == ["train/gray.png", "train/white.png"]
    assert train.cut == {"train/wide.png": pytest.approx(0.8)}
    assert train.doubles == [["train/3.png", "train/again.png"]]
    assert [(both.train, both.test) for both in found.in_both_splits] == [(["train/4.png"], ["val/leak.png"])]
    assert found.ignored_files == {".txt": 2, "files without an ending": 1, "pictures in no split": 1}
    assert "train/broken.png: cannot be read" in found.stops


def test_what_is_put_right_is_found_no_more(odd: Path) -> None:
    (odd / "train" / "broken.png").unlink()
    found = looked(odd, fit="pad", background="black")
    assert not found.splits["train"].cut
    assert not found.stops


def test_those_that_cannot_be_read_stop_training_unless_they_are_few_and_may_be_left_out(odd: Path) -> None:
    assert not looked(odd, on_bad_image="skip", bad_share=0.1).stops
    assert "broken.png" in looked(odd, on_bad_image="skip", bad_share=0.01).stops


def test_too_few_pictures_for_a_batch_stop_training() -> None:
    data = Sprites(size=8, n=3, n_test=2, scale=(0.3, 0.4))
    assert look(data, batch_size=4).stops == "a batch of 4 needs at least as many pictures; there are 3 to learn from"
    assert not look(data, batch_size=3).stops


def test_any_data_are_looked_at_by_number() -> None:
    """What a kind does not tell of its pictures is left out: they are as large as they are fed."""
    found = look(Sprites(size=16, n=20, n_test=6), batch_size=4)
    assert found.splits["train"].pictures == 20
    assert found.splits["test"].sizes == {"16x16": 6}
    assert not found.splits["train"].modes
    assert not found.ignored_files


class Rows(Sprites):
    """The same, item by item; the third one cannot be read."""

    def load(self, split: Any) -> Any:
        whole: Images = super().load(split)

        class Items(Dataset[Any]):
            def __len__(self) -> int:
                return len(whole)

            def __getitem__(self, index: int) -> Any:
                if index == 2:
                    raise OSError("the disk is gone")
                return whole.pixels[index], {}

        return Items()


def test_items_that_are_read_one_by_one_may_fail_one_by_one() -> None:
    found = look(Rows(size=16, n=20, n_test=6), batch_size=4)
    assert found.splits["train"].unreadable == {"2": "the disk is gone"}
    assert found.splits["train"].pictures == 19
    assert found.stops == "the disk is gone"


def test_the_page_shows_pictures_of_both_splits_and_a_row_for_all_that_is_odd(odd: Path) -> None:
    found = looked(odd)
    titles = [panel.title for panel in found.panels]
    assert titles == [
        "train: of 15 pictures, 3x8x8, as the networks are fed them",
        "train: flat, or nearly so: 2",
        "train: more than a third is cut off: 1",
        "train: there more than once: 1",
        "test: of 3 pictures, 3x8x8, as the networks are fed them",
        "in both splits: 1",
    ]
    captions = [list(panel.caption) for panel in found.panels]
    assert captions[1:4] == [
        ["train/gray.png", "train/white.png"],
        ["train/wide.png: 80%"],
        ["train/3.png = train/again.png"],
    ]
    assert captions[5] == ["train/4.png = val/leak.png"]
    assert [panel.framed for panel in found.panels] == [15, 2, 1, 1, 3, 1]
    assert min(look_page(found).size) > 300


def test_the_page_of_many_pictures_is_no_longer_than_that_of_some() -> None:
    small, large = (look_page(look(Sprites(size=16, n=n, n_test=100), batch_size=4)) for n in (100, 500))
    assert small.size == large.size


def test_the_page_shows_how_training_varies_pictures(odd: Path) -> None:
    varied = next(panel for panel in looked(odd, flip=True, shift=0.2).panels if "varies" in panel.title)
    assert varied.images.shape == (3, 10, 3, 8, 8)
    assert not torch.equal(varied.images[0], varied.images[1])


def test_pictures_of_any_width_stand_on_a_page() -> None:
    assert [columns(width) for width in (28, 128, 256, 512, 4096)] == [10, 9, 4, 2, 2]


def test_the_command_prints_what_is_odd_and_which_option_helps(odd: Path, run: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    code, out, errors = run("look", spec(odd), "--out", page)
    assert code == 0
    for said in ("more than a third is cut off", "fit: pad", "train/wide.png", "background: auto", "on_bad_image"):
        assert said in out
    assert "training would stop" in errors
    assert errors.endswith(f"{page}\n")
    with Image.open(page) as drawn:
        assert drawn.format == "PNG"


def test_the_command_prints_json_alone(odd: Path, run: Any, tmp_path: Path) -> None:
    code, out, _ = run("look", spec(odd), "--json", "--out", tmp_path / "page.png")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {"data", "image", "splits", "in_both_splits", "ignored_files", "stops"}
    assert found["splits"]["train"]["pictures"] == 15
    assert found["in_both_splits"] == [{"train": ["train/4.png"], "test": ["val/leak.png"]}]


def test_validation_goes_through_the_data_where_it_is_asked_to(odd: Path, run: Any) -> None:
    assert run("validate", spec(odd))[:2] == (0, f"{spec(odd)}: valid\n")
    code, out, errors = run("validate", spec(odd), "--data")
    assert code == 2
    assert "flat, or nearly so" in out
    assert "train/broken.png: cannot be read" in errors
    (odd / "train" / "broken.png").unlink()
    code, out, _ = run("validate", spec(odd), "--data")
    assert code == 0
    assert out.endswith(f"{spec(odd)}: valid\n")


def test_names_are_shown_as_they_are_and_never_obeyed(odd: Path, run: Any, tmp_path: Path) -> None:
    """Neither what a terminal takes for a command, nor what rich takes for a style."""
    Image.new("L", (8, 8)).save(odd / "train" / "[red]a\x1b[2J.png")
    code, out, _ = run("look", spec(odd), "--out", tmp_path / "page.png")
    assert code == 0
    assert "\x1b" not in out
    assert "[red]a" in out


def spec(folder: Path) -> Path:
    """A run on the pictures of a folder, as a file beside it."""
    path = folder.parent / "odd.yaml"
    path.write_text(f"""
model:
  image: {{channels: 3, height: 8, width: 8}}
  noise: {{kind: normal, size: 4}}
  codes: {{u: {{kind: uniform}}}}
  generator: {{kind: dcgan, width: 8}}
  body: {{kind: dcgan, width: 8, hidden: 16}}
  head: {{kind: linear}}
  losses:
    adversarial: {{kind: non_saturating}}
    information: {{kind: mutual_information}}
data: {{kind: folder, folder: {folder}, height: 8, width: 8}}
training: {{batch_size: 8}}
""")
    return path
