"""All commands of the window with their words, keys and icons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from dclust_gui.ui.models.cluster_model import ClusterOrder
from dclust_gui.ui.models.gallery_order import SortKey
from dclust_gui.ui.views.theme import Theme, icon

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

Key = QKeySequence.StandardKey
N_QUICK = 9
"""Number of clusters with a key of their own."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One command.

    Attributes:
        text: Words in the menu.
        keys: Its keys, the shown one first.
        icon: File stem of its icon; empty for none.
        short: Words in the tool bar; those of the menu when empty.
        tip: One sentence; the words themselves when empty.
        is_checkable: It is a switch.
    """

    text: str
    keys: tuple[str | Key, ...] = ()
    icon: str = ""
    tip: str = ""
    is_checkable: bool = False
    short: str = ""


SPECS: dict[str, Spec] = {
    "open_folder": Spec("Open folder…", (Key.Open,), "folder", "Open a folder of images"),
    "open_project": Spec("Open project…", ("Ctrl+Shift+O",), "project"),
    "sample": Spec("Try the sample collection", (), "sample"),
    "rescan": Spec(
        "Look for new images", ("F5", "Ctrl+R"), "refresh", "Find new, changed and moved files"
    ),
    "save_as": Spec("Save project as…", ("Ctrl+Shift+S", Key.Save), "save"),
    "export": Spec(
        "Export clusters…", ("Ctrl+E",), "export", "Images, labels or keywords", short="Export"
    ),
    "undo_export": Spec("Undo export…", (), "", "Put an export back as it was; you see it first"),
    "import_labels": Spec(
        "Import labels…",
        ("Ctrl+I",),
        "import",
        "Labels from a table, folders or keywords, as clusters or to compare with",
    ),
    "close": Spec("Close project", ("Ctrl+W", Key.Close)),
    "quit": Spec("Quit", ("Ctrl+Q",)),
    "undo": Spec("Undo", (Key.Undo,), "undo"),
    "redo": Spec("Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    "history": Spec("History", (), "history", "All steps; go back to any of them"),
    "select_all": Spec("Select all", (Key.SelectAll,), "select"),
    "select_none": Spec("Select none", ("Ctrl+D",)),
    "invert": Spec("Invert selection", ("Ctrl+Shift+I",)),
    "filter": Spec("Filter images", (Key.Find,), "search", "Show only images that fit some words"),
    "find": Spec("Find cluster", ("Ctrl+Alt+F",)),
    "similar": Spec(
        "Find similar images", ("Ctrl+Shift+F",), "", "Images that look like the selected ones"
    ),
    "reveal": Spec(
        "Show in dendrogram", ("Ctrl+Shift+T",), "", "Where the selected images are in the tree"
    ),
    "reveal_cluster": Spec("Show in dendrogram", (), "", "Where the cluster is in the tree"),
    "back": Spec("Back", ("Alt+Left", Key.Back)),
    "forward": Spec("Forward", ("Alt+Right", Key.Forward)),
    "gallery": Spec("Gallery", ("Ctrl+1",)),
    "dendrogram": Spec("Dendrogram", ("Ctrl+2",), "", "The tree of clusters, with pictures"),
    "map": Spec("Map", ("Ctrl+3",), "", "All images on a plane, like ones together"),
    "comparison": Spec("Before and after training", (), "", "What the last training has changed"),
    "inbox": Spec("Inbox", (), "", "New images, sorted for you to accept"),
    "preview": Spec("Preview", (), "", "Space or Enter in the gallery"),
    "show_all": Spec("Show all images", ("G",), "images"),
    "group": Spec("Group by cluster", ("Ctrl+Shift+B",), is_checkable=True),
    "zoom_in": Spec("Larger thumbnails", (Key.ZoomIn, "Ctrl+=")),
    "zoom_out": Spec("Smaller thumbnails", (Key.ZoomOut,)),
    "zoom_reset": Spec("Normal thumbnails", ("Ctrl+0",)),
    "full_screen": Spec("Full screen", (Key.FullScreen,), is_checkable=True),
    "cluster": Spec("Cluster images", ("Ctrl+Return",), "cluster", "Group all images"),
    "recluster": Spec(
        "Re-cluster the rest…",
        (),
        "refresh",
        "What you decided stays and steers where the other images go; you see it first",
    ),
    "compare": Spec(
        "Compare runs…", (), "compare", "What stayed, moved, split and merged between two runs"
    ),
    "how_many": Spec(
        "How many clusters?…", (), "", "Move between a coarse, a medium and a fine number"
    ),
    "names": Spec("Suggest names…", ("Ctrl+Shift+N",), "", "Names from what the network knows"),
    "outliers": Spec(
        "Find outliers…", (), "", "Images unlike the rest, or unlike their cluster; set them aside"
    ),
    "duplicates": Spec(
        "Find duplicates…",
        ("Ctrl+Alt+D",),
        "",
        "Equal files and copies of the same picture, with the one to keep; nothing is deleted",
    ),
    "new_cluster": Spec("New cluster", ("Ctrl+Shift+G",), "new", "New cluster from the selection"),
    "merge": Spec(
        "Merge clusters…",
        ("Ctrl+G",),
        "merge",
        "Put the selected clusters into one of them; choose whose name stays",
        short="Merge",
    ),
    "rename": Spec("Rename cluster…", ("F2",)),
    "pin": Spec("Pin", (), "pin", "Keep a cluster's images together in the next run"),
    "review": Spec("Mark reviewed", (), "review", "You have looked this cluster through"),
    "ignore": Spec("Ignore", (), "ignore", "Of no interest: leave it out of suggestions"),
    "notes": Spec("Notes…", (), "notes", "What there is to say of a cluster"),
    "move": Spec(
        "Move to cluster…", ("M", "Ctrl+M"), "move", "Choose a cluster by typing", short="Move"
    ),
    "unassign": Spec(
        "Take out of cluster",
        ("Del",),
        "unassign",
        "Move the selected images to Unassigned; files are never deleted",
        short="Take out",
    ),
    "approve": Spec(
        "Approve images", ("A",), "done", "They are where they belong: no run moves them any more"
    ),
    "approve_cluster": Spec(
        "Approve all images of cluster", ("Shift+A",), "", "No run moves them any more"
    ),
    "not_here": Spec(
        "Not here", ("N",), "", "Move each selected image to the cluster that fits it second best"
    ),
    "stacks": Spec(
        "Find bursts and brackets…",
        (),
        "",
        "Images taken right after each other: see them, then bind them so that they stay together",
    ),
    "bind": Spec(
        "Bind as a stack",
        ("Ctrl+B",),
        "stack",
        "The selected images move, cluster and export as one from now on",
    ),
    "unbind": Spec("Unbind stack", ("Ctrl+Alt+B",), "unstack", "Each image by itself again"),
    "close_stacks": Spec(
        "Show a stack as one image", ("S",), "", "Only the first image of each", is_checkable=True
    ),
    "split_out": Spec(
        "Split out", ("Ctrl+Alt+G",), "split", "Make a cluster of the selected images"
    ),
    "split_example": Spec(
        "Split by example…",
        ("Ctrl+Shift+K",),
        "",
        "The selected images are examples: see who would come along, then decide",
    ),
    "split": Spec(
        "Split in parts…", ("Ctrl+K",), "split", "Divide a cluster into parts that are alike"
    ),
    "review_page": Spec("Review", ("Ctrl+4",), "", "What is worth a second look, a key each"),
    "show_file": Spec("Show in file manager", ()),
    "skipped": Spec("Skipped files…", (), "warning"),
    "shortcuts": Spec("Keyboard shortcuts", ("F1", "?")),
    "about": Spec("About dclust", ()),
}


class Actions(QObject):
    """Makes the window's actions and keeps their icons in the look's colour.

    Signals:
        quick_requested: Move the selection to the cluster with this place, from 0.
        sort_requested: A `SortKey`.
        order_requested: A `ClusterOrder`.
        theme_requested: A `Theme`.
    """

    quick_requested = Signal(int)
    sort_requested = Signal(object)
    order_requested = Signal(object)
    theme_requested = Signal(object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._actions = {name: self._make(name, spec) for name, spec in SPECS.items()}
        self.quick = [self._make_quick(i) for i in range(N_QUICK)]
        self.sorts = self._choices([(f"By {key.value}", key) for key in SortKey])
        self.orders = self._choices(
            [
                ("In order of creation", ClusterOrder.MADE),
                ("By name", ClusterOrder.NAME),
                ("By size", ClusterOrder.SIZE),
            ]
        )
        self.themes = self._choices(
            [("As the system", Theme.SYSTEM), ("Light", Theme.LIGHT), ("Dark", Theme.DARK)]
        )
        self.sorts.triggered.connect(self._on_sorts_triggered)
        self.orders.triggered.connect(self._on_orders_triggered)
        self.themes.triggered.connect(self._on_themes_triggered)
        self.refresh_icons()

    def __getitem__(self, name: str) -> QAction:
        """The action of a command in `SPECS`."""
        return self._actions[name]

    def refresh_icons(self) -> None:
        """Draw the icons in the colour of the present look."""
        palette = self._window.palette()
        for name, action in self._actions.items():
            if SPECS[name].icon:
                action.setIcon(icon(SPECS[name].icon, palette))

    def set_enabled(self, names: dict[str, bool]) -> None:
        """Allow some commands and forbid others."""
        for name, is_enabled in names.items():
            self._actions[name].setEnabled(is_enabled)

    def choose(self, group: QActionGroup, value: object) -> None:
        """Show which of several choices holds, without asking for it."""
        for action in group.actions():
            if action.data() == value:
                action.setChecked(True)

    def _make(self, name: str, spec: Spec) -> QAction:
        action = QAction(spec.text, self._window)
        action.setObjectName(name)
        action.setIconText(spec.short or spec.text.rstrip("…"))
        action.setCheckable(spec.is_checkable)
        keys: list[QKeySequence] = []
        for key in spec.keys:
            keys += QKeySequence.keyBindings(key) if isinstance(key, Key) else [QKeySequence(key)]
        action.setShortcuts(list(dict.fromkeys(keys)) if keys else [])
        tip = spec.tip or spec.text.rstrip("…")
        shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{tip} ({shown})" if shown else tip)
        action.setStatusTip(tip)
        self._window.addAction(action)
        return action

    def _make_quick(self, place: int) -> QAction:
        action = QAction(self._window)
        action.setShortcut(QKeySequence(f"Alt+{place + 1}"))
        action.setData(place)
        action.setVisible(False)
        action.triggered.connect(self._on_quick_triggered)
        self._window.addAction(action)
        return action

    def _choices(self, entries: list[tuple[str, object]]) -> QActionGroup:
        group = QActionGroup(self._window)
        for text, value in entries:
            action = QAction(text, group)
            action.setCheckable(True)
            action.setData(value)
        group.actions()[0].setChecked(True)
        return group

    @Slot()
    def _on_quick_triggered(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.quick_requested.emit(action.data())

    @Slot(QAction)
    def _on_sorts_triggered(self, action: QAction) -> None:
        self.sort_requested.emit(SortKey(action.data()))  # Qt gives back a plain text

    @Slot(QAction)
    def _on_orders_triggered(self, action: QAction) -> None:
        self.order_requested.emit(ClusterOrder(action.data()))

    @Slot(QAction)
    def _on_themes_triggered(self, action: QAction) -> None:
        self.theme_requested.emit(Theme(action.data()))
