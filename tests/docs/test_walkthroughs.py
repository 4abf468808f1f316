"""First steps and the tutorial, followed from beginning to end: what they show is typed, and what comes out compared.

Training is cut short, and nothing is installed: the plugin of the tutorial is put where installing would put it. All
else is done as a reader does it.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest

import infogan
from infogan.app.command_line import main
from infogan.registry import default
from infogan.testing import check_code

ROOT = Path(infogan.__file__).parent
SHORT = ["training.steps=3", "training.batch_size=16", "data.n=64", "data.n_test=64"]
"""Settings that are added to whatever is trained."""

ENVIRONMENT = {"python -m venv .venv", ". .venv/bin/activate", "pip install '.[metrics]'"}
"""What makes an environment, which the tests have."""


def inside(text: str) -> set[str]:
    """The lines of a text, wherever they begin."""
    return {line.strip() for line in text.splitlines()}


NUMBER = r"\d+\.\d+"
"""A figure in a message, whose last digits another processor may round otherwise."""


class Reader:
    """Follows a page in an empty folder.

    The commands of a console are run, and its other lines have to be among what they print. Python is run. Python or
    YAML that begins with the path of a file of the plugin is written there; other YAML has to be in my.yaml, and TOML
    in pyproject.toml. A diff changes the plugin's code. Where a block of text follows one of Python, or a diff, this
    ends in an error with that message, and the change is taken back.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys
        self.names: dict = {}
        self.errors = 0

    def follow(self, page: str) -> None:
        text = (ROOT / "docs" / page).read_text()
        told = re.findall(r"^```(\w+)\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", text, re.DOTALL | re.MULTILINE)
        for language, block, said in told:
            getattr(self, f"do_{language}")(block, said.strip())

    def do_console(self, block: str, said: str) -> None:
        commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
        assert commands, block
        for command, shown in commands:
            printed = self.type(command)
            assert inside(shown) <= inside(printed), f"$ {command}\n{printed}"

    def do_python(self, block: str, said: str) -> None:
        if self.is_file(block):
            return self.write(block)
        if said:
            self.fails(said, block)
        else:
            exec(compile(block, "page", "exec"), self.names)
        return None

    def do_yaml(self, block: str, said: str) -> None:
        if self.is_file(block):
            self.write(block)
        else:
            assert inside(block) <= inside((self.folder / "my.yaml").read_text())

    def do_diff(self, block: str, said: str) -> None:
        """On the one file that has what is taken out."""
        old, new = ("".join(line[1:] for line in block.splitlines(True) if line[0] == sign) for sign in "-+")
        (file,) = [path for path in self.folder.glob("*/*/*.py") if path.read_text().count(old) == 1]
        before = file.read_text()
        self.change(file, before.replace(old, new))
        if said:
            code = "from infogan_cyclic import CyclicCode\ncheck_code(CyclicCode())"
            self.fails(said, code, check_code=check_code)
            self.change(file, before)

    def do_toml(self, block: str, said: str) -> None:
        assert block in next(self.folder.glob("*/pyproject.toml")).read_text()

    def do_text(self, block: str, said: str) -> None:
        """What a run prints, which differs from run to run."""

    def fails(self, said: str, code: str, **names: object) -> None:
        self.errors += 1
        pattern = rf"({NUMBER})".join(map(re.escape, re.split(NUMBER, said)))
        with pytest.raises(Exception, match=f"^{pattern}$") as caught:
            exec(compile(code, "page", "exec"), {**self.names, **names})
        measured, told = (list(map(float, re.findall(NUMBER, text))) for text in (str(caught.value), said))
        assert measured == pytest.approx(told, rel=0.02)

    def is_file(self, block: str) -> bool:
        return re.match(r"# \S+/\S+\.(py|yaml)\n", block) is not None

    def write(self, block: str) -> None:
        path = block.partition("\n")[0].removeprefix("# ")
        (there,) = self.folder.glob(f"*/{path}")
        self.change(there, block)

    def change(self, file: Path, text: str) -> None:
        """Write a file of the plugin; whoever uses it next is in a new Python."""
        file.write_text(text)
        for module in [name for name in sys.modules if name.partition(".")[0] == "infogan_cyclic"]:
            del sys.modules[module]
        importlib.invalidate_caches()
        default.cache_clear()

    def type(self, command: str) -> str:
        """Run a command; what it prints."""
        if command in ENVIRONMENT:
            return ""
        words = shlex.split(command)
        if words[:3] == ["pip", "install", "--editable"]:
            return self.install(self.folder / words[3].partition("[")[0])
        if words[0] == "infogan":
            return self.infogan(words[1:])
        if words[0] == "python":
            words[0] = sys.executable
        path = os.pathsep.join([*sys.path, str(ROOT.parent)])
        environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        shell = command if ">" in words else shlex.join(words)
        done = subprocess.run(shell, shell=True, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def infogan(self, words: list[str]) -> str:
        """In this process; after ``>`` comes the file for what it prints."""
        words, file = (words[:-2], words[-1]) if ">" in words else (words, None)
        if words[0] == "train":
            words = [*words, *(word for setting in SHORT for word in ("--set", setting))]
        self.monkeypatch.setattr(sys, "argv", ["infogan", *words])
        with warnings.catch_warnings():
            try:
                code = main()
            except SystemExit as end:
                code = end.code
        assert code in (None, 0, 2), words
        printed, errors = self.capsys.readouterr()
        if file:
            Path(file).write_text(printed)
        return printed + errors

    def install(self, folder: Path) -> str:
        """The metadata that installing would write, made from pyproject.toml, and both folders on the path."""
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        info = self.folder / "installed" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir(parents=True)
        named = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        (info / "METADATA").write_text(named)
        ((name, module),) = project["entry-points"]["infogan"].items()
        (info / "entry_points.txt").write_text(f"[infogan]\n{name} = {module}\n")
        for path in (info.parent, folder):
            self.monkeypatch.syspath_prepend(path)
        self.monkeypatch.setenv("INFOGAN_PLUGINS", name)
        default.cache_clear()
        return ""


@pytest.fixture
def reader(tmp_path, monkeypatch, capsys):
    """A reader with nothing installed, whose training is cut short."""
    read_run = infogan.read_run
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INFOGAN_PLUGINS", "")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(infogan, "read_run", lambda spec, settings=(): read_run(spec, [*settings, *SHORT]))
    default.cache_clear()
    reader = Reader(tmp_path, monkeypatch, capsys)
    yield reader
    reader.change(tmp_path / "end", "")


def test_first_steps(reader):
    reader.follow("first-steps.md")
    run = reader.folder / "runs" / "my"
    page = (ROOT / "docs/first-steps.md").read_text()
    for name in re.findall(
        r"^\| `([^`]+)` \|", page.partition("| in `runs/my`")[2].partition("## Steer")[0], re.MULTILINE
    ):
        assert (run / name).exists()
    assert (reader.folder / "three.png").exists()
    assert (reader.folder / "orbit.gif").exists()
    assert (reader.folder / "runs" / "again" / "model").is_dir()


def test_plugin_tutorial(reader):
    reader.follow("plugin-tutorial.md")
    assert reader.errors >= 5
    component = next(reader.folder.glob("infogan-cyclic/*/component.py"))
    assert len(component.read_text().splitlines()) <= 40
    assert (reader.folder / "directions.png").exists()
    assert default().find("code", "cyclic").__module__ == "infogan_cyclic.component"
