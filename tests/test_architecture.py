"""The house: imports run one way, nothing touches global state, nothing that is loaded is executed."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import infogan

ROOT = Path(infogan.__file__).parent
OUTSIDE = {"tests", "benchmarks", "docs", "examples", "build", "dist", "templates"}
"""Folders that are no part of the package, or data of it."""

SOURCES = sorted(
    path.relative_to(ROOT)
    for path in ROOT.rglob("*.py")
    if not OUTSIDE & set(path.relative_to(ROOT).parts)
    and not any(p.startswith(".") for p in path.relative_to(ROOT).parts)
)

CORE_ORDER = [
    {"core.component", "core.disk", "core.schema", "core.undisturbed"},
    {"core.installed", "core.latent", "core.network", "core.pyramid", "core.spectral", "core.weights"}
    | {"core.loss", "core.data", "core.schema_version", "core.share", "core.storage", "core.traverse"},
    {"registry"},
    {"core.spec"},
    {"core.build", "core.discriminator", "core.fold", "core.card", "core.model"},
]
"""Whoever stands further down may import what stands above, never the other way round."""

INTERFACES = {
    "core.component",
    "core.latent",
    "core.network",
    "core.pyramid",
    "core.spectral",
    "core.weights",
    "core.loss",
    "core.data",
    "registry",
}
"""What a plugin may import."""


def name_of(source: Path) -> str:
    """``core/model.py`` -> ``core.model``; ``plugins/mnist/__init__.py`` -> ``plugins.mnist``."""
    parts = source.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(source): source for source in SOURCES}


@cache
def tree(source: Path) -> ast.Module:
    return ast.parse((ROOT / source).read_text(encoding="utf-8"))


def imports(source: Path) -> Iterator[str]:
    """Modules of the package that a source imports, anywhere in it, by their name below the package."""
    package = list(source.parent.parts)
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - (node.level - 1)] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                whole = ".".join([*base, alias.name])
                yield whole if whole in MODULES else ".".join(base)


def part(module: str) -> str:
    """The folder that a module lies in; for a plugin the plugin."""
    pieces = module.split(".")
    return ".".join(pieces[:2]) if pieces[0] == "plugins" else pieces[0]


def test_the_sources_are_found() -> None:
    assert {"core.model", "plugins.codes", "plugins.mnist", "training.loop", "registry", ""} <= MODULES.keys()
    assert "core.latent" in set(imports(MODULES["core.loss"]))
    assert "registry" in set(imports(MODULES["core.spec"]))
    assert "core.data" in set(imports(MODULES["plugins.mnist.data"]))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_inside_the_package_imports_are_relative(source: Path) -> None:
    folders = {"infogan", *(path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()), "registry"}
    absolute = {
        alias.name.split(".")[0]
        for node in ast.walk(tree(source))
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        str(node.module).split(".")[0]
        for node in ast.walk(tree(source))
        if isinstance(node, ast.ImportFrom) and not node.level
    }
    assert not absolute & folders


@pytest.mark.parametrize("module", [name for name in MODULES if part(name) == "core" or name == "registry"])
def test_core_imports_run_one_way(module: str) -> None:
    level = {name: i for i, names in enumerate(CORE_ORDER) for name in names} | {"core": -1}
    assert module in level, f"say in CORE_ORDER where {module} stands"
    for imported in set(imports(MODULES[module])) - {""}:
        assert imported in level, f"{module} imports {imported}"
        assert level[imported] <= level[module], f"{module} imports {imported}"


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("plugins.")])
def test_a_plugin_imports_interfaces_and_itself_only(module: str) -> None:
    for imported in imports(MODULES[module]):
        assert imported in INTERFACES or part(imported) == part(module), f"{module} imports {imported}"


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("training", {"core", "registry", "training"}),
        ("evaluation", {"core", "registry", "evaluation"}),
        ("testing", {"core", "registry", "training", "testing"}),
        ("app", {"", "core", "registry", "training", "evaluation", "testing", "app"}),
    ],
)
def test_folders_import_downwards_only(folder: str, allowed: set[str]) -> None:
    for module in (name for name in MODULES if part(name) == folder):
        for imported in imports(MODULES[module]):
            assert part(imported) in allowed, f"{module} imports {imported}"


def test_no_module_is_imported_by_what_it_imports() -> None:
    """Whether at its top or inside a function."""
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in finished:
            for imported in set(imports(MODULES[name])) - {""}:
                visit(imported, (*path, name))
            finished.add(name)

    for name in MODULES:
        visit(name, ())


def test_every_folder_of_the_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    folders = {".".join(("infogan", *source.parent.parts)) for source in SOURCES}
    assert listed == folders


def test_every_recipe_file_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    data = project["tool"]["setuptools"]["package-data"]
    for folder in {path.parent for path in (ROOT / "plugins").rglob("*.yaml")}:
        package = ".".join(("infogan", *folder.parent.relative_to(ROOT).parts))
        assert f"{folder.name}/*.yaml" in data.get(package, []), package


@pytest.mark.parametrize("name", infogan.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(infogan, name).__doc__
    assert name in dir(infogan)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Infogan'"):
        _ = infogan.Infogan


def test_importing_the_package_imports_no_torch() -> None:
    heavy = "torch", "numpy", "pydantic", "torchvision", "pluggy"
    program = f"import sys, infogan; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def called(source: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call, by the dotted name of what is called."""
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


FORBIDDEN = {
    *("eval", "exec", "compile", "__import__", "torch.load", "torch.save", "torch.jit.load"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load"),
    *("torch.seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all", "torch.set_rng_state"),
    *("np.random.seed", "numpy.random.seed", "random.seed"),
    *("torch.set_default_dtype", "torch.set_default_device", "torch.use_deterministic_algorithms"),
}
"""Calls that execute what was loaded, or change what belongs to the whole process."""

ALLOWED = {Path("core/undisturbed.py"): {"torch.set_default_device"}}
"""What puts back what a plugin has changed."""


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_nothing_executes_data_or_changes_the_global_state(source: Path) -> None:
    assert not {name for name, _ in called(source)} & (FORBIDDEN - ALLOWED.get(source, set()))
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree(source))
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {str(node.module).split(".")[0] for node in ast.walk(tree(source)) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_the_global_generator_is_seeded_only_where_it_is_put_back(source: Path) -> None:
    forks = [
        node
        for node in ast.walk(tree(source))
        if isinstance(node, ast.With) and any("fork_rng" in ast.unparse(item.context_expr) for item in node.items)
    ]
    inside = {id(child) for fork in forks for child in ast.walk(fork)}
    for name, call in called(source):
        if name == "torch.manual_seed" or name.startswith("torch.default_generator."):
            assert id(call) in inside, f"{source}:{call.lineno}"


@pytest.mark.parametrize("source", [source for source in SOURCES if (ROOT / source).stat().st_size], ids=str)
def test_a_module_begins_by_saying_what_it_is(source: Path) -> None:
    assert ast.get_docstring(tree(source))
