"""Networks cut before their last blocks: whatever the architecture, both parts give the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from dclust_gui.compute.devices import cpu_device
from dclust_gui.domain.errors import BackboneError
from dclust_gui.features.backbones import list_backbones, resolve_backbone
from dclust_gui.features.memory import ModelFacts
from dclust_gui.features.network import PooledFeatures, create
from dclust_gui.features.split import split_network
from dclust_gui.features.tuning import TuningNetwork
from dclust_gui.features.weights import write_weights

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.features.backbones import BackboneSpec

SIDE = 64
LAST = {
    "test_efficientnet": "blocks.4.0",
    "test_resnet": "layer4.0",
    "test_vit": "blocks.5",
    "test_convnext": "stages.3",
}


def network(name: str, side: int = SIDE) -> nn.Module:
    """A small network with the same random weights each time."""
    torch.manual_seed(0)
    del side
    return create(name, 0)


def size_of(model: nn.Module) -> tuple[int, int]:
    """Pixels that a network takes; a transformer only its own."""
    return (160, 160) if hasattr(model, "pos_embed") else (SIDE, SIDE)


@pytest.fixture
def spec(tmp_path: Path) -> BackboneSpec:
    """A backbone in the user's folder of weights."""
    folder = tmp_path / "weights"
    folder.mkdir()
    grey = (0.5, 0.5, 0.5)
    facts = ModelFacts("test_efficientnet", (SIDE, SIDE), 0.875, grey, grey, "bicubic", 256, "MIT")
    write_weights(network("test_efficientnet"), facts, folder / "test_efficientnet.safetensors")
    return resolve_backbone("test_efficientnet", weights_dir=folder)


@pytest.mark.parametrize("name", LAST)
def test_trunk_and_tail_give_what_the_network_gives(name: str) -> None:
    model = network(name)
    size = size_of(model)
    split = split_network(model, 1, size)
    assert split.is_cut
    assert split.blocks == (LAST[name],)
    pixels = torch.rand(3, 3, *size)
    with torch.no_grad():
        wanted = PooledFeatures(model)(pixels)
        found = split.tail(split.trunk(pixels))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAST)
def test_only_what_lies_behind_the_cut_is_trained(name: str) -> None:
    model = network(name)
    split = split_network(model, 1, size_of(model))
    trained = {n for n, p in split.tail.model.named_parameters() if p.requires_grad}
    assert trained == set(split.trained)
    assert any(n.startswith(f"{LAST[name]}.") for n in trained)
    earlier = LAST[name].rpartition(".")[0]
    assert not any(
        n.startswith(("conv_stem", "conv1", "patch_embed", "pos_embed")) for n in trained
    )
    assert all(n.startswith(LAST[name]) for n in trained if n.startswith(f"{earlier}."))


def test_the_network_itself_is_left_as_it_is() -> None:
    model = network("test_resnet")
    before = {n: p.clone() for n, p in model.state_dict().items()}
    split = split_network(model, 2, (SIDE, SIDE))
    loss = split.tail(split.trunk(torch.rand(2, 3, SIDE, SIDE)).detach()).square().mean()
    loss.backward()
    assert all(torch.equal(p, before[n]) for n, p in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_statistics_stay_and_dropout_stays_off() -> None:
    tail = split_network(network("test_efficientnet"), 1, (SIDE, SIDE)).tail
    tail.train()
    assert not any(part.training for part in tail.modules())


def test_without_a_cut_the_tail_is_the_whole_network() -> None:
    model = network("test_resnet")
    split = split_network(model, 1, (SIDE, SIDE), is_cut=False)
    pixels = torch.rand(2, 3, SIDE, SIDE)
    with torch.no_grad():
        torch.testing.assert_close(split.tail(split.trunk(pixels)), PooledFeatures(model)(pixels))
    assert not split.is_cut
    assert sum(p.requires_grad for p in split.tail.parameters()) == len(split.trained)


def test_more_blocks_than_there_are_means_all() -> None:
    split = split_network(network("test_resnet"), 99, (SIDE, SIDE))
    assert split.blocks[0] == "layer1.0"


def test_a_network_without_blocks_is_refused() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward_features(self, pixels: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.conv(pixels))

        def forward_head(self, maps: torch.Tensor, *, pre_logits: bool) -> torch.Tensor:
            assert pre_logits
            return maps.mean((2, 3))

    with pytest.raises(BackboneError, match="cannot be trained"):
        split_network(Plain().eval(), 1, (SIDE, SIDE))


def test_what_was_learnt_is_written_and_read_as_a_backbone(
    spec: BackboneSpec, tmp_path: Path
) -> None:
    tuning = TuningNetwork(spec, cpu_device(), 1)
    pixels = torch.rand(2, 3, SIDE, SIDE) * 255
    with torch.no_grad():
        for weight in tuning.tail.parameters():
            if weight.requires_grad:
                weight.mul_(1.05)
        wanted = tuning.tail(tuning.maps(pixels))
    file = tmp_path / "test_efficientnet-tuned.safetensors"
    tuning.save(file)
    again = resolve_backbone(str(file), weights_dir=tmp_path)
    assert again.fingerprint != spec.fingerprint
    assert (again.input_size, again.mean, again.dims) == (spec.input_size, spec.mean, spec.dims)
    reread = TuningNetwork(again, cpu_device(), 1)
    with torch.no_grad():
        torch.testing.assert_close(reread.tail(reread.maps(pixels)), wanted, rtol=1e-3, atol=1e-4)


def test_an_unknown_trained_backbone_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="no trained backbone 'beach'"):
        resolve_backbone("tuned:beach", weights_dir=tmp_path)
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "broken.safetensors").write_bytes(b"x")
    assert all(not row.name.startswith("tuned:") for row in list_backbones(tmp_path))
