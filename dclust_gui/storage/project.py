"""The project file: everything of a collection that cannot be computed again."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING, Self

from dclust_gui.domain import edits as edit_rules
from dclust_gui.domain.errors import StorageError
from dclust_gui.storage import (
    image_table,
    journal,
    migrations,
    project_file,
    run_table,
    truth_table,
)
from dclust_gui.storage.failures import storage_error
from dclust_gui.storage.files import temporary_beside
from dclust_gui.storage.project_lock import ProjectLock
from dclust_gui.storage.run_table import RunSummary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.edits import Edit
    from dclust_gui.domain.history import History, Marker, Step
    from dclust_gui.domain.identity import Adoption
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.domain.runs import Run
    from dclust_gui.domain.selection import Selection
    from dclust_gui.domain.truth import Truth
    from dclust_gui.storage.run_table import RunClusters

__all__ = ["ProjectStore", "RunSummary"]

_ROWS_PER_COMMIT = 1000


class ProjectStore:
    """One open project; every method may be called on any thread.

    What a method has written is durable when it returns. The present state is kept in memory;
    a read-only store shows the state of the moment when it was opened.
    """

    def __init__(
        self, path: Path, lock: ProjectLock | None, connection: sqlite3.Connection | None
    ) -> None:
        """Use `create` or `open`."""
        self._path = path
        self._lock = lock
        self._connection = connection
        self._guard = threading.RLock()
        self._is_closed = False
        self._images: tuple[ImageRecord, ...] | None = None
        with self._reading() as source:
            source.execute("BEGIN")
            self._roots = image_table.load_roots(source)
            n_images = image_table.count_images(source)
            self._clustering, self._history = journal.load(source, n_images)
            source.execute("COMMIT")

    @classmethod
    def create(cls, path: Path, roots: Sequence[Path]) -> Self:
        """Make a project and open it.

        Args:
            path: Its file, which must not exist; its folder is made if need be.
            roots: Root folders of its images.

        Raises:
            StorageError: If there is a file already, or it cannot be written.
        """
        what = f"Could not make the project {path}."
        place = path.absolute().resolve()
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            temporary = temporary_beside(place)
            try:
                with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as target:
                    _fill_new(target, roots)
                project_file.put_in_place(temporary, place, overwrite=False)
            finally:
                temporary.unlink(missing_ok=True)
        except FileExistsError as error:
            raise _taken(what, place) from error
        except (OSError, sqlite3.Error) as error:
            raise storage_error(what, error) from error
        return cls.open(place)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a project; one of an older version is backed up and brought up to date.

        Read-only, an older one is brought up to date in memory, and its file stays as it is.

        Args:
            path: Its file.
            read_only: Change nothing, and do not mind that another process writes.

        Raises:
            ProjectLockedError: If another process holds it for writing.
            StorageError: If it is missing, foreign, newer, damaged or cannot be read.
        """
        place = path.absolute().resolve()
        project_file.check_header(place)
        if read_only:
            version = project_file.check(place, is_repairable=False)
            is_latest = version == migrations.latest_version()
            return cls(place, None, None if is_latest else project_file.up_to_date_copy(place))
        lock = ProjectLock.take(place)
        try:
            version = project_file.check(place, is_repairable=True)
            connection = project_file.connect(place)
            try:
                _bring_up_to_date(place, connection, version)
                return cls(place, lock, connection)
            except BaseException:
                project_file.close(connection)
                raise
        except BaseException:
            lock.release()
            raise

    @property
    def path(self) -> Path:
        """The project's file."""
        return self._path

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written."""
        return self._lock is None

    def close(self) -> None:
        """Leave one complete file and give it free; may be called twice."""
        with self._guard:
            self._is_closed = True
            if self._connection is not None:
                project_file.close(self._connection)
                self._connection = None
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the project."""
        self.close()

    def save_as(self, path: Path, *, overwrite: bool = False) -> None:
        """Write a complete copy; this store stays with its own file.

        Args:
            path: The copy's file.
            overwrite: Whether a project that is there may be replaced.

        Raises:
            ProjectLockedError: If the project to be replaced is open.
            StorageError: If the name is taken, or the copy cannot be written.
        """
        what = f"Could not save the project as {path}."
        place = path.absolute().resolve()
        if place == self._path:
            raise StorageError(what, "It is this project's own file.", "Choose another name.")
        with self._guard:
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                lock = ProjectLock.take(place)
                try:
                    with self._source() as source:
                        project_file.copy_database(source, place, overwrite=overwrite)
                finally:
                    lock.release()
            except FileExistsError as error:
                raise _taken(what, place) from error
            except (OSError, sqlite3.Error) as error:
                raise storage_error(what, error) from error

    def roots(self) -> tuple[Path, ...]:
        """The root folders; an image's `root` is a place in it."""
        return self._roots

    def add_root(self, path: Path) -> int:
        """Add a root folder.

        Returns:
            Its index.

        Raises:
            StorageError: If it cannot be written.
        """
        with self._guard:
            index = len(self._roots)
            with self._writing("Could not add the folder to the project.") as target:
                image_table.save_root(target, index, path)
            self._roots = (*self._roots, path.absolute())
            return index

    def drop_last_root(self) -> None:
        """Forget the root folder that was added last; no image may be in it.

        Raises:
            StorageError: If it cannot be written.
        """
        with self._guard:
            index = len(self._roots) - 1
            with self._writing("Could not take the folder out of the project.") as target:
                image_table.delete_root(target, index)
            self._roots = self._roots[:index]

    def relink_root(self, index: int, new: Path) -> None:
        """Tell where a root folder is now; its images follow.

        Raises:
            IndexError: If there is no such root.
            StorageError: If it cannot be written.
        """
        with self._guard:
            if not 0 <= index < len(self._roots):
                raise IndexError("no such root folder")
            with self._writing("Could not relink the folder.") as target:
                image_table.save_root(target, index, new)
            self._roots = (*self._roots[:index], new.absolute(), *self._roots[index + 1 :])

    def images(self) -> tuple[ImageRecord, ...]:
        """All images; an id is a place in it. Read from the file when first asked for."""
        with self._guard:
            if self._images is None:
                with self._reading() as source:
                    self._images = image_table.load_images(source, self._clustering.n_images)
            return self._images

    def add_images(self, records: Sequence[ImageRecord]) -> range:
        """Add images, Unassigned; not a step of the history.

        Returns:
            Their ids.

        Raises:
            StorageError: If they cannot be written.
        """
        with self._guard:
            start = self._clustering.n_images
            with self._writing("Could not add the images to the project.") as target:
                image_table.save_images(target, enumerate(records, start), is_new=True)
            if self._images is not None:
                self._images = (*self._images, *records)
            self._clustering = self._clustering.grown(start + len(records))
            return range(start, start + len(records))

    def write_images(self, rows: Sequence[tuple[int, ImageRecord]]) -> None:
        """Write images to the file a few at a time, so that edits meanwhile need not wait.

        The present state stays as it is until `take_images`. Should that never come, the images
        are there, Unassigned, when the project is opened again.

        Args:
            rows: Ids and records; ids beyond those there are must follow on them.

        Raises:
            StorageError: If they cannot be written.
        """
        for start in range(0, len(rows), _ROWS_PER_COMMIT):
            some = image_table.prepare(rows[start : start + _ROWS_PER_COMMIT])
            with (
                self._guard,
                self._writing("Could not write the images to the project.") as target,
            ):
                image_table.save_prepared(target, some)

    def take_images(self, images: tuple[ImageRecord, ...]) -> None:
        """Take over images that are in the file already; new ones are Unassigned.

        Args:
            images: All images; no fewer than before.
        """
        with self._guard:
            self._clustering = self._clustering.grown(len(images))
            self._images = images

    def update_images(self, rows: Sequence[tuple[int, ImageRecord]]) -> None:
        """Replace the records of images: changed, moved, missing or found again.

        Args:
            rows: Ids and their new records.

        Raises:
            IndexError: If there is no such image.
            StorageError: If they cannot be written.
        """
        with self._guard:
            if any(not 0 <= image < self._clustering.n_images for image, _ in rows):
                raise IndexError("no such image")
            with self._writing("Could not update the images of the project.") as target:
                image_table.save_images(target, rows, is_new=False)
            if self._images is not None:
                updated = list(self._images)
                for image, record in rows:
                    updated[image] = record
                self._images = tuple(updated)

    def clustering(self) -> Clustering:
        """The present state."""
        return self._clustering

    def history(self) -> History:
        """All steps, and how many of them are in force."""
        return self._history

    def record(
        self,
        edit: Edit,
        step: Step,
        selection: Selection | None = None,
        adoption: Adoption | None = None,
    ) -> None:
        """Carry out a decision and write it down in one transaction; undone steps are dropped.

        Args:
            edit: The decision, made for the present state.
            step: Its entry in the history.
            selection: What was selected when it was made; None if that is not known.
            adoption: Where the decision accepts a run: which clusters its labels became.

        Raises:
            ValueError: If the edit was made for another state.
            StorageError: If it cannot be written; then nothing has changed.
        """
        with self._guard:
            after = edit_rules.apply(self._clustering, edit)
            position = self._history.position
            with self._writing(f"Could not write '{step.title}' to the project.") as target:
                journal.append(target, position, edit, step, after, selection)
                if adoption is not None and edit.run_after is not None:
                    run_table.save_adoption(target, edit.run_after, adoption)
            self._clustering = after
            self._history = self._history.with_step(step)

    def add_marker(self, marker: Marker) -> None:
        """Write down something that changed no cluster.

        Raises:
            StorageError: If it cannot be written.
        """
        with self._guard:
            with self._writing(f"Could not write '{marker.title}' to the project.") as target:
                journal.append_marker(target, marker)
            self._history = self._history.with_marker(marker)

    def truth(self) -> Truth | None:
        """The true classes of the images; None if they are not known.

        Raises:
            StorageError: If they cannot be read.
        """
        with self._guard, self._reading() as source:
            return truth_table.load_truth(source)

    def set_truth(self, truth: Truth | None, marker: Marker) -> None:
        """Keep true classes in place of those that were known, with an entry in the history.

        Args:
            truth: The classes; None forgets them.
            marker: The entry.

        Raises:
            StorageError: If they cannot be written; then nothing has changed.
        """
        with self._guard:
            with self._writing(f"Could not write '{marker.title}' to the project.") as target:
                truth_table.save_truth(target, truth)
                journal.append_marker(target, marker)
            self._history = self._history.with_marker(marker)

    def selection_at(self, index: int) -> Selection | None:
        """What was selected when a step was made; None where that was not written down.

        Args:
            index: Place in `history().steps`.

        Raises:
            IndexError: If there is no such step.
            StorageError: If it cannot be read.
        """
        with self._guard, self._reading() as source:
            return journal.selection_at(source, index)

    def state_at(self, position: int) -> Clustering:
        """The state with another number of steps in force; nothing is changed.

        Raises:
            ValueError: If there are not so many steps.
            StorageError: If it cannot be read.
        """
        with self._guard:
            self._history.moved(position)
            with self._reading() as source:
                return journal.state_at(source, self._clustering, self._history.position, position)

    def edit_at(self, index: int) -> Edit:
        """The decision of a step.

        Args:
            index: Place in `history().steps`.

        Raises:
            IndexError: If there is no such step.
            StorageError: If it cannot be read.
        """
        with self._guard, self._reading() as source:
            return journal.edit_at(source, index)

    def set_position(self, position: int) -> Clustering:
        """Undo, redo or jump: put that many steps in force.

        Returns:
            The new state.

        Raises:
            ValueError: If there are not so many steps.
            StorageError: If it cannot be read or written; then nothing has changed.
        """
        with self._guard:
            history = self._history.moved(position)
            with self._reading() as source:
                state = journal.state_at(source, self._clustering, self._history.position, position)
            with self._writing("Could not write the step to the project.") as target:
                journal.set_present(target, position, state.next_id)
            self._clustering, self._history = state, history
            return state

    def add_run(self, run: Run) -> int:
        """Keep a finished run.

        Returns:
            Its number.

        Raises:
            StorageError: If it cannot be written.
        """
        with self._guard, self._writing("Could not write the run to the project.") as target:
            return run_table.insert_run(target, run)

    def run(self, run_id: int) -> Run:
        """A run with its arrays.

        Raises:
            KeyError: If there is no such run.
            StorageError: If it cannot be read.
        """
        with self._guard, self._reading() as source:
            return run_table.load_run(source, run_id)

    def run_clusters(self, run_id: int) -> RunClusters | None:
        """Which clusters a run's labels became; None if it was never accepted.

        Raises:
            KeyError: If there is no such run.
            StorageError: If it cannot be read.
        """
        with self._guard, self._reading() as source:
            return run_table.load_adoption(source, run_id)

    def runs(self) -> tuple[RunSummary, ...]:
        """All runs, oldest first.

        Raises:
            StorageError: If they cannot be read.
        """
        with self._guard, self._reading() as source:
            return run_table.load_summaries(source)

    def setting(self, name: str) -> str | None:
        """A value kept with the project; None when it was never set."""
        with self._guard, self._reading() as source:
            row = source.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
            return None if row is None else str(row[0])

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value with the project.

        Raises:
            StorageError: If it cannot be written.
        """
        with self._guard, self._writing("Could not write to the project.") as target:
            target.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    @contextlib.contextmanager
    def _source(self) -> Iterator[sqlite3.Connection]:
        if self._is_closed:
            raise StorageError(f"Could not read {self._path}.", "The project is closed.")
        if self._connection is not None:
            yield self._connection
        else:
            with project_file.reading(self._path) as connection:
                yield connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._source() as connection:
                yield connection
        except sqlite3.Error as error:
            raise project_file.open_error(self._path, error) from error
        except ValueError as error:
            raise project_file.damaged(self._path) from error

    @contextlib.contextmanager
    def _writing(self, what: str) -> Iterator[sqlite3.Connection]:
        if self._lock is None or self._connection is None:
            why = "The project is closed." if self._is_closed else "It is open read-only."
            raise StorageError(what, why)
        with project_file.transaction(self._connection, what):
            yield self._connection


def _fill_new(target: sqlite3.Connection, roots: Sequence[Path]) -> None:
    target.execute("BEGIN IMMEDIATE")
    target.execute(f"PRAGMA application_id={migrations.APPLICATION_ID}")
    migrations.migrate(target, 0)
    for index, root in enumerate(roots):
        image_table.save_root(target, index, root)
    target.execute("COMMIT")


def _bring_up_to_date(path: Path, connection: sqlite3.Connection, version: int) -> None:
    if version == migrations.latest_version():
        return
    what = f"Could not bring {path} up to date."
    try:
        project_file.keep_backup(connection, path, version)
    except (OSError, sqlite3.Error) as error:
        raise storage_error(what, error) from error
    with project_file.transaction(connection, what):
        migrations.migrate(connection, version)


def _taken(what: str, path: Path) -> StorageError:
    return StorageError(what, f"There is a file {path.name} already.", "Choose another name.")
