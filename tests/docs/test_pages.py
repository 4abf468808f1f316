"""The code in the README and in the docs runs, and their links lead somewhere."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import pytest
from command_line import commands

import infogan
from infogan.app.command_line import app
from infogan.files.strict_yaml import parse
from infogan.registry import Registry
from infogan.training.spec_text import validate

ROOT = Path(__file__).parents[2]
DOCS = sorted(ROOT.glob("docs/**/*.md"))
PAGES = sorted(ROOT.glob("*.md")) + DOCS
README = (ROOT / "README.md").read_text()

WALKTHROUGHS = ("first-steps.md", "plugin-tutorial.md")
"""Pages that are followed from beginning to end, with all that they tell a reader to do (test_walkthroughs.py)."""


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def path_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


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


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in WALKTHROUGHS], ids=path_of)
def test_whole_specs_are_valid(page):
    for text in blocks(page.read_text(), "yaml"):
        if re.search(r"^model:", text, re.MULTILINE):
            validate(parse(text, page.name), Registry(entry_points=False))


def test_the_readme_quotes_the_example_plugin_as_it_is():
    module = (ROOT / "examples/plugins/infogan-ordinal/infogan_ordinal.py").read_text()
    assert module.strip() in README


@pytest.mark.parametrize("name", sorted(m.name for m in pkgutil.walk_packages(infogan.__path__, "infogan.")))
def test_the_examples_in_docstrings_run(name):
    if not name.startswith(("infogan.tests", "infogan.benchmarks", "infogan.docs", "infogan.examples")):
        assert doctest.testmod(importlib.import_module(name)).failed == 0


def run_with_what_it_says(code: str, said: str, names: dict, page: str) -> None:
    """Run a block of Python; one that is followed by a block of text ends in an error with that message."""
    if not said:
        exec(compile(code, page, "exec"), names)
        return
    with pytest.raises(Exception, match=rf"^{re.escape(said.strip())}$"):
        exec(compile(code, page, "exec"), names)


@pytest.mark.parametrize("page", [page for page in DOCS if page.name not in WALKTHROUGHS], ids=path_of)
def test_the_python_of_the_docs_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    told = re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", page.read_text(), re.DOTALL | re.MULTILINE)
    assert len(told) == len(blocks(page.read_text(), "python"))
    for code, said in told:
        run_with_what_it_says(code, said, names, page.name)


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


@pytest.mark.parametrize("page", PAGES, ids=path_of)
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


def test_the_readme_names_every_command():
    used = {found.split()[0] for found in invocations(README)}
    assert used == {command.name.split()[1] for command in commands(app)}


def invocations(text: str) -> list[str]:
    """What stands after ``infogan`` wherever a page shows a command: in a console, in indented lines, in a sentence."""
    text = re.sub(r"\\\n *", "", text)  # a line that goes on in the next one
    shown = re.findall(r"^(?:\$ |    )(?:\w+=\S* )?infogan (.*)$", text, re.MULTILINE)
    fenced = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return shown + [" ".join(found.split()) for found in re.findall(r"`infogan ([a-z][^`]*)`", fenced)]


def unknown_words(invocation: str) -> list[str]:
    """Of a command line: the command, if there is none of that name, and the options that it does not have."""
    words = shlex.split(invocation, comments=True)
    known = {tuple(command.name.split()[1:]): command for command in commands(app)}
    command = known.get(tuple(words[:2])) or known.get(tuple(words[:1]))
    if command is None:
        return words[:1]
    options = {parameter.name for parameter in command.parameters}
    return [word for word in words if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in options]


@pytest.mark.parametrize("page", PAGES, ids=path_of)
def test_every_command_and_option_that_a_page_shows_exists(page):
    for invocation in invocations(page.read_text()):
        assert not unknown_words(invocation), f"infogan {invocation}"


@pytest.mark.parametrize(
    ("invocation", "unknown"),
    [
        ("train my.yaml --set training.steps=2000  # a comment", []),
        ("traverse runs/my --code u --range -2,2", []),
        ("plugin new gray-level --role head", []),
        ("train my.yaml --resumed", ["--resumed"]),
        ("sample runs/my -k 4", ["-k"]),
        ("trane my.yaml", ["trane"]),
        ("plugin old name", ["plugin"]),
    ],
)
def test_commands_and_options_that_do_not_exist_are_noticed(invocation, unknown):
    assert unknown_words(invocation) == unknown


@pytest.mark.parametrize("page", PAGES, ids=path_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
