"""What the export dialogs say of choices, dry runs and results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.services.export import ExportResult
from dclust_gui.services.export_jobs import KeywordResult
from dclust_gui.services.export_plan import Action, ExportMode
from dclust_gui.services.export_wish import Format, KeywordFormat
from dclust_gui.services.formats.dataset import TreeFormat
from dclust_gui.services.formats.writing import FileFormat, FormatResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dclust_gui.domain.events import StageProgressed
    from dclust_gui.services.export_outlook import Outlook
    from dclust_gui.services.export_wish import ExportWish

Result = ExportResult | FormatResult | KeywordResult

MOST_LISTED = 5


@dataclass(frozen=True, slots=True)
class Words:
    """A choice in words.

    Attributes:
        title: What it is called.
        text: What it means, in a sentence.
    """

    title: str
    text: str


FORMATS: dict[Format, Words] = {
    TreeFormat.FOLDERS: Words(
        "Images in folders, one per cluster", "Files and folders that any program can open."
    ),
    TreeFormat.IMAGEFOLDER: Words(
        "Images as ImageFolder", "A folder per class, as torchvision and Keras read them."
    ),
    TreeFormat.FIFTYONE: Words(
        "Images for FiftyOne", "A folder per class; images without a cluster in '_unlabeled'."
    ),
    TreeFormat.HUGGINGFACE: Words(
        "Images for Hugging Face", "Folders with 'metadata.csv', for the 'imagefolder' loader."
    ),
    FileFormat.CSV: Words(
        "Labels as a table (CSV)", "A row per image: path, cluster, name, confidence, status."
    ),
    FileFormat.JSON: Words("Labels as JSON", "Clusters and images with all that is known of them."),
    FileFormat.COCO: Words("Labels as COCO (JSON)", "Clusters as categories of whole images."),
    FileFormat.TXT: Words("Lists of paths (TXT)", "A text file per cluster, a path per line."),
    FileFormat.HTML: Words(
        "Contact sheet (HTML)", "A page with small pictures of every cluster, to print or send."
    ),
    FileFormat.RUNCARD: Words(
        "Run card (Markdown)", "How these clusters were made, for methods sections and archives."
    ),
    KeywordFormat.XMP: Words(
        "Keywords for photo programs (XMP)",
        "The clusters' names as keywords, in side files. Image files are not changed.",
    ),
}

MODES: dict[ExportMode, Words] = {
    ExportMode.COPY: Words("Copy", "Checked copies; the originals stay where they are."),
    ExportMode.MOVE: Words("Move", "Takes the originals away; the project follows them."),
    ExportMode.HARDLINK: Words("Hard link", "A second name of the same file; takes no space."),
    ExportMode.SYMLINK: Words("Symbolic link", "Points to the original; breaks if that moves."),
    ExportMode.REFLINK: Words("Reflink", "A copy that takes no space until one is changed."),
}

_VERBS = {
    ExportMode.COPY: ("to copy", "copied and checked"),
    ExportMode.MOVE: ("to move", "moved"),
    ExportMode.HARDLINK: ("to link", "linked"),
    ExportMode.SYMLINK: ("to link", "linked"),
    ExportMode.REFLINK: ("to copy sharing blocks", "copied sharing blocks"),
}

_START = {
    ExportMode.MOVE: "Move files…",
    ExportMode.HARDLINK: "Make links",
    ExportMode.SYMLINK: "Make links",
}

EMBED_HINT = (
    "For those, export copies of the images, with the clusters' names written into them: choose"
    " images above instead of keywords."
)

PROGRAMS = (
    ("Lightroom Classic, Bridge", "only beside RAW files: photo.xmp"),
    ("darktable", "beside any image: photo.jpg.xmp; photo.xmp when it is first imported"),
    ("digiKam", "beside any image, once 'Read from sidecar files' is on: photo.jpg.xmp"),
    ("Most other programs", "no side files, only keywords inside the image"),
)
"""Which program reads which sidecar."""


def start_text(outlook: Outlook | None, *, is_resumed: bool) -> str:
    """What the button says that begins the export."""
    if is_resumed:
        moves = outlook is not None and outlook.wish.moves
        return "Finish moving…" if moves else "Finish export"
    if outlook is None or not outlook.wish.is_tree:
        return "Export"
    return _START.get(outlook.wish.mode, "Export")


def outlook_text(outlook: Outlook) -> str:
    """What will be done, in one sentence."""
    wish, parts = outlook.wish, []
    new, updated = outlook.count(Action.COPY), outlook.count(Action.UPDATE)
    if isinstance(wish.format, FileFormat):
        what = count_of(outlook.n_images)
        return f"{count_of(new, 'file')} about {what} to write." if new else "Nothing to write."
    if isinstance(wish.format, KeywordFormat):
        parts = [f"{count_of(new, 'new side file')}"] if new else []
        parts += [f"keywords to be added to {count_of(updated, 'side file')}"] if updated else []
        return f"{', '.join(parts) or 'Nothing to write'}."
    rows = (
        (Action.COPY, _VERBS[wish.mode][0]),
        (Action.RELEASE, "to take from their old places"),
        (Action.UPDATE, "to bring up to date"),
        (Action.RENAME, "to move inside the export"),
        (Action.KEEP, "already there"),
    )
    for action, words in rows:
        number = outlook.count(action)
        if number:
            parts.append(f"{f'{number:,}' if parts else count_of(number, 'file')} {words}")
    if not parts:
        return "There is nothing to export."
    if not outlook.has_work:
        return f"Everything is up to date: {', '.join(parts)}."
    return f"{', '.join(parts)} · {room_text(outlook)}"


def room_text(outlook: Outlook) -> str:
    """Bytes to write and free space."""
    plan = outlook.plan
    free = f"{size_text(outlook.free_bytes)} free"
    if plan is None or not plan.copied_bytes:
        return f"takes no space, {free}"
    return f"{size_text(plan.copied_bytes)} to write, {free}"


def outlook_notes(outlook: Outlook) -> str:
    """What a person should know before it starts."""
    notes = list(outlook.notes)
    plan, facts = outlook.plan, outlook.facts
    if plan is not None:
        if plan.collisions:
            verb = "get a number" if plan.collisions > 1 else "gets a number"
            notes.append(f"{count_of(plan.collisions)} {verb}, as the name is taken.")
        if plan.mapped:
            verb = "have names" if len(plan.mapped) > 1 else "has a name"
            notes.append(
                f"{count_of(len(plan.mapped), 'cluster')} {verb} that no folder can have; see"
                " 'Changed names'."
            )
    if facts.n_begun:
        there = count_of(facts.n_files, "file")
        notes.insert(0, f"An export into this folder was interrupted; it holds {there} so far.")
    return "\n".join(notes)


def stopped_text(reached: StageProgressed | None) -> str:
    """What is said of an export that the user has stopped."""
    if reached is None or not reached.total:
        return "The export was stopped. What is finished is complete."
    return (
        f"The export was stopped: {reached.done:,} of {reached.total:,} done. What is finished"
        " is complete."
    )


def result_text(result: Result, wish: ExportWish) -> str:
    """What was done."""
    if isinstance(result, FormatResult):
        names = ", ".join(f"'{path.name}'" for path in result.files[:MOST_LISTED])
        more = len(result.files) - MOST_LISTED
        names += f" and {more:,} more" if more > 0 else ""
        return f"Written: {names}." if names else "Nothing was written."
    if isinstance(result, KeywordResult):
        unchanged = sum(row.unchanged for row in result.sidecars)
        text = f"{count_of(result.n_written, 'side file')} written"
        text += f", {unchanged:,} had the keywords already" if unchanged else ""
        return f"{text}."
    if result.stopped:
        return f"The export ended early: {result.stopped}"
    done = _VERBS[wish.mode][1]
    done = done if wish.verify else done.removesuffix(" and checked")
    parts = [f"{count_of(result.copied, 'file')} {done}"]
    for number, words in (
        (result.updated, "brought up to date"),
        (result.moved, "moved inside the export"),
        (result.kept, "already there"),
        (result.skipped, "left out, as the name was taken"),
    ):
        if number:
            parts.append(f"{number:,} {words}")
    return ", ".join(parts) + "."


def failure_text(result: Result) -> str:
    """The files that could not be exported, the first few by name."""
    if isinstance(result, FormatResult):
        left = ", ".join(f"'{name}'" for name in result.skipped[:MOST_LISTED])
        return f"Left out, as the name is taken: {left}." if left else ""
    if isinstance(result, KeywordResult):
        return _listed("Could not write to", result.left)
    parts = [
        _listed("Could not export", result.failed),
        _listed("Copied without keywords in", result.unnamed),
    ]
    return "\n".join(part for part in parts if part)


def _listed(what: str, files: Sequence[tuple[Path, str]]) -> str:
    """Files with a reason each, the first few by name; empty for none."""
    if not files:
        return ""
    lines = [f"{path.name}: {reason}" for path, reason in files[:MOST_LISTED]]
    more = len(files) - len(lines)
    head = f"{what} {count_of(len(files), 'file')}."
    return "\n".join([head, *lines, *([f"and {more:,} more"] if more else [])])


def size_text(n_bytes: int) -> str:
    """`340 KB`, `1.2 GB`."""
    value = float(n_bytes)
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:,.0f} {unit}" if value >= 100 or unit == "bytes" else f"{value:,.1f} {unit}"


def shown(text: str) -> str:
    """A file's name fit to show, whatever its bytes are."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
