"""The commands of the other pages, run one after the other as they stand, with training cut short."""

from __future__ import annotations

import os
import re
import shlex
import sys
import warnings
from pathlib import Path

import pytest
from PIL import Image

import infogan
from infogan.app.command_line import main
from infogan.evaluation import train_features
from infogan.plugins.sprites import Sprites
from infogan.registry import default

ROOT = Path(infogan.__file__).parent
SHORT = ["training.steps=3", "training.batch_size=16"]
FEW = [*SHORT, "data.n=64", "data.n_test=64"]
"""The same, of the rendered data sets, whose size can be asked for."""

MNIST = Path(os.environ.get("INFOGAN_DATA", "")) / "MNIST"
needs_mnist = pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST is not below INFOGAN_DATA")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Nothing installed, and features that are trained in a moment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INFOGAN_PLUGINS", "")
    monkeypatch.setitem(train_features.__kwdefaults__, "steps", 3)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    default.cache_clear()
    yield
    default.cache_clear()


@pytest.fixture
def type_in(monkeypatch, capsys):
    """Runs a command, which has to succeed; after ``>`` comes the file for what it prints."""

    def type_in(*words: str, settings: list[str] = FEW) -> None:
        words, file = (words[:-2], words[-1]) if ">" in words else (words, None)
        if words[0] in ("train", "sweep"):
            words = (*words, *(word for setting in settings for word in ("--set", setting)))
        if words[0] == "quality":
            words = (*words, "-n", "40")
        monkeypatch.setattr(sys, "argv", ["infogan", *words])
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(SystemExit) as end:
            main()
        printed, errors = capsys.readouterr()
        assert end.value.code == 0, f"infogan {shlex.join(words)}\n{errors}"
        if file:
            Path(file).write_text(printed)

    return type_in


def shown(page: str) -> list[list[str]]:
    """The words of each command that stands on a line of its own, in their order."""
    text = (ROOT / page).read_text()
    return [shlex.split(line, comments=True) for line in re.findall(r"^(?:\$ |    )infogan (.*)$", text, re.MULTILINE)]


def test_the_command_line_of_the_readme(type_in, tmp_path):
    (pixels, *more) = Sprites(n=40, n_test=1).load("train").pixels[:, 0].numpy()
    Image.fromarray(pixels).save("picture.png")
    (tmp_path / "photos").mkdir()
    for number, other in enumerate(more):
        Image.fromarray(other).save(tmp_path / "photos" / f"{number}.png")
    type_in("train", "sprites-regular", "--out", "runs/regular")
    commands = shown("README.md")
    assert len(commands) > 20
    for command in commands:
        words = [word.replace("/where/they/lie", str(tmp_path / "photos")) for word in command]
        type_in(*words, settings=SHORT if "mine.yaml" in words else FEW)
    left = {"walk.gif", "sample.png", "interpolation.png", "arithmetic.png", "comparison.png", "infogan.schema.json"}
    assert left <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "infogan-gray-level" / "pyproject.toml").is_file()


def test_the_commands_on_ones_own_pictures(type_in, tmp_path):
    """On the folder that the page makes; the file that cannot be read is removed where it says so."""
    page = ROOT / "docs/your-own-pictures.md"
    (made,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    exec(compile(made, page.name, "exec"), {})
    assert "$ rm /where/they/lie/cut-off.png" in page.read_text()
    for number, command in enumerate(shown("docs/your-own-pictures.md")):
        if number == 2:
            (tmp_path / "icons" / "cut-off.png").unlink()
        words = [word.replace("/where/they/lie", str(tmp_path / "icons")) for word in command]
        type_in(*words, settings=[*SHORT, "model.generator.width=8", "model.body.width=8"])
    assert (tmp_path / "look.png").is_file()
    assert (tmp_path / "traversal.png").is_file()


def test_the_commands_on_sprites_and_scenes(type_in, tmp_path):
    """Of the pages that compare and measure; whatever is trained comes first."""
    pages = ("docs/comparison.md", "docs/quality.md", "docs/gallery.md", "docs/results.md")
    commands = [words for page in pages for words in shown(page) if "mnist" not in " ".join(words)]
    run_all(type_in, commands, FEW)
    assert (tmp_path / "compare-sprites.png").is_file()
    assert (tmp_path / "runs" / "sprites-features").is_dir()


@needs_mnist
def test_the_commands_on_mnist(type_in, tmp_path):
    pages = ("docs/comparison.md", "docs/quality.md", "docs/gallery.md", "docs/results.md")
    commands = [words for page in pages for words in shown(page) if "mnist" in " ".join(words)]
    commands = [["train", "mnist"], *commands]  # which stands in a sentence of docs/results.md
    run_all(type_in, commands, SHORT)
    assert (tmp_path / "compare-mnist.png").is_file()


def run_all(type_in, commands: list[list[str]], settings: list[str]) -> None:
    """Each once, training first."""
    different = list(dict.fromkeys(map(tuple, commands)))
    for words in sorted(different, key=lambda words: words[0] != "train"):
        type_in(*words, settings=settings)
