"""How Sphinx builds the documentation: `python3 dev.py docs`."""

from importlib.metadata import version as installed_version

project = "wm2u_sd"
author = "the wm2u_sd authors"
copyright = f"2026, {author}"
release = version = installed_version("wm2u_sd")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = "wm2u_sd"
