"""How the documentation is built: `sphinx-build -W -b html docs docs/_build/html`.

With `-D plot_gallery=0` the examples are shown but not run.
"""

import sys
from pathlib import Path

import sklstm

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "examples")]  # gallery_arguments, saving

project = "sklstm"
author = "the sklstm developers"
copyright = author
version = release = sklstm.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "code"

# The templates list the members of a class, in the order of the source.
numpydoc_show_class_members = False
autodoc_member_order = "bysource"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/(plot|classify)_",
    "ignore_pattern": r"saving\.py",
    "plot_gallery": "True",
    "reset_argv": "gallery_arguments.without_a_folder",
    "show_memory": False,
    "write_computation_times": False,
    "download_all_examples": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"sklstm {version}"
html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
html_sidebars = {"index": [], "quick_start": [], "user_guide": [], "clinical": []}
