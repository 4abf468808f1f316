"""A rendered plugin is a plugin as it stands: it installs, keeps the contract, and is found, whatever its role."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import infogan
from infogan import Registry
from infogan.app.command_line import app
from infogan.app.new_plugin import PLACES, TEMPLATES, Role, new_plugin
from infogan.files.strict_yaml import parse
from infogan.registry import ROLES
from infogan.training.spec_text import validate

NAMES = {role: f"my-own-{role}" for role in Role}


def python(*command: object, path: list[Path]) -> str:
    """Run this Python with ``path``, and the package under test, on its path; its output is the message if it fails."""
    whole = [*path, Path(infogan.__file__).parents[1]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, whole)), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[Role, Path]:
    """The folder of a plugin of each role."""
    parent = tmp_path_factory.mktemp("rendered")
    return {role: new_plugin(name, role, parent / name) for role, name in NAMES.items()}


def test_there_is_a_template_for_each_role() -> None:
    assert set(Role) == set(ROLES)
    used = {template.format(role=role) for template in PLACES for role in Role}
    there = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*") if path.is_file()}
    assert {name for name in there if "__pycache__" not in name} == used


def test_their_own_tests_pass_unedited(rendered: dict[Role, Path]) -> None:
    tests = [folder / "tests" for folder in rendered.values()]
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir"]
    assert "passed" in python("-m", "pytest", *options, tests[0].parents[1], *tests, path=list(rendered.values()))


@pytest.mark.parametrize("role", Role)
def test_its_entry_point_leads_to_a_part_and_a_recipe(
    role: Role, rendered: dict[Role, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the metadata that installing writes, made from its pyproject.toml."""
    project = tomllib.loads((rendered[role] / "pyproject.toml").read_text())["project"]
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    ((name, module),) = project["entry-points"]["infogan"].items()
    (info / "entry_points.txt").write_text(f"[infogan]\n{name} = {module}\n")
    for folder in (tmp_path, rendered[role]):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("INFOGAN_PLUGINS", name)
    registry = Registry()
    part = registry.find(role, f"my_own_{role}")
    assert part.__name__ == f"MyOwn{role.capitalize()}{role.capitalize()}"
    provider = registry.provider(part)
    assert provider is not None
    assert str(provider) == f"my_own_{role} (infogan-my-own-{role} 0.1.0)"
    spec = validate(parse(registry.recipe(NAMES[role]), "recipe"), registry)
    parts = [*spec.model.codes.values(), *spec.model.losses.values(), spec.data]
    parts += [spec.model.noise, spec.model.generator, spec.model.body, spec.model.head]
    assert any(isinstance(used, part) for used in parts)


def test_it_installs_without_a_network(rendered: dict[Role, Path], tmp_path: Path) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"]
    python("-m", "pip", "install", *options, "--target", tmp_path, rendered[Role.LOSS], path=[])
    assert (tmp_path / "infogan_my_own_loss" / "recipe.yaml").is_file()
    assert any(path.name == "LICENSE" for path in tmp_path.glob("infogan_my_own_loss-0.1.0.dist-info/licenses/*"))
    program = "from infogan.registry import default; print(default().find('loss', 'my_own_loss').__module__)"
    assert python("-W", "error", "-c", program, path=[tmp_path]).strip() == "infogan_my_own_loss.component"


def test_ruff_finds_nothing(rendered: dict[Role, Path]) -> None:
    ruff = pytest.importorskip("ruff").find_ruff_bin()
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run([ruff, *command, *rendered.values()], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("role", Role)
def test_its_part_fits_forty_lines_and_no_word_is_left(role: Role, rendered: dict[Role, Path]) -> None:
    folder = rendered[role]
    assert len((folder / f"infogan_my_own_{role}" / "component.py").read_text().splitlines()) <= 40
    for path in (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        text = f"{path.relative_to(folder)}\n{path.read_text()}"
        assert not re.search("plugin.name|PluginName|PLUGIN_|plugin_role", text)
        assert max(map(len, text.splitlines())) <= 120
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"README.md", "LICENSE", ".gitignore", ".github/workflows/tests.yml", "pyproject.toml"} <= written


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2d", "'2d' is no name for a plugin: it has to begin with a small letter"),
        ("a.b", "'a.b' is no name for a plugin"),
        ("../up", "'../up' is no name for a plugin"),
        ("Ordinal", "'Ordinal' is no name for a plugin"),
        ("a--b", "'a--b' is no name for a plugin"),
        ("", "'' is no name for a plugin"),
        ("a" * 31, "no longer than 30"),
        ("class", "'class' is no name for a plugin: it is a keyword of Python"),
        ("uniform", "infogan has a noise and a code of the name 'uniform'; a plugin needs one of its own"),
        ("fashion-mnist", "infogan has data and a recipe of the name 'fashion-mnist'"),
    ],
)
def test_a_wrong_name_is_one_clear_error(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"infogan has|no name") as caught:
        new_plugin(name, Role.CODE, tmp_path / "new")
    assert message in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["plugin", "new", "gray_level", "--role", "head"])
    assert done.exit_code == 0, done.output
    assert "infogan-gray-level" in done.output
    assert (tmp_path / "infogan-gray-level" / "infogan_gray_level" / "component.py").is_file()
    again = CliRunner().invoke(app, ["plugin", "new", "gray-level"])
    assert isinstance(again.exception, FileExistsError)
    assert "infogan-gray-level is there already; choose another folder with --out" in str(again.exception)
