import numpy as np

from sightline.data.audit.neighbours import neighbours


def test_pairs_by_hand():
    base = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)  # cosines 0.6, 0 and 0.8
    assert neighbours(base, [base], 0.7).tolist() == [[1, 2], [2, 1]]
    turned = np.ascontiguousarray(base[:, ::-1])  # (0, 1), (0.8, 0.6), (1, 0)
    assert neighbours(base, [turned], 0.95).tolist() == [[0, 2], [2, 0]]
    assert neighbours(base, [base, turned], 0.7).tolist() == [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]


def test_neighbours_in_cells_are_those_of_all_pairs():
    base = np.random.default_rng(0).normal(size=(6_000, 24)).astype(np.float32)
    base[3_000:] = base[:3_000] + np.random.default_rng(1).normal(0, 0.2, (3_000, 24))
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    rows, columns = np.nonzero(base @ base.T >= 0.93)
    expected = {(i, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True) if i != j}
    pairs = set(map(tuple, neighbours(base, [base], 0.93).tolist()))
    assert pairs <= expected
    assert len(pairs) >= 0.99 * len(expected) > 5_000
