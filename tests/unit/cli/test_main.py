"""The command line's root: versions, errors, signals, broken pipes, listings."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui import __version__
from dclust_gui.cli import output
from dclust_gui.cli.main import run
from dclust_gui.cli.running import interruptible
from dclust_gui.domain.control import Cancelled
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import ImageSkipped, Notice, Severity, Stage, StageProgressed

if TYPE_CHECKING:
    from tests.conftest import Dclust


def failing(error: BaseException) -> int:
    """Exit code of a command that raises."""

    def window(_target: Path | None) -> int:
        raise error

    return run(["open"], window)


def test_version(dclust: Dclust) -> None:
    assert dclust("--version").out == f"dclust {__version__}\n"


def test_open_hands_over_its_target_and_returns_the_windows_code() -> None:
    seen: list[Path | None] = []

    def window(target: Path | None) -> int:
        seen.append(target)
        return 7

    assert run(["open", "folder"], window) == 7
    assert run(["open"], window) == 7
    assert seen == [Path("folder"), None]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InputError("Could not.", "Because\nof this.", "Do that."), 1, "Because of this. Do that."),
        (RuntimeError("two\nlines"), 1, "RuntimeError: two lines"),
        (Cancelled(), 130, "interrupted"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device", "x"), 1, "No space left"),
        (MemoryError(), 1, "MemoryError"),
    ],
)
def test_every_failure_is_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    assert failing(error) == code
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert words in told


def test_debug_shows_the_traceback() -> None:
    def window(_target: Path | None) -> int:
        raise InputError("Could not.")

    with pytest.raises(InputError):
        run(["--debug", "open"], window)
    with pytest.raises(InputError):
        run(["open", "--debug"], window)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_cancels_and_old_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interruptible() as token:
        os.kill(os.getpid(), number)
        assert token.is_cancelled
    assert signal.getsignal(number) is before


def test_second_signal_ends_at_once() -> None:
    child = os.fork()
    if not child:
        with interruptible():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGINT


def test_text_is_printed_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("a\x1b[31m\u202eb\udcff\n")
    assert capsys.readouterr().out == "a\\x1b[31m\\u202eb\\udcff\\n\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3900, "1 h 05 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert output.duration(seconds) == text


def test_piped_progress_is_a_line_per_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with output.ProgressView() as view:
        for done in (0, 40, 100, 100):
            view(StageProgressed(Stage.FEATURES, done, 100))
        view(StageProgressed(Stage.CLUSTER, 300, 300))
        view(Notice(Severity.WARNING, "Less memory. " * 20))
        for number in range(12):
            view(ImageSkipped(f"{number}.jpg", "It is empty."))
    view.say_skipped()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["Reading images: 100", "Clustering", "Note: " + "Less memory. " * 20]
    assert lines[3] == "12 files could not be read:"
    assert lines[-1] == "  and 2 more (--report lists all)"


def test_methods_are_listed(dclust: Dclust) -> None:
    assert "kmeans: " in dclust("methods").out
    listed = json.loads(dclust("methods", "--json").out)
    assert {"name", "parameters", "metrics", "needs_k", "cost"} <= set(listed[0])
    assert "--head vade: " in dclust("methods").out
    assert "--param head.gamma=0.1" in dclust("methods").out
    heads = [row["name"] for row in listed if row["kind"] == "head"]
    trained = ["ae", "n2d", "dec", "idec", "dcn", "vade", "temi", "scan", "dcat", "clustergan"]
    assert heads == trained


def test_models_are_listed_checked_and_added(dclust: Dclust, tmp_path: Path) -> None:
    listed = dclust("models", "list")
    assert listed.code == 0
    assert "efficientnet-lite0" in listed.out
    checked = dclust("models", "check")
    assert checked.code == 0
    assert "1280 features" in checked.out
    done = dclust("models", "add", tmp_path / "nowhere.pth")
    assert done.code == 1
    assert "nowhere.pth" in done.error_line


def test_doctor_says_whether_all_is_well(dclust: Dclust, monkeypatch: pytest.MonkeyPatch) -> None:
    done = dclust("doctor")
    assert done.code == 0
    assert done.out.endswith("All is well.\n")
    monkeypatch.setenv("DCLUST_CACHE_DIR", "/dev/null/cache")
    broken = dclust("doctor")
    assert broken.code == 1
    assert "/dev/null/cache" in broken.error_line


def test_demo_makes_clusters_of_its_own_images(
    dclust: Dclust, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dclust_gui.services.sample.PER_DIGIT", 2)
    monkeypatch.setattr("dclust_gui.services.sample._TILE_STEP", 256)
    done = dclust("demo", tmp_path / "demo")
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "demo" / "labels.csv").exists()
    assert (tmp_path / "demo" / "report.json").exists()
    assert list((tmp_path / "demo" / "clusters").glob("Cluster 01/*.png"))
