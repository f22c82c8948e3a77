"""Errors that are the environment's or the user's to mend, with words fit to show."""

from __future__ import annotations


class KnownError(Exception):
    """Something that could not be done for a reason outside the program.

    Attributes:
        what: First sentence: what could not be done, naming the file or object.
        why: Second sentence: the reason; may be empty.
        hint: What the user can do about it; may be empty.
    """

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.hint) if part)


class InputError(KnownError):
    """A folder, option or value given by the user cannot be used."""


class ImageUnreadableError(KnownError):
    """One image file cannot be decoded; the run goes on without it."""


class BackboneError(KnownError):
    """A backbone or its weights cannot be used."""


class StorageError(KnownError):
    """A project, cache or export file cannot be read or written."""


class ProjectLockedError(StorageError):
    """Another process holds the project for writing."""


class ClusteringError(KnownError):
    """The data cannot be clustered as asked."""
