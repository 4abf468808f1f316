"""Links to files of the repository, which a code-hosting page follows as they are.

In the site a link to a Python file leads to a page that shows it, at the definition that the link's text names after
``::``; a link to a Markdown file of the root leads to the page that includes it. What the reference documents has such
a link too.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

import infogan

ROOT = Path(infogan.__file__).parent
SHOWN = "source"
"""Folder of the site with the pages that show files."""


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(FileLinks)
    app.add_transform(LinksToDefinitions)
    app.connect("html-collect-pages", source_pages)
    return {"parallel_read_safe": False}  # what links lead to is gathered in one place


class FileLinks(SphinxTransform):
    """Links of the Markdown pages that lead out of ``docs/``, wherever their text was included from."""

    default_priority = 5

    def apply(self, **kwargs: Any) -> None:
        for node in [*self.document.findall(is_file_link)]:
            origin = Path(node.source or self.env.doc2path(self.env.docname)).parent
            target, _, part = node["reftarget"].partition("#")
            file = (origin / f"{target}.md" if node["refdomain"] == "doc" else origin / target).resolve()
            page = self._page(file)
            if page is not None:
                found = addnodes.pending_xref(
                    refdomain="doc",
                    reftype="myst",
                    reftarget=page,
                    reftargetid=part or None,
                    refdoc=self.env.docname,
                    refexplicit=True,
                )
            elif file.suffix == ".py" and file.is_file():
                text = node.astext().partition("::")[2]
                found = reference_to(self.app, self.env.docname, file, text)
            else:
                continue
            found.source, found.line = node.source, node.line
            found += node.children
            node.replace_self(found)

    def _page(self, file: Path) -> str | None:
        """The page made of a Markdown file; None where none is."""
        name = self.env.path2doc(file) if file.is_relative_to(self.env.srcdir) else None
        if file.suffix == ".md" and file.parent == ROOT:
            name = file.stem.lower()
        return name if name in self.env.found_docs else None


class LinksToDefinitions(SphinxTransform):
    """A link beside each documented class and function to where it is defined."""

    default_priority = 500

    def apply(self, **kwargs: Any) -> None:
        for signature in [*self.document.findall(addnodes.desc_signature)]:
            thing = documented(signature)
            if thing is not None:
                file = Path(inspect.getfile(thing))
                link = reference_to(self.app, self.env.docname, file, thing.__qualname__)
                link += nodes.inline("", "[source]", classes=["viewcode-link"])
                signature += link


def is_file_link(node: nodes.Node) -> bool:
    """Whether MyST made the node for a link to a file that is no page."""
    links = addnodes.pending_xref | addnodes.download_reference
    if not isinstance(node, links) or node.get("reftype") != "myst":
        return False
    page = node["refdomain"] == "doc" and not node["reftarget"].startswith("/")
    return not page and not node["reftarget"].startswith("#")


def documented(signature: addnodes.desc_signature) -> Any:
    """The class or function of this package that a signature is of, or None."""
    name, thing = signature.get("fullname"), None
    if name and (signature.get("module") or "").partition(".")[0] == "infogan":
        thing = importlib.import_module(signature["module"])
        for piece in name.split("."):
            thing = getattr(thing, piece, None)
    thing = thing.fget if isinstance(thing, property) else inspect.unwrap(thing)
    ours = getattr(thing, "__module__", None) or ""
    return thing if hasattr(thing, "__qualname__") and ours.startswith("infogan.") else None


def reference_to(app: Sphinx, page: str, file: Path, name: str) -> nodes.reference:
    """A link from a page to the definition in a file, which from now on has a page of its own."""
    shown = f"{SHOWN}/{file.relative_to(ROOT).with_suffix('').as_posix()}"
    files = getattr(app.env, "infogan_sources", {})
    app.env.infogan_sources = files | {shown: file}  # type: ignore[attr-defined]
    uri = app.builder.get_relative_uri(page, shown)
    return nodes.reference("", "", internal=True, refuri=f"{uri}#{anchor(name)}" if name else uri)


def anchor(name: str) -> str:
    """Of a definition, on the page of its file."""
    return f"definition-{name}"


def definitions(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, int]]:
    """What a module or a class defines by name, and in which line."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield within + node.name, node.lineno
        if isinstance(node, ast.ClassDef):
            yield from definitions(node.body, f"{within}{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((within + target.id, node.lineno) for target in targets if isinstance(target, ast.Name))


def source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, str], str]]:
    """A page for each file that something links to."""
    for shown, file in sorted(getattr(app.env, "infogan_sources", {}).items()):
        text = file.read_text(encoding="utf-8")
        lines = app.builder.highlighter.highlight_block(text, "python").splitlines()  # type: ignore[attr-defined]
        for name, number in definitions(ast.parse(text).body):
            lines[number - 1] = f'<span id="{anchor(name)}"></span>' + lines[number - 1]
        path = file.relative_to(ROOT).as_posix()
        yield shown, {"title": path, "body": f"<h1>{path}</h1>\n" + "\n".join(lines)}, "page.html"
