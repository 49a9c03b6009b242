"""Accuracy with default settings on the reference sets, beside published figures.

python benchmarks/quality.py --data DIR [--sets NAME ...] [--seeds 3]

A set that is divided into folds is fitted once a fold.

For risks, three more figures are printed: event 1, the largest minimum of sensitivity and
positive predictive value over all thresholds (PhysioNet/CinC Challenge 2012); the expected
calibration error over ten bins of equal size; and the Brier score. Below them stand gradient
boosting on aggregates and logistic regression on last values, from the same splits.
"""

import time

import numpy as np
from baselines import baseline_scores
from reference_sets import REFERENCE_SETS, data_parser, load_readers
from sklearn.metrics import brier_score_loss, precision_recall_curve

N_BINS = 10
ROW = "{:<20} {:<9} {:>9} {:>9} {:>8} {:>9} {:>8}   {}"


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
    scores, seconds, details, baselines = [], [], [], []
    for seed in range(reference.n_folds or n_seeds):
        train, (X, y) = reference.parts(seed)
        start = time.perf_counter()
        estimator = reference.estimator(random_state=seed).fit(*train)
        seconds.append(time.perf_counter() - start)
        scores.append(reference.score(estimator, X, y))
        if reference.metric == "AUROC":
            details.append(risk_figures(y, estimator.predict_proba(X)[:, 1]))
            if reference.n_folds or not baselines:
                baselines.append(baseline_scores(train, (X, y)))
    mean = np.mean(scores)
    sign = 1 if reference.larger_is_better else -1
    reached = "yes" if sign * mean >= sign * reference.target else "no"
    digits = ".5f" if mean < 0.1 else ".4f"
    row = ROW.format(
        name,
        reference.metric,
        format(mean, digits),
        format(np.std(scores), digits),
        f"{reference.target:g}",
        reached,
        f"{np.median(seconds):.1f}",
        reference.published,
    )
    if not details:
        return row
    names = ("event 1", "ECE", "Brier score")
    risks = [dict(zip(names, figures, strict=True)) for figures in details]
    return "\n    ".join([row, listed_means(risks), listed_means(baselines)])


def listed_means(of_runs):
    """Return names and the means of their figures over runs in a line."""
    figures = {name: np.mean([run[name] for run in of_runs]) for name in of_runs[0]}
    return ", ".join(f"{name} {value:.4f}" for name, value in figures.items())


def risk_figures(y, risk):
    """Return event 1, the expected calibration error and the Brier score."""
    precision, sensitivity, _ = precision_recall_curve(y, risk)
    bins = np.array_split(np.argsort(risk, kind="stable"), N_BINS)
    gaps = [abs(y[rows].mean() - risk[rows].mean()) for rows in bins]
    sizes = [len(rows) for rows in bins]
    event_1 = np.minimum(precision, sensitivity).max()
    return event_1, np.average(gaps, weights=sizes), brier_score_loss(y, risk)


if __name__ == "__main__":
    main()
