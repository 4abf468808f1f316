"""The house: imports run one way, nothing touches global state, nothing that is loaded is executed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

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

HOUSE = [
    *("core", "layers", "loading", "registry", "files", "plugins"),
    *("model", "evaluation", "training", "testing", "app"),
]
"""The rooms from the ground up: a module imports from its own room and from those before it."""

FOR_PLUGINS = {"core", "layers", "registry", "files.datasets"}
"""What a built-in plugin may import, beside itself."""


def name_of(source: Path) -> str:
    """``model/infogan.py`` -> ``model.infogan``; ``plugins/mnist/__init__.py`` -> ``plugins.mnist``."""
    parts = source.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(source): source for source in SOURCES}


@cache
def tree(source: Path) -> ast.Module:
    return ast.parse((ROOT / source).read_text(encoding="utf-8"))


Node = TypeVar("Node", bound=ast.AST)


def walk(source: Path, kind: type[Node]) -> Iterator[Node]:
    """Every node of a kind in a source."""
    return (node for node in ast.walk(tree(source)) if isinstance(node, kind))


def imports(source: Path) -> Iterator[str]:
    """Modules of the package that a source imports, anywhere in it, by their name below the package."""
    package = list(source.parent.parts)
    for node in walk(source, ast.ImportFrom):
        if node.level:
            base = package[: len(package) - (node.level - 1)] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                whole = ".".join([*base, alias.name])
                yield whole if whole in MODULES else ".".join(base)


def libraries(source: Path) -> set[str]:
    """What a source imports by absolute names, by the first part of each."""
    names = {alias.name for node in walk(source, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in walk(source, ast.ImportFrom) if not node.level}
    return {name.split(".")[0] for name in names}


def room(module: str) -> str:
    """The folder that a module lies in, or the module itself at the top level."""
    return module.split(".")[0]


def rooms_imported(of: str) -> set[str]:
    """The other rooms that a room's modules import."""
    return {room(imported) for module in MODULES if room(module) == of for imported in imports(MODULES[module])} - {of}


def test_the_sources_are_found() -> None:
    assert {"model.infogan", "plugins.codes", "plugins.mnist", "training.loop", "registry", ""} <= MODULES.keys()
    assert {room(module) for module in MODULES} == {*HOUSE, ""}
    assert "core.latent" in set(imports(MODULES["core.loss"]))
    assert "registry" in set(imports(MODULES["model.spec"]))
    assert "core.data" in set(imports(MODULES["plugins.mnist.data"]))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_inside_the_package_imports_are_relative(source: Path) -> None:
    assert not libraries(source) & {"infogan", *HOUSE}


@pytest.mark.parametrize("of", HOUSE)
def test_a_room_stands_on_those_below_it(of: str) -> None:
    assert rooms_imported(of) <= set(HOUSE[: HOUSE.index(of)])


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("plugins.")])
def test_a_plugin_imports_interfaces_and_itself_only(module: str) -> None:
    for imported in imports(MODULES[module]):
        own = module.split(".")[:2] == imported.split(".")[:2]
        assert own or {room(imported), imported} & FOR_PLUGINS, f"{module} imports {imported}"


def test_the_picture_of_the_house_is_true() -> None:
    """It has the arrows that follow from no others, and all of them."""
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)$", (ROOT / "docs/design.md").read_text(encoding="utf-8"), re.MULTILINE))
    below: dict[str, set[str]] = {}
    direct = {}
    for of in HOUSE:
        imported = rooms_imported(of)
        direct[of] = imported - set().union(*(below[other] for other in imported))
        below[of] = imported.union(*(below[other] for other in imported))
    assert drawn == {(of, other) for of, others in direct.items() for other in others}


def test_core_is_the_interfaces_and_small() -> None:
    """It knows no files, no formats and no entry points, and one sitting reads it."""
    sources = [MODULES[module] for module in MODULES if room(module) == "core"]
    imported = set().union(*map(libraries, sources))
    assert imported - sys.stdlib_module_names == {"numpy", "pydantic", "pydantic_core", "torch"}
    assert not imported & {"io", "importlib", "json", "os", "pathlib", "shutil", "tempfile"}
    assert sum(len((ROOT / source).read_text(encoding="utf-8").splitlines()) for source in sources) <= 1150


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
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(infogan, name) is not None
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

ALLOWED = {Path("loading/process_state.py"): {"torch.set_default_device"}}
"""What puts back what a plugin has changed."""


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_nothing_executes_data_or_changes_the_global_state(source: Path) -> None:
    assert not {name for name, _ in called(source)} & (FORBIDDEN - ALLOWED.get(source, set()))
    assert not libraries(source) & {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


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
