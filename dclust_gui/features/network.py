"""timm's architectures as networks that give pooled features, and what timm knows about them."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from dclust_gui.compute.torchvision_fix import import_timm
from dclust_gui.domain.errors import BackboneError
from dclust_gui.features.memory import ModelFacts

if TYPE_CHECKING:
    from torch import Tensor


class PooledFeatures(nn.Module):
    """A timm model that answers with its pooled features before the classifier."""

    def __init__(self, model: nn.Module) -> None:
        """Wrap a timm model.

        Args:
            model: Has `forward_features` and `forward_head(x, pre_logits=True)`.
        """
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Features of a batch.

        Args:
            pixels: Float (n, 3, height, width), normalised.

        Returns:
            Same dtype, (n, dims).
        """
        maps = self.model.forward_features(pixels)  # type: ignore[operator]  # timm's protocol
        pooled = self.model.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        return cast("Tensor", pooled).flatten(1)


def is_model(name: str) -> bool:
    """Whether timm has an architecture of that name; a known `.tag` may follow."""
    timm = import_timm()
    if not timm.is_model(name):
        return False
    return "." not in name or name in timm.list_pretrained(f"{name.partition('.')[0]}.*")


def unknown_model(name: str) -> BackboneError:
    """The error for a name that timm does not have, with the nearest names it has."""
    near = difflib.get_close_matches(name.partition(".")[0], import_timm().list_models(), n=3)
    hint = f"Did you mean {', '.join(near)}?" if near else "See `dclust models list`."
    return BackboneError(f"There is no backbone '{name}'.", "timm has no model of that name.", hint)


def model_from_stem(stem: str) -> str | None:
    """The timm model with whose name a file's stem starts; the longest such name.

    Args:
        stem: For instance "resnet18.a1_in1k" or "resnet18-5c106cde".

    Returns:
        With the tag where it is one of timm's ("resnet18.a1_in1k"), else the bare architecture.
    """
    timm = import_timm()
    fits = [n for n in timm.list_models() if re.match(rf"{re.escape(n)}(?![A-Za-z0-9])", stem)]
    if not fits:
        return None
    name: str = max(fits, key=len)
    tagged: list[str] = [t for t in timm.list_pretrained(f"{name}.*") if stem.startswith(t)]
    return max(tagged, key=len) if tagged else name


def create(timm_name: str, n_classes: int | None = None, *, on_meta: bool = False) -> nn.Module:
    """Build an architecture with random weights.

    Args:
        timm_name: timm's name, with or without a tag.
        n_classes: Rows of the classifier, 0 for none, None for the usual number.
        on_meta: Allocate no memory; only shapes are known.

    Returns:
        The model in evaluation mode on the CPU or on the meta device.

    Raises:
        BackboneError: If timm does not have or cannot build the model.
    """
    timm = import_timm()
    if not timm.is_model(timm_name):
        raise unknown_model(timm_name)
    options = {} if n_classes is None else {"num_classes": n_classes}
    try:
        with torch.device("meta" if on_meta else "cpu"):
            model = timm.create_model(timm_name, pretrained=False, **options)
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise BackboneError(f"timm cannot build '{timm_name}'.", f"{error}.") from error
    return cast("nn.Module", model).eval()


def classifier_names(model: nn.Module) -> tuple[str, ...]:
    """Dotted names of the model's classifier layers; empty where it has none."""
    cfg = getattr(model, "pretrained_cfg", None) or {}
    named = cfg.get("classifier")
    if named is None:
        return ()
    return (named,) if isinstance(named, str) else tuple(named)


def describe(timm_name: str) -> ModelFacts:
    """What timm knows about a model, and the width of its features.

    Args:
        timm_name: timm's name; a tag chooses among several sets of weights.

    Returns:
        The facts; nothing is downloaded and no weights are allocated where torch allows that.

    Raises:
        BackboneError: If the model is unknown, is not fed RGB, or gives no pooled features.
    """
    try:
        model = create(timm_name, on_meta=True)
        dims = _width(model, "meta")
    except (BackboneError, RuntimeError, NotImplementedError):
        model = create(timm_name)  # some models compute values while they are built
        dims = _width(model, "cpu")
    cfg = getattr(model, "pretrained_cfg", None) or {}
    _channels, height, width = cfg.get("input_size") or (3, 224, 224)
    red, green, blue = cfg.get("mean") or (0.485, 0.456, 0.406)
    red_std, green_std, blue_std = cfg.get("std") or (0.229, 0.224, 0.225)
    return ModelFacts(
        timm_name=timm_name,
        input_size=(int(height), int(width)),
        crop_pct=float(cfg.get("crop_pct") or 0.875),
        mean=(float(red), float(green), float(blue)),
        std=(float(red_std), float(green_std), float(blue_std)),
        interpolation=str(cfg.get("interpolation") or "bicubic"),
        dims=dims,
        licence=str(cfg.get("license") or "unknown"),
    )


def _width(model: nn.Module, device: str) -> int:
    """Width of a model's pooled features, by running it on an empty image."""
    cfg = getattr(model, "pretrained_cfg", None) or {}
    shape = tuple(cfg.get("input_size") or (3, 224, 224))
    name = cfg.get("architecture", "the model")
    if shape[0] != 3:
        raise BackboneError(f"'{name}' cannot be used.", "It is not fed RGB pictures.")
    if not hasattr(model, "forward_head"):
        raise BackboneError(f"'{name}' cannot be used.", "It gives no pooled features.")
    with torch.inference_mode():
        return int(PooledFeatures(model)(torch.zeros(1, *shape, device=device)).shape[1])
