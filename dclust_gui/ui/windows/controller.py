"""The use cases of the window: open, close, save, edit, undo; turns wishes into session calls."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.names import NameTakenError
from dclust_gui.services.editing.recent import recent_targets
from dclust_gui.services.jobs import OpenJob
from dclust_gui.services.marks import annotate_all, recolour, toggle_mark
from dclust_gui.services.opening import is_project
from dclust_gui.services.session import ProjectSession
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.windows.dialog_parts import short_title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.domain.history import History, Step
    from dclust_gui.services.marks import Mark
    from dclust_gui.services.settings import Settings
    from dclust_gui.ui.bridge.engine_host import EngineHost
    from dclust_gui.ui.windows.work import Work

MERGE = "merge"
"""Message action: merge a cluster into the one that has the name it should have got."""

UNDO = "undo"
"""Message action: take the last step back."""

GONE = "The clusters have changed meanwhile: this one is gone. Nothing was changed."
"""Said when a decision comes too late for its cluster."""

_MOST_RESELECTED = 5_000
"""Undo of more images selects none of them."""

STEP_KEY = "step"
"""Key of the message that tells of the last step."""


class Controller(QObject):
    """Owns the open project's session; the only one in the window that calls its verbs.

    Args:
        work: Runs the project's jobs.
        io: Thread on which projects are opened.
        settings: Remembers recent folders and projects.
        parent: Owner.

    Signals:
        session_changed: Another project, or none, is open now.
        state_changed: Title, history or what can be done is another one now.
        message_posted: A `Message`.
        message_outdated: Key of messages that no longer hold.
        images_restored: ids (a tuple) of the images that an undo or redo has moved; after an undo
            ids (a tuple) of the clusters that they were in and are in now, else none.
        said: A short note for the status bar.
        opening_shown: What is being opened, in words; empty when nothing is any more.
    """

    session_changed = Signal()
    state_changed = Signal()
    message_posted = Signal(object)
    message_outdated = Signal(str)
    images_restored = Signal(object, object)
    said = Signal(str)
    opening_shown = Signal(str)

    def __init__(
        self, work: Work, io: EngineHost, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._work = work
        self._io = io
        self._settings = settings
        self._opening: tuple[int, Path] | None = None
        self._session: ProjectSession | None = None
        self._source: Path | None = None
        self._seen_history: History | None = None
        self._recent_targets: list[int] | None = None  # asked of the history when first needed
        self._taken: tuple[int, int] | None = None
        work.message_posted.connect(self.message_posted)
        work.message_outdated.connect(self.message_outdated)
        work.run_accepted.connect(self._on_work_run_accepted)
        io.succeeded.connect(self._on_io_succeeded)
        io.failed.connect(self._on_io_failed)

    # -- what there is -----------------------------------------------------------------------

    @property
    def session(self) -> ProjectSession | None:
        """The open project; None when there is none."""
        return self._session

    @property
    def is_editable(self) -> bool:
        """Whether a project is open for writing."""
        return self._session is not None and not self._session.is_read_only

    @property
    def name(self) -> str:
        """Name of the open project: its file's, or for a draft its folder's; empty for none."""
        session = self._session
        if session is None:
            return ""
        return session.roots[0].name if session.is_draft and session.roots else session.path.stem

    @property
    def title(self) -> str:
        """Name of the open project, with what is special about it; empty when there is none."""
        session = self._session
        if session is None:
            return ""
        states = ["draft"] if session.is_draft else []
        if session.is_read_only:
            states.append("read only")
        return f"{self.name} ({', '.join(states)})" if states else self.name

    def recent_targets(self) -> tuple[int, ...]:
        """Clusters that images were moved to, the last first; also before the last closing."""
        known = () if self._session is None else self._session.clustering.clusters
        return tuple(c for c in self._targets() if c in known)

    def _targets(self) -> list[int]:
        if self._session is None:
            return []
        if self._recent_targets is None:
            self._recent_targets = []
            with contextlib.suppress(KnownError):  # a convenience, no reason to complain
                self._recent_targets += recent_targets(self._session)
        return self._recent_targets

    def quick_targets(self) -> tuple[int, ...]:
        """Clusters that Alt+1 to Alt+9 move to: the pinned ones, or the first nine."""
        if self._session is None:
            return ()
        table = self._session.clustering.clusters
        pinned = [key for key, cluster in table.items() if cluster.is_pinned]
        return tuple((pinned or list(table))[:9])

    # -- projects ----------------------------------------------------------------------------

    def open_path(self, path: Path) -> None:
        """Open a folder of images, or a project file, in the background.

        An image file stands for its folder. What is open is closed once the new one is there.
        """
        place = _place_of(path)
        if self.is_open(path):
            self._work.rescan()
            return
        self._opening = (self._io.start(OpenJob(place)), place)
        self.opening_shown.emit(f"Opening {place.name}")

    def is_open(self, path: Path) -> bool:
        """Whether a folder (or an image in it) or a project file is what is open now."""
        return self._session is not None and _place_of(path) in (self._source, self._session.path)

    def _take_over(self, session: ProjectSession, place: Path) -> None:
        """Go on with a project that has just been opened."""
        self.close()
        self._session = session
        self._source = place
        self._settings.add_recent(place)
        self._seen_history = session.history
        session.subscribe(self._follow)
        self.session_changed.emit()
        self.state_changed.emit()
        self._work.open(session)

    def close(self) -> None:
        """Close the project; all that was decided is saved already."""
        if self._session is None:
            return
        session, self._session = self._session, None
        self._source = None
        self._recent_targets = None
        self._work.close()
        self.session_changed.emit()
        self.state_changed.emit()
        session.close()

    def save_as(self, path: Path) -> bool:
        """Keep the project under another name and go on there; True if that was done."""
        session = self._session
        if session is None:
            return False
        target = path if path.suffix.lower() == ".dclust" else path.with_name(path.name + ".dclust")
        done = self._attempt(lambda: session.save_as(target, overwrite=True))
        if done:
            self._source = session.path
            self._settings.add_recent(session.path)
            self.said.emit(f"Saved as {target.name}; every further change is saved there")
            self.state_changed.emit()
        return done

    # -- decisions ---------------------------------------------------------------------------

    def move(self, images: Iterable[int], target: int) -> None:
        """Put images into a cluster, or take them out to Unassigned."""
        session, ids = self._session, tuple(images)
        if session is None or not ids or not self._is_there(target):
            return
        if self._decide(lambda: session.move(ids, target)) and target != UNASSIGNED:
            self._recent_targets = [target, *(c for c in self._targets() if c != target)]

    def new_cluster(self, images: Iterable[int], name: str = "") -> int | None:
        """Make a cluster with these images in it; its id, or None if that failed."""
        session, ids = self._session, tuple(images)
        if session is None:
            return None
        before = session.clustering.next_id
        if not self._decide(lambda: session.new_cluster(ids, name)):
            return None
        self._recent_targets = [before, *(c for c in self._targets() if c != before)]
        return before

    def merge(self, sources: Iterable[int], target: int) -> None:
        """Put all images of some clusters into one, whose name survives."""
        session, ended = self._session, tuple(c for c in sources if c != target)
        if session is not None and ended and all(map(self._is_there, (target, *ended))):
            self._decide(lambda: session.merge(ended, target))

    def merge_all(self, clusters: Iterable[int]) -> None:
        """Merge clusters into the one that a person has named, else into the largest."""
        if self._session is None:
            return
        clustering = self._session.clustering
        ids = [c for c in clusters if c in clustering.clusters]
        if len(ids) > 1:
            counts = clustering.counts()
            target = max(ids, key=lambda c: (bool(clustering.clusters[c].name), counts[c], -c))
            self.merge(ids, target)

    def rename(self, cluster: int, name: str) -> None:
        """Give a cluster a name; an empty one takes it away."""
        session = self._session
        if session is None:
            return
        try:
            session.rename(cluster, name)
        except NameTakenError as error:
            self._taken = error.cluster, error.holder
            holder = short_title(session.clustering.clusters[error.holder].title)
            self.message_posted.emit(
                Message(
                    MessageKind.WARNING, str(error), MERGE, f"Merge into '{holder}'", "name taken"
                )
            )
        except KnownError as error:
            self._report(error)
        else:
            self.message_outdated.emit("name taken")

    @Slot()
    def merge_taken(self) -> None:
        """Merge the cluster that wanted a name into the one that has it."""
        taken, self._taken = self._taken, None
        if taken is not None:
            self.merge([taken[0]], taken[1])

    def toggle_mark(self, clusters: Iterable[int], mark: Mark) -> None:
        """Set a mark on clusters, or take it away when all of them have it."""
        session, rows = self._session, self._rows(clusters)
        if session is not None and rows:
            self._attempt(lambda: session.apply(toggle_mark(session.clustering, rows, mark)))

    def recolour(self, clusters: Iterable[int], colour: int) -> None:
        """Give clusters a colour of the palette."""
        session, rows = self._session, self._rows(clusters)
        if session is not None and rows:
            self._attempt(lambda: session.apply(recolour(session.clustering, rows, colour)))

    def annotate(self, clusters: Iterable[int], notes: str) -> None:
        """Change the notes of clusters, all to the same."""
        session, rows = self._session, self._rows(clusters)
        if session is not None and rows:
            self._attempt(lambda: session.apply(annotate_all(session.clustering, rows, notes)))

    def _rows(self, clusters: Iterable[int]) -> list[Cluster]:
        table = {} if self._session is None else self._session.clustering.clusters
        return [table[c] for c in clusters if c in table]

    @Slot()
    def undo(self) -> None:
        """Take the last step back."""
        session = self._session
        step = None if session is None else session.history.undo_step
        if session is not None and step is not None and self._step(session.undo, is_undo=True):
            self.said.emit(f"Undone: {step.title}")

    @Slot()
    def redo(self) -> None:
        """Do the next undone step again."""
        session = self._session
        step = None if session is None else session.history.redo_step
        if session is not None and step is not None and self._step(session.redo, is_undo=False):
            self.said.emit(f"Done again: {step.title}")

    @Slot(int)
    def jump(self, position: int) -> None:
        """Put exactly so many steps of the history in force."""
        session = self._session
        if session is None or not 0 <= position <= len(session.history.steps):
            return
        before = session.history.position
        if self._attempt(lambda: session.jump(position)) and position != before:
            n_steps = count_of(abs(position - before), "step")
            self.said.emit(f"{n_steps} {'undone' if position < before else 'done again'}")

    def _step(self, go: Callable[[], object], *, is_undo: bool) -> bool:
        """Undo or redo, and tell which few images have changed their clusters by it."""
        session = self._session
        if session is None:
            return False
        before = session.saved_clustering.labels  # what a preview shows has not been moved
        if not self._attempt(go):
            return False
        after = session.saved_clustering.labels
        n_both = min(len(before), len(after))
        changed = np.flatnonzero(before[:n_both] != after[:n_both])
        if 0 < len(changed) <= _MOST_RESELECTED:
            places = np.unique(np.concatenate([before[changed], after[changed]]))
            table = session.clustering.clusters if is_undo else {}
            clusters = tuple(c for c in places.tolist() if c in table)
            self.images_restored.emit(tuple(changed.tolist()), clusters)
        return True

    def select(self, images: Iterable[int], current: int | None = None) -> None:
        """Select images in all views."""
        if self._session is not None:
            self._session.select(images, current)

    @Slot(str)
    def mark(self, title: str) -> None:
        """Put something that changed no cluster, such as an export, into the history."""
        session = self._session
        if session is not None and self.is_editable:
            self._attempt(lambda: session.mark(title))

    # -- inside ------------------------------------------------------------------------------

    def decide(self, act: Callable[[], object]) -> bool:
        """Carry out another service's edit and tell of it; True if something has changed."""
        return self._decide(act)

    def _decide(self, act: Callable[[], object]) -> bool:
        """Carry out an edit and tell of it with Undo; True if something has changed."""
        session = self._session
        if session is None:
            return False
        before = session.history
        if not self._attempt(act) or session.history is before:
            return False
        self._tell_of_step()
        return True

    def _is_there(self, cluster: int) -> bool:
        """Whether a cluster has not gone since it was offered; tells if it has."""
        session = self._session
        if session is None or cluster in (UNASSIGNED, *session.saved_clustering.clusters):
            return True
        self.message_posted.emit(Message(MessageKind.WARNING, GONE))
        return False

    def _tell_of_step(self) -> None:
        step = None if self._session is None else self._session.history.undo_step
        if step is not None:
            self.said.emit("")  # what was said of an earlier step holds no more
            text = done_text(step)
            self.message_posted.emit(Message(MessageKind.DONE, text, UNDO, "Undo", STEP_KEY))

    def _attempt(self, act: Callable[[], object]) -> bool:
        """Do something that may fail for a known reason; True if it did not."""
        try:
            act()
        except KnownError as error:
            self._report(error)
            return False
        return True

    def _report(self, error: KnownError) -> None:
        self.message_posted.emit(Message(MessageKind.ERROR, str(error)))

    def _follow(self, _change: object) -> None:
        history = None if self._session is None else self._session.history
        if history is not self._seen_history:
            self._seen_history = history
            self.message_outdated.emit(STEP_KEY)
        self.state_changed.emit()

    @Slot(int, object)
    def _on_io_succeeded(self, job: int, result: object) -> None:
        if not isinstance(result, ProjectSession):
            return
        if self._opening is None or self._opening[0] != job:
            result.close()  # another one was asked for since
            return
        _, place = self._opening
        self._opening = None
        self.opening_shown.emit("")
        self._take_over(result, place)

    @Slot(int, object)
    def _on_io_failed(self, job: int, error: object) -> None:
        if self._opening is None or self._opening[0] != job:
            return
        self._opening = None
        self.opening_shown.emit("")
        self.message_posted.emit(Message(MessageKind.ERROR, str(error)))

    @Slot()
    def _on_work_run_accepted(self) -> None:
        self._tell_of_step()


def _place_of(path: Path) -> Path:
    """What would be opened for a path; an image file stands for its folder."""
    return (path.parent if path.is_file() and not is_project(path) else path).absolute()


def done_text(step: Step) -> str:
    """What a step has done, as `Moved 12 images to 'Beach'` with a full stop."""
    verb, _, rest = step.title.partition(" ")
    past = {"move": "Moved", "merge": "Merged", "new": "Made new", "cluster": "Clustered"}
    past |= {"name": "Named", "sort": "Sorted", "keep": "Kept", "re-cluster": "Re-clustered"}
    past |= {"approve": "Approved", "take": "Took", "import": "Imported"}
    past |= {"bind": "Bound", "unbind": "Unbound", "ignore": "Ignored"}
    text = f"{past.get(verb, verb.capitalize())} {rest}.".replace(": move ", ": moved ")
    if step.title.endswith(" to Unassigned"):
        text += " The files stay where they are."
    return text


def members_of(session: ProjectSession, clusters: Iterable[int]) -> frozenset[int]:
    """Ids of all images of some clusters."""
    labels = session.clustering.labels
    found = np.flatnonzero(np.isin(labels, np.fromiter(clusters, np.int32)))
    return frozenset(found.tolist())
