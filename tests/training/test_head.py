"""Heads on features: held to scikit-learn, chosen by what is left out, and one network again."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.errors import ModelError
from sightline.models.registry import create_model
from sightline.training.head import _Data, _folds, _minimise, _state, fit_head, put_head


def clouds(count: int = 150, width: int = 12, seed: int = 0, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    """Features of three classes around three centres, with scales and offsets that differ by feature."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(3, width, generator=torch.Generator().manual_seed(99))
    labels = torch.arange(count) % 3
    features = centres[labels] + spread * torch.randn(count, width, generator=generator)
    return features * torch.linspace(0.1, 5, width) + torch.linspace(-3, 3, width), labels


def test_the_solution_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    features, labels = clouds()
    data = _Data.of(features[None], labels, torch.ones(len(labels)), 3)
    l2 = 0.01
    nothing = torch.zeros(1, len(labels), dtype=torch.bool)
    layer = _minimise(data, nothing, l2, torch.zeros(1, 3, features.shape[1] + 1))[0]
    scaled = ((features - data.mean) / data.scale).numpy()
    reference = LogisticRegression(C=1 / (l2 * len(labels)), tol=1e-8, max_iter=2_000).fit(scaled, labels.numpy())
    ours = (torch.from_numpy(scaled) @ _state(layer)["weight"].T + layer[:, -1]).softmax(1).numpy()
    np.testing.assert_allclose(ours, reference.predict_proba(scaled), atol=0.01)


def test_two_images_by_hand() -> None:
    # One feature, -1 and 1, two classes: by symmetry the layer is (-w, w) without bias. With mean cross-entropy the
    # derivative by w is -2 s(-2w) + 2 l2 w, where s is the logistic function.
    features, labels = torch.tensor([[-1.0], [1.0]]), torch.tensor([0, 1])
    data = _Data.of(features[None], labels, torch.ones(2), 2)
    layer = _minimise(data, torch.zeros(1, 2, dtype=torch.bool), 0.1, torch.zeros(1, 2, 2))[0]
    w = float(layer[1, 0])
    assert float(layer[0, 0]) == pytest.approx(-w, abs=1e-3)
    assert 1 / (1 + np.exp(2 * w)) == pytest.approx(0.1 * w, rel=0.02)


def test_a_layer_for_each_fold_is_as_good_as_alone() -> None:
    features, labels = clouds()
    data = _Data.of(features[None], labels, torch.ones(len(labels)), 3)
    left_out = torch.stack(_folds(labels, (), 0))
    start = torch.zeros(5, 3, features.shape[1] + 1)
    together = _minimise(data, left_out, 0.01, start)
    alone = _minimise(data, left_out[:1], 0.01, start[:1])
    torch.testing.assert_close(together[0], alone[0], atol=0.05, rtol=0.05)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_heads_learn_and_tell_honestly_how_well(kind: str) -> None:
    features, labels = clouds(300, spread=1.5)
    fresh, fresh_labels = clouds(3_000, seed=1, spread=1.5)
    fit = fit_head(features, labels, 3, kind=kind)  # type: ignore[arg-type]
    network = create_model("resnet_tiny", num_classes=10)
    network.head.output = torch.nn.Linear(features.shape[1], 10)
    put_head(network, fit)
    with torch.no_grad():
        accuracy = float((network.eval().head.output(fresh).argmax(1) == fresh_labels).float().mean())
    assert accuracy > 0.8
    assert fit.accuracy == pytest.approx(accuracy, abs=0.08)
    assert fit.setting in [setting for setting, _ in fit.tried]
    rows = fit.left_out.isfinite().all(1)
    assert int(rows.sum()) == (300 if kind == "linear" else 60)  # all folds in turn, or one
    assert fit.left_out[~rows].isnan().all()
    # The logits are those that the loss and the accuracy are told of.
    said, truth = fit.left_out[rows], labels[rows]
    assert float((said.argmax(1) == truth).float().mean()) == pytest.approx(fit.accuracy, abs=1e-6)
    assert float(F.cross_entropy(said, truth)) == pytest.approx(fit.loss, abs=1e-5)
    assert fit.loss == min(loss for _, loss in fit.tried)


def test_of_many_images_the_answers_of_one_fold_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.training.head.MANY", 100)
    features, labels = clouds(100)
    fit = fit_head(features, labels, 3)
    rows = fit.left_out.isfinite().all(1)
    assert torch.equal(rows, _folds(labels, (), 0)[0])
    assert int(rows.sum()) == 20
    assert fit.loss == min(loss for _, loss in fit.tried)


def test_noise_is_regularised_more_than_signal() -> None:
    features, labels = clouds(200, spread=0.3)
    noisy, noisy_labels = clouds(200, spread=6)
    assert fit_head(noisy, noisy_labels, 3).setting > 10 * fit_head(features, labels, 3).setting


def test_weights_of_classes_shift_the_answers() -> None:
    features, labels = clouds(300, spread=3)
    plain = fit_head(features, labels, 3)
    weighted = fit_head(features, labels, 3, class_weights=torch.tensor([10.0, 1.0, 1.0]))

    def firsts(fit: object) -> int:
        weights = fit.weights  # type: ignore[attr-defined]
        return int((F.linear(features, weights["weight"], weights["bias"]).argmax(1) == 0).sum())

    assert firsts(weighted) > 1.5 * firsts(plain)


def test_views_count_as_images_of_their_own_but_are_left_out_together() -> None:
    features, labels = clouds(120, spread=2)
    once = fit_head(features, labels, 3)
    twice = fit_head([features, features], labels, 3)
    assert twice.loss == pytest.approx(once.loss, abs=0.01), "copies of the left-out images would be known by heart"
    torch.testing.assert_close(twice.weights["weight"], once.weights["weight"], atol=0.02, rtol=0.1)


def test_folds_deal_out_classes_evenly_and_keep_groups_together() -> None:
    labels = torch.tensor([0] * 50 + [1] * 10)
    folds = _folds(labels, (), 0)
    assert sum(fold.int() for fold in folds).tolist() == [1] * 60
    assert [(int(fold[:50].sum()), int(fold[50:].sum())) for fold in folds] == [(10, 2)] * 5
    groups = tuple(f"patient {i // 3}" for i in range(60))
    for fold in _folds(labels, groups, 0):
        assert {groups[i] for i in fold.nonzero()[:, 0]}.isdisjoint({groups[i] for i in (~fold).nonzero()[:, 0]})


def test_images_without_a_group_are_dealt_out_one_by_one() -> None:
    labels = torch.arange(60) % 3
    alone, pair = ("",) * 60, ("twins", "twins", *("",) * 58)
    assert torch.equal(torch.stack(_folds(labels, alone, 0)), torch.stack(_folds(labels, (), 0)))
    folds = torch.stack(_folds(labels, pair, 0))
    assert folds.sum(1).tolist() == pytest.approx([12] * 5, abs=1)
    assert torch.equal(folds[:, 0], folds[:, 1])
    assert len(_folds(labels, ("one",) * 60, 0)) == 5, "one group cannot be kept together"


def test_the_same_seed_gives_the_same_head_and_leaves_the_callers_random_numbers() -> None:
    features, labels = clouds(90)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second = (fit_head(features, labels, 3, kind="mlp", seed=2) for _ in range(2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first.weights[key], second.weights[key]) for key in first.weights)


def test_the_head_becomes_part_of_an_ordinary_network() -> None:
    torch.manual_seed(0)
    network = create_model("resnet_tiny", num_classes=10).eval()
    images, labels = torch.randn(30, 3, 32, 32), torch.arange(30) % 3
    with torch.no_grad():
        features = network.embed(images)
        for kind in ("linear", "mlp"):
            fit = fit_head(features, labels, 3, kind=kind)  # type: ignore[arg-type]
            put_head(network, fit)
            assert network.architecture is not None
            again = network.architecture.build().eval()
            again.load_state_dict(network.state_dict())
            assert again(images).shape == (30, 3)
            torch.testing.assert_close(again(images), network.eval().head.output(features))


def test_a_head_without_bias_is_refused() -> None:
    fit = fit_head(*clouds(30), 3)
    with pytest.raises(ModelError, match="the output layer of speednet_xs has no bias: train the whole network"):
        put_head(create_model("speednet_xs", num_classes=3), fit)


def test_a_feature_that_never_varies_does_no_harm() -> None:
    features, labels = clouds(60)
    features[:, 0] = 7
    assert all(torch.isfinite(tensor).all() for tensor in fit_head(features, labels, 3).weights.values())
