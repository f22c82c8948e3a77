"""Make the README's screenshot: the real window with the sample collection in clusters.

    python packaging/screenshots.py [OUT.png]

Runs offscreen, without a network, with a cache and settings of its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.ui.app import App

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "resources" / "screenshots" / "window.png"
SIZE = (1400, 900)
N_CLUSTERS = 12
WAIT_MS = 300_000
REST_MS = 2_000
CELL_SIDE = 104
ABOVE_PX = 40
PURE = 0.9
MOST_BYTES = 400_000

os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.path.insert(0, str(ROOT))


def wait_for(is_done: Callable[[], bool], limit_ms: int = WAIT_MS) -> None:
    """Let the window work until something is true."""
    from PySide6.QtCore import QDeadlineTimer, QEventLoop, QTimer

    loop, timer, deadline = QEventLoop(), QTimer(), QDeadlineTimer(limit_ms)

    def look() -> None:
        if is_done() or deadline.hasExpired():
            loop.quit()

    timer.timeout.connect(look)
    timer.start(50)
    loop.exec()


def name_clusters(app: App) -> None:
    """Give clusters that hold almost one class alone that class's name."""
    session = app.controller.session
    assert session is not None
    for key in session.clustering.clusters:
        members = session.clustering.members(key).tolist()
        classes = Counter(session.images[i].relative.partition(b"/")[0] for i in members)
        (name, count), *_ = classes.most_common(1)
        if count >= PURE * len(members):
            app.controller.rename(key, name.decode().capitalize())


def arrange(app: App) -> None:
    """Group the gallery, bring the photographs into sight and select some."""
    view, session = app.window.gallery, app.controller.session
    assert session is not None
    view.gallery.set_grouped(is_grouped=True)
    view.set_cell_side(CELL_SIDE)
    photos = [s for s in view.gallery.sections if is_photo_cluster(app, s.cluster)]
    first = view.gallery.sections.index(photos[0])
    top = view.geometry_of_cells.header_rect(first).top()
    view.verticalScrollBar().setValue(top - ABOVE_PX)
    ids = view.gallery.ids[photos[0].start : photos[0].start + 3].tolist()
    app.controller.select(ids, ids[-1])


def is_photo_cluster(app: App, cluster: int | None) -> bool:
    """Whether a cluster's first image is a piece of a photograph."""
    session = app.controller.session
    assert session is not None
    members = session.clustering.members(-1 if cluster is None else cluster)
    return bool(len(members)) and b"digit" not in session.images[int(members[0])].relative


def photograph(home: Path, out: Path) -> None:
    """Cluster the sample collection in the window and save a picture of it."""
    from PIL import Image
    from PySide6.QtWidgets import QApplication

    from dclust_gui.services.sample import make_sample_collection
    from dclust_gui.ui.app import App
    from dclust_gui.ui.views.theme import Theme

    folder = home / "Sample collection"
    make_sample_collection(folder)
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    qt.setApplicationName("dclust")
    app = App()
    app.theme.set_theme(Theme.LIGHT)
    app.window.resize(*SIZE)
    app.show(folder)
    wait_for(lambda: bool(app.controller.session and app.controller.session.images))
    wait_for(lambda: not app.work.is_busy and not app.work.n_unread())
    app.work.cluster(replace(app.window.run_panel.settings(), k=N_CLUSTERS))
    wait_for(lambda: not app.work.is_busy)
    name_clusters(app)
    app.window.messages.clear()
    arrange(app)
    wait_for(lambda: False, REST_MS)
    out.parent.mkdir(parents=True, exist_ok=True)
    app.window.grab().save(str(out))
    app.window.allow_close()
    app.shutdown()
    if out.stat().st_size > MOST_BYTES:
        with Image.open(out) as picture:
            picture.convert("RGB").quantize(255).save(out, optimize=True)


def main() -> int:
    """Make the picture; returns the exit code."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        os.environ["DCLUST_CACHE_DIR"] = str(home / "cache")
        os.environ["DCLUST_DATA_DIR"] = str(home / "data")
        photograph(home, out)
    print(f"{out}: {out.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
