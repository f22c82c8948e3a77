"""What all commands share: options as values, Ctrl+C, the one line of an error."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dclust_gui.domain.control import CancelToken
from dclust_gui.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from dclust_gui.services.session import ProjectSession

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


@contextmanager
def interruptible() -> Iterator[CancelToken]:
    """A token that the first Ctrl+C (or SIGTERM) cancels; a second one ends at once."""
    token = CancelToken()

    def stop(number: int, _frame: FrameType | None) -> None:
        if token.is_cancelled:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        token.cancel()

    before = {n: signal.signal(n, stop) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield token
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def parse_parameters(pairs: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` options as a mapping.

    Raises:
        typer.BadParameter: If one has no `=`.
    """
    parsed = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"'{pair}' is not NAME=VALUE")
        parsed[name.strip()] = value
    return parsed


def parse_k(text: str) -> int:
    """`auto` as 0, else a number of clusters.

    Raises:
        typer.BadParameter: If it is neither.
    """
    if text == "auto":
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"'{text}' is neither a number from 1 up nor 'auto'")
    return int(text)


def check_folders(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Absolute folders.

    Raises:
        InputError: If one does not exist or is no folder.
    """
    for folder in folders:
        try:
            is_there = folder.exists()
        except OSError as error:
            raise InputError(f"Could not open '{folder}'.", f"{error.strerror}.") from error
        if not is_there:
            raise InputError(f"There is no folder '{folder}'.")
        if not folder.is_dir():
            raise InputError(f"'{folder}' is not a folder.", "", "Give the folder it lies in.")
    return tuple(Path(os.path.abspath(folder)) for folder in folders)  # noqa: PTH100 -- keeps links


def check_can_write(path: Path | None, what: str) -> None:
    """Find out before a long run that a result could not be written.

    Raises:
        InputError: If the path is a folder, an image or a project, or its folder is not writable.
    """
    from dclust_gui.services.outputs import check_output

    if path is None:
        return
    check_output(path, what)
    parent = next((p for p in path.absolute().parents if p.exists()), None)
    if parent is None or not parent.is_dir() or not os.access(parent, os.W_OK):
        raise InputError(f"{what} cannot be written to '{path}'.", "Its folder is not writable.")


def open_or_create(path: Path, folders: Sequence[Path]) -> ProjectSession:
    """The project of that name with these folders among its own.

    Raises:
        InputError: If the folders do not fit the project's.
        StorageError: If it cannot be opened or made, or another process holds it.
    """
    from dclust_gui.services.opening import create_project
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.storage.project import ProjectStore

    if not path.exists():
        return create_project(path, list(folders))
    session = ProjectSession(ProjectStore.open(path))
    try:
        session.add_roots(folders)
    except BaseException:
        session.close()
        raise
    return session


def close_or_discard(session: ProjectSession, *, is_new: bool) -> None:
    """Close a project; a new one that holds nothing, as its first run failed, is removed."""
    is_empty = is_new and not session.images
    path = session.path
    session.close()
    if is_empty:
        path.unlink(missing_ok=True)
