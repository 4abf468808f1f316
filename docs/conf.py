"""How the site is built, without a network: ``make docs``, or ``sphinx-build docs build/docs``."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "infogan"
author = "The infogan authors"
copyright = author
version = release = installed_version("infogan")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "mathml",
    "source_pages",
    "reference",
]
myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
default_role = "literal"
smartquotes_action = "q"  # quotes alone: in the help of a command -- is the beginning of an option
html_math_renderer = "mathml"

html_theme = "furo"
html_title = "infogan"
html_show_sphinx = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 100

nitpicky = True
nitpick_ignore_regex = [  # there is no network for other libraries' inventories
    ("py:class", r"Tensor|infogan\.layers\.\w+\.M"),
    ("py:class", r"(annotated_types|collections|importlib|pathlib|pluggy|pydantic|pydantic_core|signal|torch)\..*"),
]


def setup(app: Sphinx) -> None:
    app.add_lexer("mermaid", TextLexer)  # the picture of the house: drawn on other sites, here its text
