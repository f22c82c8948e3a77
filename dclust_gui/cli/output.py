"""Everything the command line prints: progress, tables, results, errors."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.events import (
    Event,
    ImageSkipped,
    Notice,
    Severity,
    Stage,
    StageProgressed,
    ThumbnailReady,
    TrainingProgressed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from dclust_gui.domain.errors import KnownError

_TITLES = {
    Stage.SCAN: "Looking for images",
    Stage.DECODE: "Decoding",
    Stage.FEATURES: "Reading images",
    Stage.REDUCE: "Preparing features",
    Stage.HEAD: "Training",
    Stage.CLUSTER: "Clustering",
    Stage.TREE: "Building the tree",
    Stage.MEASURE: "Measuring",
    Stage.EXPORT: "Exporting",
    Stage.IMPORT: "Matching labels",
}
_COUNTED = frozenset({Stage.SCAN, Stage.FEATURES, Stage.EXPORT, Stage.IMPORT})
"""Stages whose steps are files; those of the others mean nothing to a person."""

_ERROR_STREAM = 2
_SHOWN_SKIPPED = 10
_PIPED_WIDTH = 160


def choose(question: str, answers: Sequence[str]) -> str:
    """Ask the person at the terminal for one of some letters, until one is given.

    Args:
        question: What is asked.
        answers: The letters.

    Raises:
        typer.Abort: If nobody answers.
    """
    while True:
        given: str = typer.prompt(f"{printable(question)} [{'/'.join(answers)}]", type=str)
        if given.strip() in answers:
            return given.strip()


def printable(text: str) -> str:
    r"""Text without control and direction characters, which become `\n`, `\u202e` and the like.

    Args:
        text: Any text; lone surrogates are shown as `\udcff`.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def allow_any_text() -> None:
    """Print what the terminal's encoding lacks as escapes rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def flush() -> None:
    """Write out what was printed.

    Raises:
        BrokenPipeError: If nobody reads it.
        StorageError: If it cannot be written, such as to a full disk.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_rest()
        raise StorageError("Could not write the output.", f"{error.strerror or error}.") from error


def discard_rest() -> None:
    """Let what is still printed go nowhere, so that the end of the program does not fail on it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep C libraries from writing to the error stream; libtiff does so for each damaged file."""
    try:
        sys.stderr.flush()
        kept = os.dup(_ERROR_STREAM)
    except (OSError, ValueError):
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, _ERROR_STREAM)
    os.close(nothing)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, _ERROR_STREAM)
        os.close(kept)


def say(text: str = "") -> None:
    """Print a line of result."""
    print(printable(text))


def say_json(value: object) -> None:
    """Print a value as JSON."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    print(json.dumps(value, ensure_ascii=not is_unicode, indent=1))


def say_error(error: KnownError | str) -> None:
    """Print the one line of a failure."""
    print(f"dclust: {printable(str(error))}", file=sys.stderr)


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: int = 1) -> None:
    """Print a table.

    Args:
        columns: Headings.
        rows: Cells.
        right: How many of the last columns are set flush right.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number >= len(columns) - right else "left")
    for row in rows:
        table.add_row(*(printable(cell) for cell in row))
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    Console(markup=False, highlight=False, emoji=False, width=width).print(table)


def say_measures(values: Mapping[str, float]) -> None:
    """Print measures, one a line."""
    width = max(map(len, values), default=0)
    for name, value in values.items():
        say(f"  {name:<{width}}  {value:.3f}")


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `1 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class ProgressView:
    """Shows a job's messages: a live bar on a terminal, else one plain line per stage.

    A context manager and an event sink.
    """

    def __init__(self) -> None:
        self._console = Console(markup=False, highlight=False, emoji=False)
        self._is_live = self._console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[tempo]}"),
            console=self._console,
            transient=True,
            disable=not self._is_live,
        )
        self._tasks: dict[Stage, TaskID] = {}
        self._finished: set[Stage] = set()
        self._started: dict[Stage, StageProgressed] = {}
        self.skipped: list[ImageSkipped] = []

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event, /) -> None:
        """Take one message."""
        match event:
            case StageProgressed():
                self._show(event)
            case ImageSkipped():
                self.skipped.append(event)
            case Notice():
                mark = "Note: " if event.severity is Severity.WARNING else ""
                self._console.print(printable(mark + event.text), soft_wrap=True)
            case ThumbnailReady() | TrainingProgressed():
                pass

    def ask(self, question: str) -> bool:
        """Ask the person at the terminal; the bar is away meanwhile.

        Args:
            question: Answered with yes or no; no is the default.

        Raises:
            typer.Abort: If nobody answers.
        """
        self._progress.stop()
        try:
            return typer.confirm(question)
        finally:
            self._progress.start()

    def say_skipped(self) -> None:
        """Print which files the job went on without."""
        if not self.skipped:
            return
        noun = "file" if len(self.skipped) == 1 else "files"
        say(f"{len(self.skipped)} {noun} could not be read:")
        for item in self.skipped[:_SHOWN_SKIPPED]:
            say(f"  {item.path}: {item.reason}")
        if len(self.skipped) > _SHOWN_SKIPPED:
            say(f"  and {len(self.skipped) - _SHOWN_SKIPPED} more (--report lists all)")

    def _show(self, event: StageProgressed) -> None:
        if event.done == 0 or event.stage not in self._started:
            self._started[event.stage] = event
            self._finished.discard(event.stage)
        is_finished = event.total > 0 and event.done >= event.total
        if self._is_live:
            self._show_live(event)
        if is_finished and event.stage not in self._finished:
            self._finished.add(event.stage)
            if not self._is_live:
                count = f": {event.total:,}" if event.stage in _COUNTED and event.total > 1 else ""
                print(f"{_TITLES[event.stage]}{count}", flush=True)

    def _show_live(self, event: StageProgressed) -> None:
        left = "" if event.seconds_left is None else f"{duration(event.seconds_left)} left"
        rate = f"{event.rate:.0f}/s " if event.rate >= 1 else ""
        if event.stage not in self._tasks:
            self._tasks[event.stage] = self._progress.add_task(
                _TITLES[event.stage], total=event.total or None, tempo=""
            )
        self._progress.update(
            self._tasks[event.stage],
            completed=event.done,
            total=event.total or None,
            tempo=rate + left,
        )
