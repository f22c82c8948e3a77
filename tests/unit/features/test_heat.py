"""Heat maps: which regions of a picture pull it towards a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.errors import BackboneError
from dclust_gui.features.backbones import resolve_backbone
from dclust_gui.features.heat import HeatMapper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.features.backbones import BackboneSpec
    from dclust_gui.features.extractor import FeatureExtractor


def unit(features: NDArray[np.floating]) -> NDArray[np.float32]:
    return (features / np.linalg.norm(features)).astype(np.float32)


@pytest.fixture(scope="module")
def mapper(lite_spec: BackboneSpec) -> HeatMapper:
    return HeatMapper(lite_spec)


def test_the_places_mean_is_the_features(
    mapper: HeatMapper, lite: FeatureExtractor, photos: list[NDArray[np.uint8]]
) -> None:
    prepared = lite.prepare(photos[0])
    features = lite.extract([prepared])[0].astype(np.float32)
    places = mapper._map(prepared)
    assert places.shape == (7, 7, lite.dims)
    np.testing.assert_allclose(places.mean(axis=(0, 1)), features, atol=0.02)


def test_the_half_that_shows_the_flower_is_hot(
    mapper: HeatMapper, lite: FeatureExtractor, photos: list[NDArray[np.uint8]]
) -> None:
    building, flower = (photo[:400, :400] for photo in photos)
    both = np.concatenate([building[:, 100:300], flower[:, 100:300]], axis=1)
    features = lite.extract([lite.prepare(p) for p in (building, flower)]).astype(np.float32)
    mean = features.mean(axis=0)
    towards, away = unit(features[1] - mean), unit(features[0] - mean)
    heat = mapper.heat(both, towards, mean, away)
    assert heat.values[:, 4:].mean() > heat.values[:, :3].mean() + 0.3
    assert np.abs(heat.values).max() == pytest.approx(1.0)
    alone = mapper.heat(both, towards, mean)
    assert alone.values[:, 4:].mean() > alone.values[:, :3].mean()


def test_the_box_is_the_centre_crop(mapper: HeatMapper, lite: FeatureExtractor) -> None:
    wide = np.zeros((256, 512, 3), np.uint8)
    direction = np.zeros(lite.dims, np.float32)
    heat = mapper.heat(wide, direction, direction)
    assert heat.values.max() == 0
    left, top, right, bottom = heat.box
    assert left == pytest.approx(1 - right)
    assert bottom - top == pytest.approx(0.875, abs=0.01)
    assert right - left == pytest.approx(0.875 / 2, abs=0.01)


def test_patches_of_a_transformer_are_laid_out(
    tmp_path: Path, random_weights: Callable[..., Path], photos: list[NDArray[np.uint8]]
) -> None:
    path = random_weights("vit_tiny_patch16_224")
    spec = resolve_backbone(f"vit_tiny_patch16_224={path}", weights_dir=tmp_path)
    mean = np.zeros(spec.dims, np.float32)
    heat = HeatMapper(spec).heat(photos[0], mean + 1, mean)
    assert heat.values.shape == (14, 14)


def test_a_network_without_such_a_map_says_so(
    tmp_path: Path, random_weights: Callable[..., Path], photos: list[NDArray[np.uint8]]
) -> None:
    name = "mobilenetv3_small_050"  # has a layer between the pooled map and its features
    spec = resolve_backbone(f"{name}={random_weights(name)}", weights_dir=tmp_path)
    mean = np.zeros(spec.dims, np.float32)
    with pytest.raises(BackboneError, match="which regions count"):
        HeatMapper(spec).heat(photos[0], mean, mean)
