"""Views: which parts of an image are looked at, how they become one vector, and its fingerprint."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import Quality
from dclust_gui.features.backbones import resolve_backbone
from dclust_gui.features.execution import Execution
from dclust_gui.features.extractor import FeatureExtractor
from dclust_gui.features.views import BEST, STANDARD, Variant, View, combined, crops_of, variant_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.features.backbones import BackboneSpec

OWN, MIRRORED = View(), View(is_mirrored=True)
FOUR = (OWN, MIRRORED, View(1.5), View(0.9, -1, is_mirrored=True))


@pytest.fixture
def small(tmp_path: Path, random_weights: Callable[..., Path]) -> BackboneSpec:
    """A network that is fast enough to run often."""
    return resolve_backbone(str(random_weights("test_resnet")), weights_dir=tmp_path)


def features(
    spec: BackboneSpec, views: tuple[View, ...], pictures: list[NDArray[np.uint8]]
) -> NDArray[np.float32]:
    extractor = FeatureExtractor(replace(spec, views=views), "cpu", batch_size=2)
    return extractor.extract([extractor.prepare(p) for p in pictures]).astype(np.float32)


def gap(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Largest distance over the length; 0.002 is what keeping 11 bits may cost."""
    lengths = np.linalg.norm(expected, axis=1)
    return float((np.linalg.norm(found - expected, axis=1) / lengths).max())


def test_zoom_enlarges_but_never_leaves_the_picture() -> None:
    sizes = [View(zoom).resize_size((224, 224), (256, 256)) for zoom in (1, 4 / 3, 0.875, 0.5)]
    assert sizes == [(256, 256), (341, 341), (224, 224), (224, 224)]
    assert View(2).resize_size((64, 32), (80, 40)) == (160, 80)


def test_crops_are_shared_by_mirrored_views() -> None:
    assert crops_of(FOUR) == ((1.0, 0.0), (1.5, 0.0), (0.9, -1.0))
    assert crops_of(STANDARD.views) == ((1.0, 0.0),)


def test_one_view_is_not_changed() -> None:
    rows = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    assert combined([rows]) is rows


def test_directions_are_averaged_and_lengths_are_kept() -> None:
    one, two = np.array([[6.0, 0.0]], np.float32), np.array([[0.0, 2.0]], np.float32)
    assert combined([one, two]) == pytest.approx(np.array([[2.0, 2.0]]))
    assert combined([one, 2 * one]) == pytest.approx(np.array([[9.0, 0.0]]))
    nothing = np.zeros((2, 4), np.float32)
    assert not combined([nothing, nothing]).any()


def test_quality_says_how_images_are_looked_at() -> None:
    assert variant_of("fast") == variant_of("better") == STANDARD
    assert variant_of(Quality.BEST) == BEST
    assert BEST.views[0] == OWN
    assert 1 == STANDARD.cost < BEST.cost
    with pytest.raises(InputError, match="no quality 'great'"):
        variant_of("great")


def test_larger_inputs_are_multiples_of_32_and_never_smaller() -> None:
    sizes = [BEST.input_size((side, side))[0] for side in (224, 240, 260, 256)]
    assert sizes == [256, 288, 288, 288]
    assert Variant(enlargement=1.01).input_size((260, 64)) == (260, 64)
    assert STANDARD.input_size((225, 97)) == (225, 97)


def test_only_bundled_networks_are_fed_larger_pictures(small: BackboneSpec, tmp_path: Path) -> None:
    assert resolve_backbone(weights_dir=tmp_path, variant=BEST).input_size == (256, 256)
    other = resolve_backbone("test_resnet", weights_dir=tmp_path, variant=BEST)
    assert other.input_size == small.input_size
    assert other.views == BEST.views


def test_other_variants_have_another_fingerprint(tmp_path: Path) -> None:
    views = ((MIRRORED,), (OWN, MIRRORED), (OWN, View(1.5)), (OWN, View(1, -1)))
    several = [STANDARD, *map(Variant, views), Variant(enlargement=1.3), BEST]
    specs = [resolve_backbone(weights_dir=tmp_path, variant=variant) for variant in several]
    assert len({spec.fingerprint for spec in specs}) == len(several)
    assert [spec.views for spec in specs] == [variant.views for variant in several]
    assert specs[0].fingerprint == resolve_backbone(weights_dir=tmp_path).fingerprint


def test_best_fingerprint_is_pinned(tmp_path: Path) -> None:
    # A change here throws away every user's features of the best quality.
    spec = resolve_backbone(weights_dir=tmp_path, variant=BEST)
    assert spec.fingerprint == "08a7ef8fc9b7cbdf055e8915715396d1"


def test_several_views_are_the_mean_of_single_ones(
    small: BackboneSpec, photos: list[NDArray[np.uint8]]
) -> None:
    pictures = [*photos, photos[0][:200, 100:], photos[1][50:, ::2]]
    together = features(small, FOUR, pictures)
    alone = [features(small, (view,), pictures) for view in FOUR]
    expected = combined(alone)
    assert gap(together, expected) < 2e-3
    assert np.linalg.norm(alone[0] - alone[2], axis=1).min() > 0


def test_mirrored_view_sees_the_mirrored_picture(
    small: BackboneSpec, photos: list[NDArray[np.uint8]]
) -> None:
    squares = [photo[:400, :400] for photo in photos]  # a centre between pixels is rounded
    flipped = [square[:, ::-1] for square in squares]
    seen = features(small, (MIRRORED,), squares)
    assert gap(seen, features(small, (OWN,), flipped)) < 2e-3
    both = features(small, (OWN, MIRRORED), squares)
    assert gap(both, features(small, (OWN, MIRRORED), flipped)) < 2e-3


def test_picture_is_decoded_large_enough_for_the_tightest_view(small: BackboneSpec) -> None:
    own = FeatureExtractor(small, "cpu")
    tight = FeatureExtractor(replace(small, views=(OWN, View(2.0))), "cpu")
    assert tight.min_side == 2 * own.min_side


def test_shape_of_several_crops_is_checked(small: BackboneSpec) -> None:
    extractor = FeatureExtractor(replace(small, views=FOUR), "cpu", batch_size=2)
    prepared = extractor.prepare(np.zeros((50, 70, 3), np.uint8))
    assert prepared.shape == (3, *small.input_size, 3)
    assert extractor.extract([prepared]).shape == (1, small.dims)
    assert extractor.extract([]).shape == (0, small.dims)
    with pytest.raises(ValueError, match="Expected uint8"):
        extractor.extract([prepared[0]])
    extractor.warm_up()


def test_out_of_memory_in_a_later_view_starts_the_batch_again(
    small: BackboneSpec, photos: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = features(small, FOUR, photos)
    run = Execution.run

    def starved(
        self: Execution, batch: NDArray[np.uint8], *, is_mirrored: bool = False
    ) -> NDArray[np.float32]:
        if is_mirrored and len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return run(self, batch, is_mirrored=is_mirrored)

    monkeypatch.setattr(Execution, "run", starved)
    found = features(small, FOUR, photos)
    assert gap(found, expected) < 2e-3
