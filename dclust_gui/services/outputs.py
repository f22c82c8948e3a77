"""Writes results where a person wants them, without ever harming an image or a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.imaging.formats import IMAGE_EXTENSIONS, RAW_EXTENSIONS
from dclust_gui.storage.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

_PROJECT = ".dclust"


def check_output(path: Path, what: str) -> None:
    """Refuse to write a result over an image or a project, whatever it is called by mistake.

    Args:
        path: Where the result shall go.
        what: Its name, as in "The labels".

    Raises:
        InputError: If the path is a folder, or an image or project that is there already.
    """
    try:
        is_there, is_folder = path.exists(), path.is_dir()
    except OSError as error:
        raise InputError(
            f"{what} cannot be written to '{path}'.", f"{error.strerror or error}."
        ) from error
    if is_folder:
        raise InputError(f"{what} cannot be written to '{path}'.", "It is a folder.")
    extension = path.suffix.lower()
    if is_there and extension in IMAGE_EXTENSIONS | RAW_EXTENSIONS | {_PROJECT}:
        kind = "a project" if extension == _PROJECT else "an image"
        raise InputError(
            f"{what} cannot be written to '{path}'.", f"It is {kind}.", "Choose another name."
        )


def write_output(path: Path, text: str, what: str) -> None:
    """Write a text file whole or not at all; a device or pipe is written to as it is.

    Args:
        path: The file; an existing one is replaced, the target of a link rather than the link.
        text: Its content, written as UTF-8.
        what: Its name, as in "the labels".

    Raises:
        InputError: If it would take the place of an image or project.
        StorageError: If it cannot be written.
    """
    check_output(path, what.capitalize())
    data = text.encode("utf-8", "backslashreplace")
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.write(data)
        else:
            write_file(path.resolve(), [data])
    except OSError as error:
        raise StorageError(
            f"Could not write {what} to '{path}'.", f"{error.strerror or error}."
        ) from error
