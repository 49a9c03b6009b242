"""What the treatment of gaps, the times and the static columns are worth.

python benchmarks/ablation.py --data DIR [--sets NAME ...] [--seeds 2]

Each row is one way to treat missing values; its columns leave out times or static columns.
Defaults otherwise, trained on the training part of a set and reported on its test part.
"""

import numpy as np
from reference_sets import REFERENCE_SETS, data_parser, load_readers

from sklstm.nn.inputs import MISSING_MODES

PARTS = {
    "times, static": {},
    "times": {"static": None, "static_names": None, "static_categories": None},
    "static": {"times": None},
}
PARTS["neither"] = PARTS["times"] | PARTS["static"]


def main():
    parser = data_parser(__doc__.splitlines()[0])
    parser.set_defaults(sets=["PhysioNet raw events"])
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    readers = load_readers(options.data)
    for name in options.sets:
        reference = REFERENCE_SETS[name](readers)
        print(f"{name}, {reference.metric}")
        print(f"{'missing':<12}" + "".join(f"{parts:>16}" for parts in PARTS))
        for missing in MISSING_MODES:
            print(f"{missing:<12}", end="", flush=True)
            for left_out in PARTS.values():
                scores = measure(reference, missing, left_out, options.seeds)
                text = f"{np.mean(scores):.4f} ± {np.std(scores):.4f}"
                print(f"{text:>16}", end="", flush=True)
            print()


def measure(reference, missing, left_out, n_seeds):
    """Return the score of each seed."""
    (X, y), (X_test, y_test) = reference.train, reference.test
    X, X_test = X.replace(**left_out), X_test.replace(**left_out)
    scores = []
    for seed in range(n_seeds):
        estimator = reference.estimator(missing=missing, random_state=seed).fit(X, y)
        scores.append(reference.score(estimator, X_test, y_test))
    return scores


if __name__ == "__main__":
    main()
