"""Accuracy with default settings on the reference sets, beside published figures.

python benchmarks/quality.py --data DIR [--sets NAME ...] [--seeds 3]
"""

import time

import numpy as np
from reference_sets import REFERENCE_SETS, data_parser, load_readers

ROW = "{:<15} {:<9} {:>9} {:>9} {:>8} {:>9} {:>8}   {}"


def main():
    parser = data_parser(__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    readers = load_readers(options.data)
    print(ROW.format("set", "metric", "mean", "std", "aim", "reached", "fit (s)", "published"))
    for name in options.sets:
        print(measure(name, REFERENCE_SETS[name](readers), options.seeds), flush=True)


def measure(name, reference, n_seeds):
    """Return a row of the table."""
    scores, seconds = [], []
    for seed in range(n_seeds):
        start = time.perf_counter()
        estimator = reference.estimator(random_state=seed).fit(*reference.train)
        seconds.append(time.perf_counter() - start)
        scores.append(reference.score(estimator, *reference.test))
    mean = np.mean(scores)
    sign = 1 if reference.larger_is_better else -1
    reached = "yes" if sign * mean >= sign * reference.target else "no"
    digits = ".5f" if mean < 0.1 else ".4f"
    return ROW.format(
        name,
        reference.metric,
        format(mean, digits),
        format(np.std(scores), digits),
        f"{reference.target:g}",
        reached,
        f"{np.median(seconds):.1f}",
        reference.published,
    )


if __name__ == "__main__":
    main()
