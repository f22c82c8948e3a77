"""kill -9 while edits stream in: the project opens, is whole, and has every acknowledged edit."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.services.session import ProjectSession
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

REPOSITORY = Path(__file__).parents[3]
N_IMAGES = 2000

NURSERY = """
import hashlib, os, sys
from pathlib import Path
import numpy as np
from dclust_gui.domain import edits
from dclust_gui.services.bench.edit_kinds import RandomEdits
from dclust_gui.services.session import ProjectSession
from dclust_gui.storage.project import ProjectStore

def digest(state):
    text = repr(dict(state.clusters)).encode()
    return hashlib.blake2b(state.labels.tobytes() + state.flags.tobytes() + text).hexdigest()[:24]

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def stream(path, seed):
    random = np.random.default_rng(seed)
    session = ProjectSession(ProjectStore.open(Path(path)))
    say("done", digest(session.clustering))
    while True:
        here, n_steps = session.history.position, len(session.history.steps)
        choice = random.integers(8)
        if choice == 0 and here or choice == 1 and here < n_steps:
            wanted = here - 1 if choice == 0 else here + 1
            say("try", digest(session.store.state_at(wanted)))
            session.jump(wanted)
        else:
            edit = RandomEdits(session.clustering, random, 500).any()
            say("try", digest(edits.apply(session.clustering, edit)))
            session.apply(edit)
        say("done", digest(session.clustering))

for line in sys.stdin:
    path, seed = line.rstrip("\\n").rsplit(" ", 1)
    child = os.fork()
    if not child:
        stream(path, int(seed))
    say("pid", child)
    os.waitpid(child, 0)
    say("dead", 0)
"""


@pytest.fixture
def nursery() -> Iterator[subprocess.Popen[str]]:
    """A process with everything loaded that forks a writer whenever it is asked to."""
    process = subprocess.Popen(
        [sys.executable, "-c", NURSERY],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.close()
    assert process.wait(60) == 0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with images and no clusters."""
    path = tmp_path / "p.dclust"
    facts = ImageFacts(ImageStatus.OK, width=4, height=3)
    with ProjectStore.create(path, [tmp_path]) as store:
        store.add_images(
            [
                ImageRecord(0, b"%d.jpg" % i, FileStamp(i + 1, 1), i.to_bytes(16, "big"), facts)
                for i in range(N_IMAGES)
            ]
        )
    return path


def digest_of(path: Path) -> str:
    """What the file holds, as the writer tells it; opened for writing, as a window would."""
    import hashlib

    session = ProjectSession(ProjectStore.open(path))
    state = session.clustering
    for position in (0, session.history.position):  # the whole journal can be walked
        session.store.state_at(position)
    session.close()
    text = repr(dict(state.clusters)).encode()
    whole = state.labels.tobytes() + state.flags.tobytes() + text
    return hashlib.blake2b(whole).hexdigest()[:24]


def kill_once(nursery: subprocess.Popen[str], project: Path, seed: int) -> int:
    """Let a writer stream edits, kill it, check the file; the number of acknowledged edits."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    chance = random.Random(seed)
    nursery.stdin.write(f"{project} {seed}\n")
    nursery.stdin.flush()
    pid, acknowledged, tried = 0, "", ""
    n_done, n_wanted = 0, chance.randint(1, 40)
    strike_at = chance.choice(["try", "done"])
    is_killed = False
    for line in nursery.stdout:
        word, value = line.split()
        if word == "pid":
            pid = int(value)
        elif word == "try":
            tried = value
        elif word == "done":
            acknowledged, tried = value, ""
            n_done += 1
        else:
            break
        if pid and not is_killed and n_done >= n_wanted and word == strike_at:
            # somewhere within the next edit, whose commit takes about a millisecond
            for _ in range(chance.randint(0, 30_000)):
                pass
            os.kill(pid, signal.SIGKILL)
            is_killed = True
    assert is_killed
    with closing(sqlite3.connect(project)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert digest_of(project) in {acknowledged, tried} - {""}
    return n_done


def test_twenty_kills(nursery: subprocess.Popen[str], project: Path) -> None:
    assert sum(kill_once(nursery, project, seed) for seed in range(20)) > 200


@pytest.mark.slow
def test_two_hundred_kills(
    nursery: subprocess.Popen[str], project: Path, only_when_asked: None
) -> None:
    assert sum(kill_once(nursery, project, seed) for seed in range(1000, 1200)) > 2000
