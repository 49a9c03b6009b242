"""What the examples share: a folder for their figures."""

import argparse
from pathlib import Path


def save_figures(pictures, folder):
    """Save each figure under its name, where a folder is given."""
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, figure in pictures.items():
        figure.savefig(Path(folder) / f"{name}.png", dpi=150)
    print(f"\n{len(pictures)} figures are in {folder}.")


def figures_folder(description):
    """Read from the command line where the figures go."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--figures", default="figures", help="folder for the figures")
    return parser.parse_args().figures
