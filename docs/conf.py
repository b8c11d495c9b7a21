"""How Sphinx builds these pages: Markdown in, HTML out, every warning an error (`make docs`)."""

project = "Hookstation"
author = "The Hookstation authors"
copyright = "2026, The Hookstation authors"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

html_theme = "alabaster"
html_title = "Hookstation"
html_show_sourcelink = False
html_theme_options = {
    "description": "Webhooks in, records written, the truth in the answer",
    "fixed_sidebar": True,
    "page_width": "64rem",
}
