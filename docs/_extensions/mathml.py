"""Formulas as MathML, which browsers draw themselves: docutils converts them, and no script has to be fetched."""

from __future__ import annotations

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (write_inline, None), (write_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_inline(writer: HTML5Translator, node: nodes.math) -> None:
    write(writer, node, as_block=False)


def write_block(writer: HTML5Translator, node: nodes.math_block) -> None:
    write(writer, node, as_block=True)


def write(writer: HTML5Translator, node: nodes.math | nodes.math_block, *, as_block: bool) -> None:
    """The node's formula; one that cannot be converted is a warning, and stands there as it was written."""
    try:
        writer.body.append(tex2mathml(node.astext(), as_block=as_block))
    except MathError as error:
        LOGGER.warning("formula: %s", error, location=node)
        writer.body.append(writer.encode(node.astext()))
    raise nodes.SkipNode
