import subprocess
import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.inspection import TrainingCurveDisplay


@pytest.fixture
def validated(classifier, ragged, labels):
    """A classifier that saw validation data."""
    return classifier.fit(ragged, labels, X_val=ragged, y_val=labels)


def labels_of(display):
    return [line.get_label() for line in display.lines_]


class TestWhatIsDrawn:
    def test_both_losses_and_the_epoch_that_was_kept(self, plt, validated):
        display = TrainingCurveDisplay.from_estimator(validated)
        train, valid, kept = display.lines_
        for line, name in [(train, "train_loss"), (valid, "valid_loss")]:
            expected = [record[name] for record in validated.history_]
            np.testing.assert_array_equal(line.get_ydata(), expected)
            np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        assert set(kept.get_xdata()) == {validated.best_epoch_}
        assert str(validated.best_epoch_) in kept.get_label()

    def test_the_training_loss_alone_where_there_is_no_validation_data(
        self, plt, fitted_regressor
    ):
        display = TrainingCurveDisplay.from_estimator(fitted_regressor)
        assert labels_of(display) == ["training"]
        assert display.valid_loss is None
        assert display.valid_score is None

    def test_axes_and_lines_say_what_they_are(self, plt, validated):
        display = TrainingCurveDisplay.from_estimator(validated)
        assert display.ax_.get_xlabel() == "epoch"
        assert display.ax_.get_ylabel() == "loss"
        legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert legend == labels_of(display)
        assert all(tick == round(tick) for tick in display.ax_.get_xticks())

    def test_the_score_has_an_axis_of_its_own(self, plt, validated):
        display = TrainingCurveDisplay.from_estimator(
            validated, show_score=True, score_name="accuracy"
        )
        expected = [record["valid_score"] for record in validated.history_]
        np.testing.assert_array_equal(display.lines_[-1].get_ydata(), expected)
        assert display.score_ax_ is display.lines_[-1].axes is not display.ax_
        assert display.score_ax_.get_ylabel() == "accuracy"

    def test_a_single_epoch_is_visible(self, plt, ragged, labels):
        clf = LSTMClassifier(hidden_size=2, max_epochs=1, random_state=0).fit(ragged, labels)
        display = TrainingCurveDisplay.from_estimator(clf)
        assert display.lines_[0].get_marker() == "o"

    def test_epochs_without_validation_data_leave_a_gap(self, plt, ragged, targets):
        reg = LSTMRegressor(hidden_size=2, max_epochs=2, warm_start=True, random_state=0)
        reg.fit(ragged, targets).fit(ragged, targets, X_val=ragged, y_val=targets)
        display = TrainingCurveDisplay.from_estimator(reg)
        assert np.isfinite(display.train_loss).all()
        assert np.isfinite(display.valid_loss).tolist() == [False, False, True, True]

    def test_lines_are_styled_by_the_user(self, plt, validated):
        display = TrainingCurveDisplay.from_estimator(validated, line_kw={"linewidth": 5})
        assert [line.get_linewidth() for line in display.lines_[:2]] == [5, 5]


class TestWhereItIsDrawn:
    def test_on_a_new_figure(self, plt, validated):
        first = TrainingCurveDisplay.from_estimator(validated)
        second = TrainingCurveDisplay.from_estimator(validated)
        assert first.figure_ is not second.figure_

    def test_on_the_axes_given(self, plt, validated):
        figure, axes = plt.subplots(1, 2)
        display = TrainingCurveDisplay.from_estimator(validated, ax=axes[1])
        assert display.ax_ is axes[1]
        assert display.figure_ is figure
        assert not axes[0].lines

    def test_once_more(self, plt, validated):
        display = TrainingCurveDisplay.from_estimator(validated)
        before, ax = labels_of(display), plt.subplots()[1]
        assert display.plot(ax) is display
        assert display.ax_ is ax
        assert labels_of(display) == before

    def test_from_numbers(self, plt):
        display = TrainingCurveDisplay(train_loss=[2, 1], valid_loss=[3, 4], best_epoch=1)
        assert labels_of(display.plot()) == ["training", "validation", "kept: epoch 1"]


class TestWhatItIsDrawnFrom:
    def test_a_pipeline(self, plt, classifier, ragged, labels):
        pipeline = make_pipeline(FunctionTransformer(), classifier).fit(ragged, labels)
        display = TrainingCurveDisplay.from_estimator(pipeline)
        assert len(display.train_loss) == pipeline[-1].n_iter_

    def test_a_search(self, plt, classifier, ragged, labels):
        search = GridSearchCV(classifier, {"hidden_size": [2, 3]}, cv=2).fit(ragged, labels)
        display = TrainingCurveDisplay.from_estimator(search)
        assert len(display.train_loss) == search.best_estimator_.n_iter_

    def test_not_what_is_not_fitted(self, plt, classifier):
        for estimator in (classifier, make_pipeline(FunctionTransformer(), classifier)):
            with pytest.raises(NotFittedError, match="not fitted"):
                TrainingCurveDisplay.from_estimator(estimator)

    def test_not_what_has_no_epochs(self, plt):
        other = LogisticRegression().fit([[0], [1]], [0, 1])
        with pytest.raises(TypeError, match="LogisticRegression has no history_"):
            TrainingCurveDisplay.from_estimator(other)

    def test_no_score_without_validation_data(self, plt, fitted_classifier):
        with pytest.raises(ValueError, match="early_stopping=True"):
            TrainingCurveDisplay.from_estimator(fitted_classifier, show_score=True)


class TestWithoutMatplotlib:
    def test_it_is_not_imported_with_the_package(self):
        modules = "sklstm, sklstm.datasets, sklstm.inspection, sklstm.nn"
        code = f"import sys, {modules}; sys.exit('matplotlib' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_the_error_says_what_to_install(self, no_matplotlib, validated):
        message = r"TrainingCurveDisplay needs matplotlib.*pip install 'sklstm\[plot\]'"
        with pytest.raises(ImportError, match=message):
            TrainingCurveDisplay.from_estimator(validated)
        with pytest.raises(ImportError, match=message):
            TrainingCurveDisplay(train_loss=[1]).plot()
