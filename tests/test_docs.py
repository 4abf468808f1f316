"""The code in the README and in the docs runs, and their links lead somewhere."""

from __future__ import annotations

import ast
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


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=lambda page: page.name)
def test_the_python_of_the_docs_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for code in blocks(page.read_text(), "python"):
        exec(compile(code, page.name, "exec"), names)


def defined(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """Names that a module or a class defines, each with what it has inside."""
    found: dict[str, list[ast.stmt]] = {}
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = node.body
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: [] for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_functions_that_a_page_names_exist(page):
    named = re.findall(r"\[`([^`]+?)::([^`]+)`\]\(\.\./([^)]+)\)", page.read_text())
    assert len(named) == page.read_text().count(".py::"), f"{page.name}: write [`file.py::name`](../file.py)"
    for file, name, target in named:
        assert file == target
        inside = ast.parse((ROOT / file).read_text()).body
        for piece in name.split("."):
            assert piece in defined(inside), f"{page.name}: there is no {name} in {file}"
            inside = defined(inside)[piece]


def test_every_term_of_the_objective_is_derived():
    """Each game and each penalty, beside what computes it."""
    page = (ROOT / "docs/objective.md").read_text()
    terms = Registry(entry_points=False).components("loss")
    shown = {kind: term for kind, term in terms.items() if term.__module__.endswith((".losses", ".penalties"))}
    assert len(shown) >= 8
    for kind, term in shown.items():
        assert f".py::{term.__name__}`" in page, f"{kind} is not in docs/objective.md"


def test_every_command_of_the_readme_exists():
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    used = set(re.findall(r"^\$ infogan (\w+)", README, re.MULTILINE))
    assert used == known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
