"""What the gallery passes to the examples."""


def without_a_folder(gallery_conf, script_vars):
    """Return the arguments of an example: its figures go into the page, not into a folder."""
    return ["--figures", ""]
