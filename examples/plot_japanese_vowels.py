"""
================================
Who is speaking, from two vowels
================================

Nine men say the Japanese vowels /a/ and /e/, one right after the other. Each utterance is
a sequence of 12 cepstrum coefficients, a step every 6.4 ms, and no two utterances need to
be equally long. The example chooses a model by grid search, tests it on recordings of
other occasions, and saves it.
"""

# %%
# Sequences of different lengths
# ------------------------------
# `load_japanese_vowels` gives a `SequenceArray`, which holds sequences of any length and is
# indexed like an array of sequences, so that scikit-learn can divide it into folds. A list
# of arrays, one an utterance, would do as well. There is nothing to pad and nothing to cut.

import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from saving import figures_folder, save_figures
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels

SPEAKERS_SHOWN = (1, 4)


def plot_utterances(utterances, speakers, n_shown=5):
    """Draw one coefficient of some utterances of two speakers."""
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.6), sharey=True, layout="constrained")
    for ax, speaker in zip(axes, SPEAKERS_SHOWN, strict=True):
        for utterance in utterances[speakers == speaker][:n_shown]:
            ax.plot(6.4 * np.arange(len(utterance)), utterance[:, 1], ".-", linewidth=1)
        ax.set(title=f"Speaker {speaker}", xlabel="time (ms)")
    axes[0].set_ylabel(utterances.feature_names[1])
    return figure


# %%
# Choosing a model
# ----------------
# The names in the grid are parameters of the estimator. Each candidate is fitted several
# times, so the fits are shared among two processes by `n_jobs=2`, and each is of one network
# instead of four. The winner is fitted again on all training utterances.

GRID = {"hidden_size": [16, 64], "bidirectional": [False, True]}


def search_model(utterances, speakers, max_epochs, n_jobs):
    """Return the fitted search over `GRID`."""
    search = GridSearchCV(
        LSTMClassifier(n_members=1, max_epochs=max_epochs, random_state=0),
        GRID,
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
        n_jobs=n_jobs,
    )
    return search.fit(utterances, speakers)


def print_candidates(search):
    """Print the candidates, the best one first."""
    results = search.cv_results_
    print(f"{'units':>6}  {'reads':<12}{'accuracy':>9}{'sd':>7}{'s a fit':>9}")
    for i in np.argsort(results["rank_test_score"], kind="stable"):
        candidate = results["params"][i]
        reads = "both ways" if candidate["bidirectional"] else "forward"
        print(
            f"{candidate['hidden_size']:>6}  {reads:<12}{results['mean_test_score'][i]:>9.3f}"
            f"{results['std_test_score'][i]:>7.3f}{results['mean_fit_time'][i]:>9.1f}"
        )


# %%
# Where it errs
# -------------
# Each row of the confusion matrix is a speaker, each column what the model said. What lies
# off the diagonal was taken for somebody else.


def plot_confusion(speakers, predicted):
    """Draw how often each speaker was taken for which."""
    figure, ax = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
    matrix = ConfusionMatrixDisplay.from_predictions(
        speakers, predicted, ax=ax, cmap="Blues", colorbar=False
    )
    for i, j in np.argwhere(matrix.confusion_matrix == 0):
        matrix.text_[i, j].set_visible(False)
    ax.set(xlabel="speaker that the model heard", ylabel="speaker")
    return figure


# %%
# Keeping the model
# -----------------
# A fitted search, or the estimator in it, is saved by `joblib` like any other of
# scikit-learn. A model that was trained on a GPU can be loaded on a machine without one.


def save_and_load(model):
    """Return the model as it comes back from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speakers.joblib"
        joblib.dump(model, path)
        print(f"The saved model takes {path.stat().st_size / 1024:.0f} KiB.")
        return joblib.load(path)


# %%
# All of it
# ---------
# The test utterances were recorded on other occasions than the training ones.


def main(max_epochs=40, n_jobs=2, figures=None):
    utterances, speakers = load_japanese_vowels(return_X_y=True)
    lengths = utterances.lengths
    print(f"{utterances}, from {lengths.min()} to {lengths.max()} steps long.\n")
    pictures = {"vowels_utterances": plot_utterances(utterances, speakers)}

    search = search_model(utterances, speakers, max_epochs, n_jobs)
    print_candidates(search)

    test_utterances, test_speakers = load_japanese_vowels(subset="test", return_X_y=True)
    predicted = search.predict(test_utterances)
    print(f"\nAccuracy on the test set: {accuracy_score(test_speakers, predicted):.3f}")
    pictures["vowels_confusion"] = plot_confusion(test_speakers, predicted)

    loaded = save_and_load(search.best_estimator_)
    is_same = np.array_equal(loaded.predict(test_utterances), predicted)
    print("Same predictions after loading:", is_same)
    save_figures(pictures, figures)


if __name__ == "__main__":
    main(figures=figures_folder("Tell nine speakers apart."))
