"""The code in the README and in the docs runs, and their links lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import infogan
from infogan.app.command_line import app
from infogan.registry import Registry
from infogan.training.spec_text import validate
from infogan.training.strict_yaml import parse

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
README = (ROOT / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_twelve_lines_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = blocks(README, "python")[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    short = ["training.steps=3", "training.batch_size=16", "data.n=64"]
    whole = infogan.read_run
    monkeypatch.setattr(infogan, "read_run", lambda name: whole(name, short))
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["pictures"].shape == (8, 1, 32, 32)
    assert (tmp_path / "models/sprites/model.json").is_file()


def test_the_specs_of_the_readme_are_valid():
    for text in blocks(README, "yaml"):
        validate(parse(text, "README.md"), Registry(entry_points=False))


def test_the_readme_quotes_the_example_plugin_as_it_is():
    module = (ROOT / "examples/plugins/infogan-ordinal/infogan_ordinal.py").read_text()
    assert module.strip() in README


@pytest.mark.parametrize("name", sorted(m.name for m in pkgutil.walk_packages(infogan.__path__, "infogan.")))
def test_the_examples_in_docstrings_run(name):
    if not name.startswith(("infogan.tests", "infogan.benchmarks", "infogan.docs", "infogan.examples")):
        assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_command_of_the_readme_exists():
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    used = set(re.findall(r"^\$ infogan (\w+)", README, re.MULTILINE))
    assert used == known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
