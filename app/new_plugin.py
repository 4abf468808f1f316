"""A plugin to start from: a distribution that installs, with one part that works, its tests, and a recipe.

The templates in ``templates/plugin`` are Python, YAML and TOML that read as they are: ``common`` for every plugin, and
a folder for each role. A few words stand for names: ``plugin_name``, ``plugin-name``, ``PluginNameRole``,
``plugin_role`` and ``PLUGIN_ARTICLE``.
"""

from __future__ import annotations

import keyword
import re
from enum import StrEnum
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates" / "plugin"


class Role(StrEnum):
    """What a plugin's part can be."""

    CODE = "code"
    NOISE = "noise"
    GENERATOR = "generator"
    BODY = "body"
    HEAD = "head"
    LOSS = "loss"
    DATA = "data"


PLACES = {
    "common/pyproject.toml": "pyproject.toml",
    "common/README.md": "README.md",
    "common/LICENSE": "LICENSE",
    "common/gitignore": ".gitignore",
    "common/workflow.yml": ".github/workflows/tests.yml",
    "common/__init__.py": "infogan_plugin_name/__init__.py",
    "{role}/component.py": "infogan_plugin_name/component.py",
    "{role}/recipe.yaml": "infogan_plugin_name/recipe.yaml",
    "common/conftest.py": "tests/conftest.py",
    "common/test_plugin.py": "tests/test_plugin.py",
    "{role}/test_component.py": "tests/test_component.py",
}
"""Where each template goes."""


def new_plugin(name: str, role: Role, folder: Path | None = None) -> Path:
    """Write the distribution ``infogan-NAME`` into ``folder``, by default one of that name, and return the folder.

    ``name`` is the kind of its part: small letters, digits, and underscores or dashes between words. Raises ValueError
    for any other name and for one that infogan has itself, and FileExistsError where the folder is there.
    """
    module = _checked(name)
    dashed = module.replace("_", "-")
    folder = folder or Path(f"infogan-{dashed}")
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; choose another folder with --out")
    words = {
        "PluginNameRole": "".join(word.capitalize() for word in [*module.split("_"), role]),
        "PLUGIN_ARTICLE": "Some" if role is Role.DATA else "A",
        "plugin_name": module,
        "plugin-name": dashed,
        "plugin_role": str(role),
    }
    for template, place in PLACES.items():
        target = folder / _filled(place, words)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (TEMPLATES / template.format(role=role)).read_text(encoding="utf-8")
        target.write_text(_filled(text, words), encoding="utf-8")
    return folder


def _filled(text: str, words: dict[str, str]) -> str:
    """The words in their places, all at once: a name may hold another word."""
    return re.sub("|".join(words), lambda found: words[found[0]], text)


def _checked(name: str) -> str:
    """The name with underscores; ValueError says what is wrong with it."""
    from ..registry import ROLES, Registry

    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", module) or len(module) > 30:
        raise ValueError(
            f"{name!r} is no name for a plugin: it has to begin with a small letter, go on with small letters and "
            f"digits, with a dash or an underscore between words, and be no longer than 30, such as 'truncated-normal'"
        )
    if keyword.iskeyword(module):
        raise ValueError(f"{name!r} is no name for a plugin: it is a keyword of Python")
    known = Registry(entry_points=False)
    owners = [f"a {role}" if role != "data" else "data" for role in ROLES if module in known.components(role)]
    owners += ["a recipe"] if module.replace("_", "-") in known.recipes else []
    if owners:
        raise ValueError(f"infogan has {' and '.join(owners)} of the name {name!r}; a plugin needs one of its own")
    return module
