"""Features: right numbers, the same numbers, and what happens when memory runs out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from dclust_gui.compute.devices import Device, DeviceKind
from dclust_gui.compute.torchvision_fix import import_timm
from dclust_gui.domain.errors import BackboneError, InputError
from dclust_gui.features import execution
from dclust_gui.features.backbones import resolve_backbone
from dclust_gui.features.execution import Execution
from dclust_gui.features.extractor import FeatureExtractor
from dclust_gui.features.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dclust_gui.domain.events import Event
    from dclust_gui.features.backbones import BackboneSpec

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"

GOLDEN = (
    {164: 3.051, 702: 2.642, 1190: 2.361, 725: 2.285},
    {303: 3.913, 354: 3.496, 1263: 2.825, 486: 2.372},
)
"""Largest features of the two photos, from timm's plain float32 model fed (x - 127) / 128."""


def plain_timm(spec: BackboneSpec, pictures: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """What timm gives without any of our shortcuts."""
    model = load_network(spec.timm_name, spec.weights_path)
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous().float() / 255
    mean, std = torch.tensor(spec.mean)[:, None, None], torch.tensor(spec.std)[:, None, None]
    with torch.inference_mode():
        maps = model.forward_features((pixels - mean) / std)  # type: ignore[operator]
        pooled = model.forward_head(maps, pre_logits=True)  # type: ignore[operator]
    features: NDArray[np.float32] = pooled.flatten(1).numpy()
    return features


def cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    result: NDArray[np.float64] = (x * y).sum(1) / lengths
    return result


def prepared(
    extractor: FeatureExtractor, photos: list[NDArray[np.uint8]]
) -> list[NDArray[np.uint8]]:
    return [extractor.prepare(photo) for photo in photos]


def test_photos_are_classified(lite: FeatureExtractor, photos: list[NDArray[np.uint8]]) -> None:
    features = lite.extract(prepared(lite, photos)).astype(np.float32)
    head = lite.classifier()
    assert head is not None
    best = (features @ head[0].T + head[1]).argmax(axis=1)
    names = import_timm().data.ImageNetInfo()
    assert [names.index_to_description(int(i)).split(",")[0] for i in best] == ["palace", "daisy"]


def test_golden_features_hold_and_would_not_with_imagenets_normalisation(
    lite: FeatureExtractor, lite_spec: BackboneSpec, photos: list[NDArray[np.uint8]]
) -> None:
    pictures = prepared(lite, photos)
    wrong = replace(lite_spec, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    right_features, wrong_features = lite.extract(pictures), plain_timm(wrong, pictures)
    for row, golden in enumerate(GOLDEN):
        columns, values = list(golden), np.array(list(golden.values()))
        assert right_features[row, columns] == pytest.approx(values, abs=0.01)
        assert np.abs(wrong_features[row, columns] - values).max() > 0.2
    assert cosine(right_features, wrong_features).max() < 0.95


def test_fast_path_equals_plain_timm(
    lite: FeatureExtractor, lite_spec: BackboneSpec, photos: list[NDArray[np.uint8]]
) -> None:
    pictures = prepared(lite, photos)
    features = lite.extract(pictures)
    assert features.dtype == np.float16
    assert lite.execution_path in {"packed", "folded"}
    assert cosine(features, plain_timm(lite_spec, pictures)).min() > 0.999999


def test_features_do_not_depend_on_company_or_order(lite: FeatureExtractor) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (11, 224, 224, 3), dtype=np.uint8)
    together = lite.extract(noise)
    assert np.array_equal(lite.extract(noise[::-1])[::-1], together)
    assert np.array_equal(lite.extract(noise[3:4])[0], together[3])
    assert lite.extract([]).shape == (0, 1280)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("resnet18", "packed"),
        ("mobilenetv3_small_050", "packed"),
        ("test_efficientnet_gn", "plain"),
        ("vit_tiny_patch16_224", "plain"),
        ("convnext_atto", "plain"),
        ("xcit_nano_12_p16_224", "folded"),
        ("test_byobnet", "packed"),
    ],
)
def test_any_timm_model_gives_timms_features(
    name: str,
    path: str,
    tmp_path: Path,
    photos: list[NDArray[np.uint8]],
    random_weights: Callable[..., Path],
) -> None:
    random_weights(name)
    spec = resolve_backbone(name, weights_dir=tmp_path)
    extractor = FeatureExtractor(spec, "cpu", batch_size=2)
    pictures = prepared(extractor, photos)
    features = extractor.extract(pictures)
    assert features.shape == (2, spec.dims)
    assert cosine(features, plain_timm(spec, pictures)).min() > 0.9999
    assert extractor.execution_path in {path, "folded", "plain"}


def test_bf16_is_close_and_only_when_asked(
    lite_spec: BackboneSpec, lite: FeatureExtractor, photos: list[NDArray[np.uint8]]
) -> None:
    pictures = prepared(lite, photos)
    half = FeatureExtractor(replace(lite_spec, precision="bf16"), "cpu", batch_size=2)
    similarity = cosine(half.extract(pictures), lite.extract(pictures))
    assert 0.97 < similarity.min() < 0.99999


def starve(monkeypatch: pytest.MonkeyPatch, fits: Callable[[Execution, int], bool]) -> None:
    """Let the network run out of memory unless `fits(execution, images)`."""
    run = Execution.run

    def starved(self: Execution, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not fits(self, len(batch)):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return run(self, batch)

    monkeypatch.setattr(Execution, "run", starved)


def test_out_of_memory_halves_the_batch_and_goes_on(
    lite_spec: BackboneSpec, lite: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (5, 224, 224, 3), dtype=np.uint8)
    expected = lite.extract(noise)
    starve(monkeypatch, lambda _execution, images: images <= 2)
    events: list[Event] = []
    extractor = FeatureExtractor(lite_spec, "cpu", 8, events.append)
    assert cosine(extractor.extract(noise), expected).min() > 0.99999
    assert extractor.batch_size == 2
    assert ["batches of 4" in str(e) for e in events] == [True, False]


def test_last_resort_is_the_processor_and_it_is_said(
    lite_spec: BackboneSpec, lite: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    expected = lite.extract(noise)
    # The "card" computes on the processor, and is said to have no memory for any result.
    card = Device(DeviceKind.MPS, "Small Card")
    starve(monkeypatch, lambda execution, _images: execution.device.kind is DeviceKind.CPU)
    monkeypatch.setattr(Device, "torch_name", property(lambda _self: "cpu"))
    monkeypatch.setattr(execution, "free_memory", lambda _device: None)
    events: list[Event] = []
    extractor = FeatureExtractor(lite_spec, card, 2, events.append)
    assert np.array_equal(extractor.extract(noise), expected)
    assert extractor.device.kind is DeviceKind.CPU
    assert "Small Card" in str(events[-1])
    assert "processor" in str(events[-1])


def test_no_memory_at_all_is_a_clear_error(
    lite_spec: BackboneSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    starve(monkeypatch, lambda _execution, _images: False)
    extractor = FeatureExtractor(lite_spec, "cpu", 2)
    with pytest.raises(BackboneError, match="more memory than there is"):
        extractor.extract(np.zeros((1, 224, 224, 3), np.uint8))


def test_other_failures_are_not_taken_for_memory(
    lite: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Execution, _batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(Execution, "run", fail)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        lite.warm_up()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_features_that_are_not_finite_are_an_error(
    value: float, lite: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(_self: Execution, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.full((len(batch), 1280), value, np.float32)

    monkeypatch.setattr(Execution, "run", spoilt)
    with pytest.raises(BackboneError, match="not finite"):
        lite.warm_up()


def test_wrong_pictures_and_batch_sizes_are_refused(
    lite: FeatureExtractor, lite_spec: BackboneSpec
) -> None:
    with pytest.raises(ValueError, match="Expected uint8"):
        lite.extract([np.zeros((10, 10, 3), np.uint8)])
    with pytest.raises(InputError, match="batch size"):
        FeatureExtractor(lite_spec, "cpu", 0)


def test_min_side_is_what_the_resize_wants(lite: FeatureExtractor) -> None:
    assert lite.min_side == 256


@pytest.mark.skipif(not SHARED.is_dir(), reason="sample data not beside the checkout")
def test_features_equal_the_reference_features(lite: FeatureExtractor) -> None:
    from PIL import Image

    reference = np.load(SHARED / "features" / "clothing10.lite0.npz")["features"]
    reference = reference.astype(np.float32)
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    files = sorted((SHARED / "clothing10").rglob("*.jp*g"))[::60]
    pictures = [lite.prepare(np.asarray(Image.open(f).convert("RGB"))) for f in files]
    found = lite.extract(pictures).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    nearest = (found @ reference.T).max(axis=1)
    # The reference holds a random part of the collection; those in it must match exactly.
    assert (nearest > 0.99999).mean() > 0.2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_processor(
    lite_spec: BackboneSpec, lite: FeatureExtractor, photos: list[NDArray[np.uint8]]
) -> None:
    pictures = prepared(lite, photos)
    card = FeatureExtractor(lite_spec, "cuda")
    first = card.extract(pictures)
    assert cosine(first, lite.extract(pictures)).min() > 0.9999
    assert np.array_equal(card.extract(pictures), first)
