"""What stands beside the network: tables made of sequences, and models that read tables."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import SequenceArray


def aggregates(X):
    """Count, mean, minimum, maximum and last value of each feature, and the static columns."""
    values, static = indicators(X.values, X.categories), statics(X)
    known = ~np.isnan(values)
    count = np.add.reduceat(known, X.starts, axis=0, dtype=float)
    total = np.add.reduceat(np.where(known, values, 0), X.starts, axis=0)
    with np.errstate(invalid="ignore"):
        mean = total / count
    low = np.fmin.reduceat(values, X.starts, axis=0)
    high = np.fmax.reduceat(values, X.starts, axis=0)
    return np.hstack([count, mean, low, high, last_known(X, values), static])


def last_values(X):
    """Last known value of each feature, and the static columns."""
    return np.hstack([last_known(X, indicators(X.values, X.categories)), statics(X)])


def last_known(X, values):
    """Return the last known value of each column in each sequence, NaN where there is none."""
    rows = np.where(np.isnan(values), -1, np.arange(len(values))[:, None])
    last = np.maximum.reduceat(rows, X.starts, axis=0)
    found = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last < 0, np.nan, found)


def statics(X):
    """Return the static columns."""
    if X.static is None:
        return np.empty((len(X), 0))
    return indicators(X.static, X.static_categories)


def indicators(matrix, categories):
    """Return a matrix with a column of 0 and 1 for each category in place of codes."""
    columns = []
    for i, column in enumerate(matrix.T):
        if i in categories:
            columns += [column == code for code in range(len(categories[i]))]
        else:
            columns.append(column)
    return np.column_stack(columns).astype(np.float64)


def baseline_scores(train, test):
    """Return the AUROC of each baseline on the test part."""
    (X, y), (X_test, y_test) = train, test
    forest = HistGradientBoostingClassifier(random_state=0)
    line = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        LogisticRegression(max_iter=3000),
    )
    models = {
        "HistGradientBoosting on aggregates": (forest, aggregates),
        "logistic regression on last values": (line, last_values),
    }
    both = SequenceArray.concat([X, X_test])  # with the same categories
    scores = {}
    for name, (model, table_of) in models.items():
        table = table_of(both)
        risk = model.fit(table[: len(X)], y).predict_proba(table[len(X) :])[:, 1]
        scores[name] = roc_auc_score(y_test, risk)
    return scores
