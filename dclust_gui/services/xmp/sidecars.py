"""Writes keywords into sidecars: beside the images, or below another folder.

Both rules for names are known: `a.xmp` (Adobe's programs, which read sidecars for RAW files only)
and `a.jpg.xmp` (darktable, digiKam). A sidecar that is there is merged into; what it was before
the first time is kept beside it as `NAME.before-dclust`. Image files are never written to.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.images import absolute_path
from dclust_gui.services.export_plan import check_target
from dclust_gui.services.xmp.document import DamagedXmlError
from dclust_gui.services.xmp.packet import merge_keywords
from dclust_gui.storage.files import write_file, write_new_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.formats.images import LabelledImage

BACKUP_ENDING = ".before-dclust"
MOST_BYTES = 64 * 1024 * 1024
"""Larger sidecars are left alone: no program writes such."""


class SidecarNames(StrEnum):
    """How a sidecar is called.

    `STEM` is `a.xmp` for `a.jpg`; `FULL` is `a.jpg.xmp`.
    """

    STEM = "stem"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class SidecarResult:
    """What was written.

    Attributes:
        written: New and changed sidecars.
        unchanged: Sidecars that held everything already.
        unnamed: Images without a keyword, as nobody has named their cluster.
        left: Sidecars that were left as they are, each with a reason.
    """

    written: tuple[Path, ...]
    unchanged: int
    unnamed: int
    left: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True)
class SidecarPlan:
    """What writing sidecars would do.

    Attributes:
        new: Sidecars that are not there yet.
        merged: Sidecars that are there, to which the keywords are added.
        unnamed: Images without a keyword, as nobody has named their cluster.
        folders: Number of sidecars by folder.
    """

    new: int
    merged: int
    unnamed: int
    folders: Mapping[Path, int]


def plan_sidecars(
    images: Iterable[LabelledImage],
    roots: Sequence[Path],
    target: Path,
    names: SidecarNames,
    token: CancelToken,
) -> SidecarPlan:
    """List what `write_sidecars` would do with the same arguments; reads folders only.

    Raises:
        InputError: If the target lies inside a root or around one.
        Cancelled: If the job was cancelled.
    """
    inside = _root_at(target, roots)
    merged: dict[Path, bool] = {}
    unnamed = 0
    for image in images:
        token.checkpoint()
        if inside is not None and roots[image.record.root] != inside:
            continue
        if image.cluster is None or not image.cluster.name:
            unnamed += 1
            continue
        beside = inside is not None
        place = image.source if beside else target / _relative(image, roots)
        path = sidecar_path(place, sidecars_of(image.record, roots) if beside else (), names)
        if path not in merged:
            merged[path] = path.is_file()
    n_merged = sum(merged.values())
    folders = Counter(path.parent for path in merged)
    return SidecarPlan(len(merged) - n_merged, n_merged, unnamed, folders)


def write_sidecars(
    images: Iterable[LabelledImage],
    roots: Sequence[Path],
    target: Path,
    names: SidecarNames,
    token: CancelToken,
) -> SidecarResult:
    """Write the names of the clusters into sidecars.

    Args:
        images: What goes out; the second file of a RAW+JPEG pair gets one of its own by `FULL`.
        roots: Root folders of the project.
        target: One of the roots, for sidecars beside its images; or another folder, which gets
            sidecars only, in folders like those of the images.
        names: How they are called; one that is there by the other rule is merged into as it is.
        token: Stops the work; each sidecar is there whole or as it was.

    Returns:
        What was done. Sidecars that cannot be read or written are left and listed.

    Raises:
        InputError: If the target lies inside a root or around one.
        Cancelled: If the job was cancelled.
    """
    inside = _root_at(target, roots)
    work = _Writing(names, token)
    for image in images:
        there = sidecars_of(image.record, roots)
        if inside is None:
            work.write(image, target / _relative(image, roots), there, is_beside=False)
        elif roots[image.record.root] == inside:
            work.write(image, image.source, there, is_beside=True)
    return SidecarResult(tuple(work.written), work.unchanged, work.unnamed, tuple(work.left))


def _root_at(target: Path, roots: Sequence[Path]) -> Path | None:
    """The root that a target is; None for a folder that is no part of the project.

    Raises:
        InputError: If the target lies inside a root or around one.
    """
    inside = next((root for root in roots if root.resolve() == target.resolve()), None)
    if inside is None:
        check_target(target, roots)
    return inside


def _relative(image: LabelledImage, roots: Sequence[Path]) -> Path:
    """Path of an image below the target; with several roots it begins with the root's name."""
    below = image.source.relative_to(roots[image.record.root])
    first = image.path.split("/")[0]
    return Path(first, below) if len(roots) > 1 else below


class _Writing:
    """Sidecars under way; one that two images share gets the keywords of both."""

    def __init__(self, names: SidecarNames, token: CancelToken) -> None:
        self._names = names
        self._token = token
        self._keywords: dict[Path, list[str]] = {}
        self.written: list[Path] = []
        self.unchanged = 0
        self.unnamed = 0
        self.left: list[tuple[Path, str]] = []

    def write(
        self, image: LabelledImage, place: Path, sidecars: Sequence[Path], *, is_beside: bool
    ) -> None:
        """Write the sidecar of one image.

        Args:
            image: The image.
            place: The image's own path, or what it would be below the target.
            sidecars: Sidecars that lie beside it.
            is_beside: The sidecar goes there, too.
        """
        self._token.checkpoint()
        keyword = image.cluster.name if image.cluster is not None else ""
        self.unnamed += not keyword
        path = sidecar_path(place, sidecars if is_beside else (), self._names)
        near = sidecar_path(image.source, sidecars, self._names)
        known = next((p for p in (path, near) if p.is_file()), None)
        if not keyword and known is None:
            return
        shared = self._keywords.setdefault(path, [])
        shared += [keyword] if keyword and keyword not in shared else []
        try:
            self._merge(path, known, shared)
        except (OSError, DamagedXmlError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self.left.append((known or path, f"{reason}".rstrip(".") + "."))

    def _merge(self, path: Path, known: Path | None, keywords: Sequence[str]) -> None:
        before = None
        if known is not None:
            if known.stat().st_size > MOST_BYTES:
                raise DamagedXmlError("It is too large for a sidecar.")
            before = known.read_bytes()
        data = merge_keywords(before, keywords)
        if known == path:
            if data == before:
                self.unchanged += 1
                return
            backup = path.with_name(path.name + BACKUP_ENDING)
            if before is not None and not backup.exists():
                write_new_file([backup], [before])
            write_file(path, [data])
        else:
            write_new_file([path], [data])
        if path not in self.written:
            self.written.append(path)


def sidecar_path(image: Path, there: Sequence[Path], names: SidecarNames) -> Path:
    """Where an image's sidecar goes: by the rule, or where one is by the other rule.

    Args:
        image: The image's path, or what it would be.
        there: Sidecars that are known to lie beside it.
        names: The rule.
    """
    stem, full = image.with_suffix(".xmp"), image.with_name(image.name + ".xmp")
    rules = (stem, full) if names is SidecarNames.STEM else (full, stem)
    known = {path.name.lower(): path for path in there}
    for path in rules:
        if path.name.lower() in known:
            return known[path.name.lower()]
    return next((path for path in rules if path.is_file()), rules[0])


def sidecars_of(record: ImageRecord, roots: Sequence[Path]) -> list[Path]:
    """Sidecars of an image that are there."""
    paths = (absolute_path(roots[record.root], c.relative) for c in record.companions)
    return [path for path in paths if path.suffix.lower() == ".xmp" and path.is_file()]
