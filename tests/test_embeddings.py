"""Embeddings of codes, as a torch module by itself."""

import numpy as np
import pytest
import torch

from sklstm.nn import SequenceNetwork, StaticInputs, StepInputs
from sklstm.nn.embeddings import HIDING, CodeEmbeddings, ColumnSplit, embedding_width

NAN = float("nan")


@pytest.mark.parametrize(
    ("n_categories", "width"), [(0, 1), (1, 2), (2, 2), (10, 6), (100, 21), (20_000, 50)]
)
def test_width_grows_with_the_number_of_categories_to_a_bound(n_categories, width):
    assert embedding_width(n_categories) == width


class TestColumnSplit:
    def test_divides_columns_and_finds_numbers_among_themselves(self):
        split = ColumnSplit(4, [2, 0])
        numbers, codes = split(torch.tensor([[10.0, 11, 12, 13]]))
        assert numbers.tolist() == [[11, 13]]
        assert codes.tolist() == [[12, 10]]
        assert split.places_of([3, 1]).tolist() == [1, 0]

    def test_without_codes_leaves_all_as_it_is(self):
        x = torch.ones(2, 3)
        assert ColumnSplit(3, [])(x)[0] is x


class TestCodeEmbeddings:
    @staticmethod
    def vectors_of(embeddings, codes):
        codes = torch.tensor(codes, dtype=torch.float64)
        return embeddings(embeddings.prepare(codes, torch.float32)).detach()

    def test_every_category_the_unknown_and_the_missing_have_a_vector(self):
        embeddings = CodeEmbeddings([3]).eval()
        vectors = self.vectors_of(embeddings, [[0.0], [2.0], [3.0], [NAN]])
        np.testing.assert_array_equal(vectors, embeddings.tables[0].weight[[0, 2, 3, 4]].data)

    def test_columns_lie_side_by_side_behind_the_numbers(self):
        embeddings = CodeEmbeddings([2, 10]).eval()
        columns = torch.tensor([[7.5, 1.0, 9.0]])
        out = embeddings(columns)
        assert out.shape == (1, 1 + embeddings.n_outputs) == (1, 9)
        assert out[0, 0] == 7.5
        assert torch.equal(out[0, 1:3], embeddings.tables[0].weight[1])
        assert torch.equal(out[0, 3:], embeddings.tables[1].weight[9])

    def test_without_columns_change_nothing(self):
        columns = torch.ones(2, 3)
        assert CodeEmbeddings([])(columns) is columns

    def test_rare_categories_are_hidden_in_training_and_never_else(self):
        embeddings = CodeEmbeddings([2])
        embeddings.set_counts([torch.tensor([HIDING, 1e9])])
        codes = torch.tensor([0.0, 1.0]).repeat(2000)[:, None]
        torch.manual_seed(0)
        unknown = embeddings.tables[0].weight[2]
        is_hidden = (embeddings(codes) == unknown).all(dim=1)
        assert is_hidden[::2].float().mean() == pytest.approx(0.5, abs=0.05)
        assert not is_hidden[1::2].any()
        embeddings.eval()
        assert not (embeddings(codes) == unknown).all(dim=1).any()

    def test_unknown_and_missing_are_never_hidden(self):
        embeddings = CodeEmbeddings([1])
        embeddings.set_counts([torch.tensor([0.0])])
        with torch.no_grad():
            embeddings.tables[0].weight[2] = 5.0
        assert (self.vectors_of(embeddings, [[NAN]] * 20) == 5).all()

    def test_vectors_are_dropped_twice_in_training(self):
        embeddings = CodeEmbeddings([1], dropout=0.5)
        torch.manual_seed(0)
        share = (embeddings(torch.zeros(2000, 1)) == 0).float().mean()
        assert share == pytest.approx(0.75, abs=0.05)

    def test_what_hides_is_part_of_the_state(self):
        first, second = CodeEmbeddings([2]), CodeEmbeddings([2])
        first.set_counts([torch.tensor([3.0, 4.0])])
        second.load_state_dict(first.state_dict())
        assert torch.equal(second.tables[0].hidden_share, first.tables[0].hidden_share)


class TestInputs:
    @pytest.mark.parametrize("missing", ["indicator", "forward", "decay"])
    def test_numbers_are_treated_as_if_there_were_no_codes(self, missing):
        x = torch.tensor([[1.0, 4.0, NAN], [0.0, NAN, 2.0], [NAN, 5.0, NAN]]).double()
        first_row, times = torch.zeros(3, dtype=torch.long), torch.arange(3.0).double()
        plain = StepInputs(2, [1], missing, has_times=True)
        coded = StepInputs(3, [2], missing, has_times=True, categories=[(0, 2)]).eval()
        for inputs in (plain, coded):
            inputs.standardization.set_statistics(torch.ones(2), torch.full((2,), 3.0))
        expected = plain(plain.prepare(x[:, 1:], first_row, times, torch.float32))
        columns = coded.prepare(x, first_row, times, torch.float32)
        assert columns.shape == (3, coded.n_columns)
        out = coded(columns)
        assert out.shape == (3, coded.n_outputs)
        assert torch.equal(out[:, : plain.n_outputs], expected)
        table = coded.embeddings.tables[0].weight
        assert torch.equal(out[:, plain.n_outputs :], table[[1, 0, 3]])

    def test_all_features_may_be_codes(self):
        inputs = StepInputs(1, categories=[(0, 3)]).eval()
        columns = inputs.prepare(
            torch.tensor([[2.0]]), torch.zeros(1, dtype=torch.long), None, torch.float32
        )
        assert torch.equal(inputs(columns), inputs.embeddings.tables[0].weight[[2]])

    def test_static_codes_become_vectors_behind_numbers_and_marks(self):
        inputs = StaticInputs(3, [2], categories=[(1, 4)]).eval()
        columns = inputs.prepare(torch.tensor([[5.0, 3.0, NAN]]), torch.float32)
        assert columns.tolist() == [[5, 0, 1, 3]]
        out = inputs(columns)
        assert out.shape == (1, inputs.n_outputs)
        assert torch.equal(out[0, 3:], inputs.embeddings.tables[0].weight[3])


class TestNetwork:
    CONFIG = {"n_static": 2, "categories": ((1, 5),), "static_categories": ((0, 3),)}

    def test_reads_codes_in_padded_batches(self):
        network = SequenceNetwork(2, 1, **self.CONFIG).eval()
        x = torch.tensor([[[0.5, 4], [0.1, NAN]], [[0.2, 1], [NAN, NAN]]])
        static, lengths = torch.tensor([[2.0, 0.5], [NAN, 1.0]]), torch.tensor([2, 1])
        together = network(x, lengths, static)
        alone = network(x[1:, :1], static=static[1:])
        torch.testing.assert_close(together[1:], alone)

    def test_learns_the_vectors_of_both(self):
        network = SequenceNetwork(2, 1, **self.CONFIG)
        network(torch.zeros(1, 3, 2), static=torch.zeros(1, 2)).sum().backward()
        for inputs in (network.inputs, network.static_inputs):
            assert inputs.embeddings.tables[0].weight.grad[0].any()

    def test_drops_values_at_steps_and_not_of_static_columns_which_the_head_drops(self):
        network = SequenceNetwork(2, 1, dropout=0.5, **self.CONFIG)
        assert network.inputs.embeddings.dropout.p == 0.75
        assert network.static_inputs.embeddings.dropout.p == 0

    def test_is_rebuilt_from_its_config(self):
        network = SequenceNetwork(2, 1, **self.CONFIG)
        other = SequenceNetwork(**network.config)
        other.load_state_dict(network.state_dict())
        assert other.config["categories"] == ((1, 5),)
