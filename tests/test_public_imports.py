"""What examples, template and guides import of infogan is public, so that no later move breaks a plugin."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import public
import pytest

ROOT = Path(__file__).parents[1]
GUIDES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
SOURCES = sorted([*ROOT.glob("examples/**/*.py"), *ROOT.glob("app/templates/**/*.py"), *GUIDES])


def code_of(source: Path) -> Iterator[str]:
    """A module's text, or that of each block of Python in a page."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".md":
        yield from re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    else:
        yield text


def private_imports(code: str) -> Iterator[str]:
    """What a piece of code imports of infogan that is not public."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            ours = [alias.name for alias in node.names if alias.name.split(".")[0] == "infogan"]
            yield from (name for name in ours if name not in public.MODULES)
        elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "infogan":
            names = importlib.import_module(node.module).__all__ if node.module in public.MODULES else []
            imported = [(f"{node.module}.{alias.name}", alias.name) for alias in node.names]
            yield from (whole for whole, name in imported if name not in names and whole not in public.MODULES)


def test_what_is_not_public_is_found() -> None:
    code = "import infogan, infogan.core\nfrom infogan import Code, Codes\nfrom infogan.core.data import Images\n"
    assert list(private_imports(code)) == ["infogan.core", "infogan.Codes", "infogan.core.data.Images"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_public_names_are_enough(source: Path) -> None:
    assert not [name for code in code_of(source) for name in private_imports(code)]
