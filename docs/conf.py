"""Settings of the documentation: sphinx-build -W docs OUT."""

from importlib.metadata import version as installed_version

project = "gsnr_ref"
author = "The gsnr_ref developers"
version = release = installed_version("gsnr-ref")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {
    "body_max_width": "1000px",
    "description": "Gradient signal-to-noise ratio: the reference",
    "page_width": "1100px",
}
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True
