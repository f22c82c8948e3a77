"""The one owner of an open project: its images, clustering, history and selection.

Every transition ends in exactly one `ChangeSet` that all followers get. The session belongs to one
thread (the window's, or the command line's); results of jobs are handed to it there.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain import edits
from dclust_gui.domain.changes import ChangeSet
from dclust_gui.domain.clustering import UNASSIGNED, Clustering
from dclust_gui.domain.edits import Edit
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.domain.history import History, Marker, Step
from dclust_gui.domain.identity import Adoption, adopt
from dclust_gui.domain.images import absolute_path
from dclust_gui.domain.names import check_names, wanted_name
from dclust_gui.domain.runs import NO_HEAD
from dclust_gui.domain.selection import Selection
from dclust_gui.domain.stack_edits import kept_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.domain.runs import Run
    from dclust_gui.domain.truth import Truth
    from dclust_gui.storage.project import ProjectStore

Listener = Callable[[ChangeSet], None]


class ProjectSession:
    """The state of one open project and the only way to change it.

    Args:
        store: The project file, open; the session closes it.
        is_draft: The project lies in the user's data folder and has not been saved by a person.
    """

    def __init__(self, store: ProjectStore, *, is_draft: bool = False) -> None:
        self._store = store
        self.is_draft = is_draft
        self._images = store.images()
        self._clustering = store.clustering()
        self._preview: Clustering | None = None
        self._history = store.history()
        self._selection = Selection()
        self._revision = 0
        self._listeners: list[Listener] = []
        self._selection_listeners: list[Callable[[Selection], None]] = []
        self._run: Run | None = None

    # -- what there is ---------------------------------------------------------------------

    @property
    def store(self) -> ProjectStore:
        """The project file."""
        return self._store

    @property
    def path(self) -> Path:
        """The project file's place."""
        return self._store.path

    @property
    def is_read_only(self) -> bool:
        """Another process holds the project, or its file cannot be written."""
        return self._store.is_read_only

    @property
    def revision(self) -> int:
        """Number of the present state; rises by one with each transition."""
        return self._revision

    @property
    def roots(self) -> tuple[Path, ...]:
        """The root folders."""
        return self._store.roots()

    @property
    def scanned_roots(self) -> tuple[Path, ...]:
        """The root folders to look for images in.

        One that is gone does not count if all its images are elsewhere by now, as after a move.
        """
        used = {record.root for record in self._images}
        roots = self.roots
        found = tuple(root for i, root in enumerate(roots) if i in used or root.is_dir())
        return found or roots

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """All images; an image's id is its index."""
        return self._images

    @property
    def clustering(self) -> Clustering:
        """The present labels and clusters; a preview's while one is shown."""
        return self._clustering if self._preview is None else self._preview

    @property
    def saved_clustering(self) -> Clustering:
        """The present labels and clusters as they are saved, whatever preview is shown."""
        return self._clustering

    @property
    def history(self) -> History:
        """All steps and how many are in force."""
        return self._history

    @property
    def selection(self) -> Selection:
        """The selected images."""
        return self._selection

    @property
    def run(self) -> Run | None:
        """The run that was accepted last, read from the file when first asked for."""
        wanted = self._clustering.run_id
        if wanted is None:
            return None
        if self._run is None or self._run.id != wanted:
            self._run = self._store.run(wanted)
        return self._run

    def confidence(self) -> NDArray[np.float32]:
        """Confidence of each image in the accepted run.

        Returns:
            float32 (n_images,), 0 to 1; NaN for images the run did not have.
        """
        values = np.full(len(self._images), np.nan, np.float32)
        if self.run is not None:
            values[self.run.images] = self.run.confidence
        return values

    # -- who follows -----------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each transition; returns the way to stop it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def subscribe_selection(self, listener: Callable[[Selection], None]) -> Callable[[], None]:
        """Call `listener` after each change of the selection; returns the way to stop it."""
        self._selection_listeners.append(listener)
        return lambda: self._selection_listeners.remove(listener)

    def select(self, images: Iterable[int], current: int | None = None) -> None:
        """Select images; not a step of the history."""
        wanted = Selection(frozenset(images), current).within(len(self._images))
        if wanted != self._selection:
            self._selection = wanted
            for listener in tuple(self._selection_listeners):
                listener(wanted)

    def show_preview(self, clustering: Clustering | None) -> None:
        """Show other labels to all followers while something is dragged; nothing is decided.

        Args:
            clustering: What to show, over the same images; None for the saved state again. Any
                decision ends a preview.
        """
        if clustering is self._preview:
            return
        before, self._preview = self.clustering, clustering
        self._publish(before, self.clustering, is_preview=True)

    # -- decisions -------------------------------------------------------------------------

    def move(self, images: Iterable[int], target: int) -> None:
        """Put images into a cluster, or into Unassigned."""
        self.apply(edits.move(self._clustering, images, self._known(target)))

    def new_cluster(self, images: Iterable[int] = (), name: str = "") -> int:
        """Make a cluster with these images in it; returns its id.

        Raises:
            InputError: If the name cannot be used; see `apply`.
        """
        edit = edits.new_cluster(self._clustering, images, wanted_name(name))
        self.apply(edit)
        return max(edit.clusters_after)

    def merge(self, sources: Iterable[int], target: int) -> None:
        """Put all images of some clusters into one, which stays."""
        sources = tuple(sources)
        for key in (*sources, target):
            self._known(key)
        self.apply(edits.merge(self._clustering, sources, target))

    def rename(self, cluster: int, name: str) -> None:
        """Give a cluster a name; an empty one takes it away.

        Raises:
            InputError: If the name cannot be used; see `apply`.
        """
        self.apply(edits.rename(self._clustering, self._known(cluster), name))

    def apply(self, edit: Edit) -> bool:
        """Carry out and save one decision; it is durable when this returns.

        What is selected is kept with the step, and selected again when it is undone or redone.

        Returns:
            False if it changes nothing; then there is no step.

        Raises:
            NameTakenError: If two clusters would be called the same; it tells which, so that
                merging them can be offered.
            InputError: If a cluster would get a name that cannot be used.
            StorageError: If it could not be saved; the state is as before.
        """
        return self._record(edit)

    def mark(self, title: str) -> None:
        """Add something to the history that changes no cluster, such as an export.

        Undo and redo step over it.

        Args:
            title: What happened: `export 412 images to 'sorted'`.

        Raises:
            StorageError: If it could not be saved.
        """
        self.check_writable()
        self._store.add_marker(Marker(title, now(), user_name(), self._history.position))
        self._history = self._store.history()
        self._publish(self.clustering, self.clustering, is_preview=self._preview is not None)

    def truth(self) -> Truth | None:
        """The true classes that the project was told, read from the file; None if it was not.

        Raises:
            StorageError: If they cannot be read.
        """
        return self._store.truth()

    def set_truth(self, truth: Truth | None) -> None:
        """Keep true classes in place of those that were known; no step of the history.

        Args:
            truth: The classes; None forgets them.

        Raises:
            StorageError: If they could not be saved.
        """
        self.check_writable()
        title = "forget the true classes" if truth is None else truth.title
        marker = Marker(title, now(), user_name(), self._history.position)
        self._store.set_truth(truth, marker)
        self._history = self._store.history()
        self._publish(self.clustering, self.clustering, is_preview=self._preview is not None)

    def undo(self) -> bool:
        """Take back the last step in force; False if there is none."""
        return self._history.position > 0 and self.jump(self._history.position - 1)

    def redo(self) -> bool:
        """Do the next undone step again; False if there is none."""
        return self._history.redo_step is not None and self.jump(self._history.position + 1)

    def jump(self, position: int) -> bool:
        """Put exactly the first `position` steps in force.

        Raises:
            ValueError: If the history has fewer steps.
        """
        history = self._history.moved(position)
        if history.position == self._history.position:
            return False
        self.check_writable()
        before = self._clustering
        selection = self._store.selection_at(self._history.selection_step(position))
        self._store.set_position(position)
        self._history = history
        self._publish_from(before)
        if selection is not None:
            self.select(selection.images, selection.current)
        return True

    def check_writable(self) -> None:
        """Refuse to change a project that is open for reading only.

        Raises:
            StorageError: If it is.
        """
        if self.is_read_only:
            raise StorageError(
                f"The project '{self.path.name}' is open for reading only.",
                "Another window or command holds it.",
                "Close it there, or save a copy under another name.",
            )

    # -- folders ---------------------------------------------------------------------------

    def add_roots(self, folders: Sequence[Path]) -> None:
        """Add root folders; one that lies inside a root, or is one, is there already.

        Raises:
            InputError: If a root of the project lies inside a new one.
        """
        for folder in folders:
            if is_new_root(self.roots, folder):
                self.check_writable()
                self._store.add_root(folder.resolve())

    def relink(self, old: Path, new: Path) -> tuple[int, int]:
        """Follow a root folder that was moved.

        Args:
            old: Where the project believes it to be, or any folder above.
            new: Where it is now.

        Returns:
            How many images were found below the new place, and how many there are.

        Raises:
            InputError: If the project has no such root, or none of its images is there.
        """
        self.check_writable()
        moves = [
            (i, target) for i, root in enumerate(self.roots) if (target := _moved(root, old, new))
        ]
        if not moves:
            known = ", ".join(f"'{root}'" for root in self.roots)
            raise InputError(f"'{old}' is not a folder of this project.", f"It has {known}.")
        wanted = dict(moves)
        records = [r for r in self._images if r.root in wanted]
        found = [r for r in records if absolute_path(wanted[r.root], r.relative).is_file()]
        if records and not found:
            what = (
                "The image is not" if len(records) == 1 else f"None of {len(records):,} images is"
            )
            raise InputError(f"{what} below '{new}'.", "", "Choose the moved folder.")
        for index, target in moves:
            self._store.relink_root(index, target)
        here = {(r.root, r.relative) for r in found}
        self.update_images(
            [
                (i, replace(r, is_missing=False))
                for i, r in enumerate(self._images)
                if r.is_missing and (r.root, r.relative) in here
            ]
        )
        return len(found), len(records)

    # -- images and runs -------------------------------------------------------------------

    def add_images(self, records: Sequence[ImageRecord]) -> range:
        """Append images, Unassigned; returns their ids."""
        self.check_writable()
        added = self._store.add_images(records)
        self._images = self._store.images()
        self._publish_from(self._clustering, new_images=True)
        return range(added.start, added.stop)

    def take_images(self, images: tuple[ImageRecord, ...]) -> None:
        """Take over a list of images that has been written to the file already.

        Args:
            images: All images, those known before under their old ids; see
                `services.collection.Merge`.
        """
        self._store.take_images(images)
        self._images = images
        self._publish_from(self._clustering, new_images=True)

    def update_images(self, rows: Sequence[tuple[int, ImageRecord]]) -> None:
        """Replace what is known of some images."""
        if rows:
            self.check_writable()
            self._store.update_images(rows)
            self._images = self._store.images()
            self._publish_from(self._clustering, new_images=True)

    def accept_run(self, run: Run, title: str = "") -> int:
        """Store a run and take over its labels as one step, hand-placed images kept.

        Args:
            run: The run; its id is given by the project, unless it is stored already.
            title: Name of the step; made from the run when empty.

        Returns:
            The run's id.
        """
        self.check_writable()
        run_id = run.id or self._store.add_run(run)
        self._run = replace(run, id=run_id)
        taken = adopt(self._clustering, run.images.astype(np.int64), run.labels.astype(np.int32))
        k = len(set(taken.labels.tolist()) - {UNASSIGNED})
        what = f"{edits.count_of(len(run.images))} into {edits.count_of(k, 'cluster')}"
        if run.settings.head != NO_HEAD:
            from dclust_gui.services.methods import heads

            name = run.settings.head
            what += f" after training {next((h.title for h in heads() if h.name == name), name)}"
        elif run.settings.trains:
            what += " after training the backbone"
        if run.settings.time_weight:
            what += f", capture time {run.settings.time_weight:g}"
        edit = edits.replace_all(
            self._clustering,
            edits.EditKind.RUN,
            title or f"cluster {what}",
            taken.labels,
            taken.clusters,
            run_id,
        )
        self._record(edit, taken)
        return run_id

    def save_as(self, path: Path, *, overwrite: bool = False) -> None:
        """Keep the project under another name and go on there.

        Raises:
            StorageError: If the file exists and may not be replaced, or cannot be written.
        """
        self._store.save_as(path, overwrite=overwrite)
        old = self._store
        self._store = type(old).open(path)
        was_draft, draft = self.is_draft, old.path
        old.close()
        if was_draft:
            draft.unlink(missing_ok=True)
        self.is_draft = False
        self._publish_from(self._clustering)

    def close(self) -> None:
        """Close the project file; the session is over."""
        self._listeners.clear()
        self._selection_listeners.clear()
        self._store.close()

    # -- inside ----------------------------------------------------------------------------

    def _record(self, edit: Edit, adoption: Adoption | None = None) -> bool:
        edit = kept_together(self._clustering, edit)
        if edit.changes_nothing:
            return False
        check_names(self._clustering.clusters, edit)
        self.check_writable()
        before = self._clustering
        step = Step(edit.kind, edit.title, now(), user_name())
        self._store.record(edit, step, self._selection, adoption)
        self._history = self._history.with_step(step)
        self._publish_from(before)
        return True

    def _known(self, cluster: int) -> int:
        if cluster != UNASSIGNED and cluster not in self._clustering.clusters:
            raise InputError(f"There is no cluster {cluster} in this project.")
        return cluster

    def _publish_from(self, before: Clustering, *, new_images: bool = False) -> None:
        """Take the store's state and tell all followers what is different; ends a preview."""
        if self._preview is not None:
            before, self._preview = self._preview, None
        self._clustering = self._store.clustering()
        self._publish(before, self._clustering, new_images=new_images)

    def _publish(
        self,
        before: Clustering,
        after: Clustering,
        *,
        new_images: bool = False,
        is_preview: bool = False,
    ) -> None:
        """Tell all followers what differs between two states."""
        self._revision += 1
        common = min(before.n_images, after.n_images)
        pairs = (
            (before.labels, after.labels),
            (before.flags, after.flags),
            (before.stacks, after.stacks),
        )
        differs = np.logical_or.reduce([old[:common] != new[:common] for old, new in pairs])
        keys = {*before.clusters, *after.clusters}
        change = ChangeSet(
            self._revision,
            np.flatnonzero(differs).astype(np.int32),
            frozenset(k for k in keys if before.clusters.get(k) != after.clusters.get(k)),
            has_new_images=new_images,
            has_new_run=before.run_id != after.run_id,
            is_preview=is_preview,
        )
        for listener in tuple(self._listeners):
            listener(change)


def is_new_root(roots: Sequence[Path], folder: Path) -> bool:
    """Whether a folder would be a further root of a project, not one nor inside one.

    Raises:
        InputError: If a root lies inside it.
    """
    wanted = folder.resolve()
    known = [root.resolve() for root in roots]
    if any(wanted == root or root in wanted.parents for root in known):
        return False
    inside = next((root for root in known if wanted in root.parents), None)
    if inside is not None:
        raise InputError(
            f"'{folder}' cannot be added.",
            f"It contains '{inside}', which is in the project already.",
            "Make a new project for the larger folder.",
        )
    return True


def _moved(root: Path, old: Path, new: Path) -> Path | None:
    """Where a root is after its folder, or one above it, moved; None if it did not."""
    for before in {Path(os.path.abspath(old)), old.resolve()}:  # noqa: PTH100 -- `old` may be gone
        if root == before or before in root.parents:
            return new.resolve() / root.relative_to(before)
    return None


def now() -> str:
    """The local time as ISO 8601 with offset, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def user_name() -> str:
    """Who works here; empty when the system does not tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
