"""The backbones that were trained on this computer: their names and what they came from.

Each is a whole weights file with a JSON file of facts beside it, in a folder of its own within the
user's folder of weights: it cannot be had again without training, so it is no part of the cache.
Loads neither torch nor timm.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import BackboneError
from dclust_gui.domain.runs import TUNED_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "tuned"
"""Within the user's folder of weights."""

_WEIGHTS_END = ".safetensors"


@dataclass(frozen=True, slots=True)
class TunedBackbone:
    """A backbone that was trained on somebody's images.

    Attributes:
        name: With its prefix, as a backbone is named: "tuned:beach-dec-3f2a".
        base: Name of the backbone it was before.
        timm_name: timm's name of the architecture.
        weights_path: The weights.
        created: ISO 8601 time with offset.
        n_images: Images it learnt from.
        is_any_size: Whether it can be fed larger pictures, as its base can.
        fingerprint: Of the standard view; empty where it is not known.
    """

    name: str
    base: str
    timm_name: str
    weights_path: Path
    created: str
    n_images: int
    is_any_size: bool
    fingerprint: str = ""

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return f"{self.base}, trained on {self.n_images:,} images, {self.created[:10]}"


def tuned_dir(weights_dir: Path) -> Path:
    """The folder of the trained backbones; it may not exist yet."""
    return weights_dir / FOLDER


def list_tuned(weights_dir: Path) -> list[TunedBackbone]:
    """The trained backbones, the latest first; damaged ones are left out."""
    folder = tuned_dir(weights_dir)
    if not folder.is_dir():
        return []
    found = [_read(path) for path in folder.glob(f"*{_WEIGHTS_END}") if path.name[0] != "."]
    return sorted((t for t in found if t), key=lambda t: (t.created, t.name), reverse=True)


def find_tuned(name: str, weights_dir: Path) -> TunedBackbone:
    """The trained backbone of that name.

    Args:
        name: With the prefix.
        weights_dir: The user's folder of added weights.

    Raises:
        BackboneError: If there is none.
    """
    every = list_tuned(weights_dir)
    found = next((t for t in every if t.name == name), None)
    if found is None:
        known = ", ".join(t.name for t in every[:5])
        raise BackboneError(
            f"There is no trained backbone '{name.removeprefix(TUNED_PREFIX)}' on this computer.",
            f"There are: {known}." if known else "None was trained here, or it was removed.",
            "Train again with --finetune, or use the frozen features.",
        )
    return found


def remove_tuned(name: str, weights_dir: Path) -> None:
    """Delete a trained backbone; features that were taken with it stay in the cache.

    Raises:
        BackboneError: If there is none of that name, or it cannot be deleted.
    """
    found = find_tuned(name, weights_dir)
    try:
        found.weights_path.unlink()
        found.weights_path.with_suffix(".json").unlink(missing_ok=True)
    except OSError as error:
        raise BackboneError(f"'{name}' could not be removed.", f"{error.strerror}.") from error


def _read(path: Path) -> TunedBackbone | None:
    try:
        facts = json.loads(path.with_suffix(".json").read_text("utf-8"))
        return TunedBackbone(
            name=str(facts["name"]),
            base=str(facts["base"]),
            timm_name=str(facts["timm_name"]),
            weights_path=path,
            created=str(facts["created"]),
            n_images=int(facts["images"]),
            is_any_size=bool(facts["any_size"]),
            fingerprint=str(facts.get("fingerprint", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
