"""The program as a user runs it: processes of their own, the real network, signals, two at once."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.services.opening import open_project

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import Dclust, MakeImages
    from tests.e2e.conftest import Clustered

pytestmark = pytest.mark.slow

INTERRUPTED = "dclust: interrupted; what is finished is kept and the next run goes on from there\n"


def report(path: Path) -> dict[str, object]:
    """A report."""
    found = json.loads(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def rows(path: Path) -> list[dict[str, str]]:
    """A labels table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def use_cache(clustered: Clustered, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache that the real run has filled."""
    monkeypatch.setenv("DCLUST_CACHE_DIR", str(clustered.cache))


def test_folder_becomes_labels_report_project_and_export(clustered: Clustered) -> None:
    found = report(clustered.out / "report.json")
    assert [found[k] for k in ("images", "decoded", "embedded", "clusters")] == [18, 18, 18, 3]
    labels = rows(clustered.out / "labels.csv")
    assert len(labels) == 18
    exported = {
        path.relative_to(clustered.out / "sorted").as_posix(): path.read_bytes()
        for path in (clustered.out / "sorted").rglob("image-*")
    }
    assert len(exported) == 18
    originals = [(clustered.images / row["path"]).read_bytes() for row in labels]
    assert sorted(exported.values()) == sorted(originals)
    session = open_project(clustered.out / "p.dclust", read_only=True)
    assert [session.clustering.counts()[key] for key in (1, 2, 3)] == [6, 6, 6]
    session.close()
    external = found["external"]
    assert isinstance(external, dict)
    assert external["accuracy"] == 1.0
    assert "Reading images: 18" in clustered.said


def test_second_run_loads_no_network_and_gives_the_same_bytes(
    clustered: Clustered,
    tmp_path: Path,
    use_cache: None,
    start_dclust: Callable[..., subprocess.Popen[str]],
) -> None:
    process = start_dclust(
        "cluster", clustered.images, "--k", 3, "--labels", tmp_path / "l.csv",
        "--report", tmp_path / "r.json", PYTHONPROFILEIMPORTTIME="1",
    )  # fmt: skip
    _, told = process.communicate(timeout=90)
    assert process.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    assert "dclust_gui.engine.pipeline" in imported
    assert not imported & {"timm", "torchvision", "PySide6"}
    found = report(tmp_path / "r.json")
    assert [found[k] for k in ("cached", "decoded", "embedded")] == [18, 0, 0]
    assert (tmp_path / "l.csv").read_bytes() == (clustered.out / "labels.csv").read_bytes()


def test_failure_of_a_process_is_one_line(tmp_path: Path, run_dclust: Dclust) -> None:
    done = run_dclust("cluster", tmp_path / "nowhere")
    assert done.code == 1
    assert done.error_line.startswith("dclust: There is no folder")
    debug = run_dclust("--debug", "cluster", tmp_path / "nowhere")
    assert debug.code == 1
    assert "Traceback" in debug.err


# -- stopped -------------------------------------------------------------------------------


@pytest.fixture
def many(tmp_path: Path, make_images: MakeImages) -> Path:
    """Sixty images, one of which needs a helper process."""
    from PIL import Image

    make_images(tmp_path / "many", 3, 20)
    Image.new("RGB", (32, 32), "red").save(tmp_path / "many" / "a.ppm")
    return tmp_path / "many"


@pytest.mark.parametrize("to_group", [False, True])
def test_ctrl_c_keeps_what_is_finished(
    many: Path,
    tmp_path: Path,
    dclust: Dclust,
    start_slowly: Callable[..., subprocess.Popen[str]],
    wait_for_batches: Callable[[int], int],
    to_group: bool,
) -> None:
    process = start_slowly("cluster", many, "--k", 3, "--project", tmp_path / "p.dclust")
    wait_for_batches(3)
    if to_group:  # as a terminal does: helper processes get it, too
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told == INTERRUPTED
    finished = wait_for_batches(3)
    assert finished < 61
    done = dclust("cluster", many, "--k", 3, "--report", tmp_path / "r.json")
    assert done.code == 0
    found = report(tmp_path / "r.json")
    assert (found["embedded"], found["cached"]) == (61 - finished, finished)


def test_killed_run_loses_seconds_at_most(
    many: Path,
    tmp_path: Path,
    dclust: Dclust,
    start_slowly: Callable[..., subprocess.Popen[str]],
    wait_for_batches: Callable[[int], int],
) -> None:
    process = start_slowly("cluster", many, "--k", 3, "--project", tmp_path / "p.dclust")
    wait_for_batches(6)
    process.kill()
    process.communicate(timeout=30)
    finished = wait_for_batches(6)
    done = dclust(
        "cluster", many, "--k", 3, "--report", tmp_path / "r.json",
        "--project", tmp_path / "p.dclust",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    kept = report(tmp_path / "r.json")["cached"]
    assert isinstance(kept, int)
    assert finished - 8 <= kept <= finished  # written every 0.1 s, a batch of 4 takes 0.2 s


def test_two_processes_share_a_cache(
    many: Path, tmp_path: Path, dclust: Dclust, start_slowly: Callable[..., subprocess.Popen[str]]
) -> None:
    processes = [
        start_slowly("cluster", many, "--k", 3, "--labels", tmp_path / f"{number}.csv", pause=0.02)
        for number in range(2)
    ]
    for process in processes:
        _, told = process.communicate(timeout=90)
        assert (process.returncode, told) == (0, "")
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()
    dclust("cluster", many, "--k", 3, "--report", tmp_path / "r.json")
    found = report(tmp_path / "r.json")
    assert [found[k] for k in ("cached", "decoded", "embedded")] == [61, 0, 0]


def test_project_held_by_another_process_names_it(
    many: Path,
    tmp_path: Path,
    dclust: Dclust,
    start_slowly: Callable[..., subprocess.Popen[str]],
    wait_for_batches: Callable[[int], int],
) -> None:
    process = start_slowly("cluster", many, "--k", 3, "--project", tmp_path / "p.dclust")
    wait_for_batches(2)
    done = dclust("add", tmp_path / "p.dclust")
    process.kill()
    process.communicate(timeout=30)
    assert done.code == 1
    assert f"process {process.pid} " in done.error_line
    assert dclust("add", tmp_path / "p.dclust").code == 0


@pytest.mark.parametrize("target", ["/dev/full", "closed"])
def test_output_that_nobody_takes(
    target: str, start_dclust: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """A full disk behind standard output is told; a closed pipe ends quietly."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "dclust_gui", "methods"]
    settings = {"PYTHONPATH": str(Path(__file__).parents[2])}
    read, write = os.pipe()
    if target == "closed":
        os.close(read)
    with Path(target).open("w") if target != "closed" else os.fdopen(write, "w") as out:
        done = subprocess.run(
            command, stdout=out, stderr=subprocess.PIPE, text=True, env=os.environ | settings,
            check=False,
        )  # fmt: skip
    for handle in (read, write):
        try:
            os.close(handle)
        except OSError:
            continue
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == (1 if target != "closed" else 0)
