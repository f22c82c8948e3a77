"""What is remembered about weights files and models, so that no start has to ask timm again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = 1
_ALWAYS_HASHED_BYTES = 64 << 20
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the network is and what it wants to be fed.

    Attributes:
        timm_name: timm's name of the architecture, with the tag of the weights where known.
        input_size: Height and width of the network's input in pixels.
        crop_pct: Part of the scaled picture that the centre crop keeps, in (0, 1].
        mean: Per channel (R, G, B), subtracted from pixels in [0, 1].
        std: Per channel, divided by after that.
        interpolation: Name of the resize filter.
        dims: Width of the features.
        licence: SPDX name where known, else "unknown".
    """

    timm_name: str
    input_size: tuple[int, int]
    crop_pct: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    dims: int
    licence: str

    def to_json(self) -> str:
        """As text, for a file or the metadata of a weights file."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`.

        Raises:
            ValueError: If the text is not such a record.
        """
        try:
            record = json.loads(text)
            red, green, blue = (float(v) for v in record["mean"])
            red_std, green_std, blue_std = (float(v) for v in record["std"])
            height, width = (int(v) for v in record["input_size"])
            return cls(
                timm_name=str(record["timm_name"]),
                input_size=(height, width),
                crop_pct=float(record["crop_pct"]),
                mean=(red, green, blue),
                std=(red_std, green_std, blue_std),
                interpolation=str(record["interpolation"]),
                dims=int(record["dims"]),
                licence=str(record["licence"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("Not a record of a model.") from error


class BackboneMemory:
    """A small JSON file in the user's cache; losing it costs one import of timm, nothing else."""

    def __init__(self, path: Path | None) -> None:
        """Read the file; a missing or damaged one counts as empty.

        Args:
            path: The file, or None to remember nothing beyond this object's life.
        """
        self._path = path
        self._changed = False
        self._digests: dict[str, str] = {}
        self._models: dict[str, str] = {}
        self._names: dict[str, str] = {}
        if path is not None:
            self._read(path)

    def digest(self, file: Path) -> str:
        """Hash of a file's content; large files are hashed again only when they change.

        Args:
            file: The weights.

        Returns:
            32 hexadecimal digits.

        Raises:
            OSError: If the file cannot be read.
        """
        stat = file.stat()
        key = f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        if stat.st_size > _ALWAYS_HASHED_BYTES and key in self._digests:
            return self._digests[key]
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, _new_hash).hexdigest()
        if self._digests.get(key) != found:
            self._digests[key] = found
            self._changed = True
        return found

    def model(self, name: str, digest: str) -> ModelFacts | None:
        """What was remembered about a model with these weights."""
        text = self._models.get(f"{name}|{digest}")
        try:
            return None if text is None else ModelFacts.from_json(text)
        except ValueError:
            return None

    def remember_model(self, name: str, digest: str, facts: ModelFacts) -> None:
        """Keep what was found out about a model with these weights."""
        self._models[f"{name}|{digest}"] = facts.to_json()
        self._changed = True

    def architecture(self, stem: str) -> str | None:
        """The timm model that a file name was found to stand for."""
        return self._names.get(stem)

    def remember_architecture(self, stem: str, timm_name: str) -> None:
        """Keep which timm model a file name stands for."""
        self._names[stem] = timm_name
        self._changed = True

    def save(self) -> None:
        """Write the file if something changed; a cache that cannot be written is no error."""
        if self._path is None or not self._changed:
            return
        record = {
            "format": _FORMAT,
            "digests": self._digests,
            "models": self._models,
            "names": self._names,
        }
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(record, indent=1, sort_keys=True), "utf-8")
            partial.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        else:
            self._changed = False

    def _read(self, path: Path) -> None:
        try:
            record = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return
        if isinstance(record, dict) and record.get("format") == _FORMAT:
            self._digests = _texts(record.get("digests"))
            self._models = _texts(record.get("models"))
            self._names = _texts(record.get("names"))


def _texts(value: object) -> dict[str, str]:
    """The pairs of a mapping that are text on both sides."""
    if not isinstance(value, dict):
        return {}
    return {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, str)}


def _new_hash() -> hashlib.blake2b:
    """The hash of weights files."""
    return hashlib.blake2b(digest_size=_DIGEST_BYTES)
