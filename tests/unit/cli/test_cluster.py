"""`dclust cluster` in this process, without the network: options, tables, reports, failures."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.cli import running
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from tests.conftest import Dclust, MakeImages

REPORT_KEYS = {
    "version", "images", "unreadable", "clusters", "unassigned", "seed", "device", "cached",
    "decoded", "embedded", "skipped", "backbone", "k_candidates", "timings", "rates",
    "peak_rss_mb", "internal",
}  # fmt: skip
TIMINGS = {"scan", "decode", "features", "reduce", "head", "cluster", "tree", "total"}
MEASURES = {
    "accuracy", "nmi", "ari", "precision", "recall", "f1", "fbeta", "pair_f1", "bcubed_f1",
    "homogeneity", "completeness", "purity",
}  # fmt: skip


@pytest.fixture
def images(tmp_path: Path, make_images: MakeImages, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve images of three classes; the working folder is the one around them."""
    make_images(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def table(path: Path) -> list[dict[str, str]]:
    """A CSV file as other programs read it."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def report(path: Path) -> dict[str, object]:
    """A report; numbers that JSON does not have are refused."""

    def refuse(text: str) -> object:
        raise AssertionError(f"{text} is not JSON")

    found = json.loads(path.read_text("utf-8"), parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_labels_table_has_a_sorted_row_per_image(dclust: Dclust, images: Path) -> None:
    done = dclust("cluster", images, "--k", 3, "--labels", "out/labels.csv")
    assert (done.code, done.err) == (0, "")
    text = Path("out/labels.csv").read_bytes()
    assert text.startswith(b"path,cluster,name,confidence,status\n")
    assert b"\r" not in text
    rows = table(Path("out/labels.csv"))
    expected = sorted(p.relative_to(images).as_posix() for p in images.rglob("*.*"))
    assert [row["path"] for row in rows] == expected
    assert {row["cluster"] for row in rows} == {"1", "2", "3"}
    assert {row["name"] for row in rows} == {"Cluster 01", "Cluster 02", "Cluster 03"}
    assert {row["status"] for row in rows} == {"ok"}
    for row in rows:
        whole, _, decimals = row["confidence"].partition(".")
        assert whole in ("0", "1")
        assert len(decimals) == 4


def test_report_holds_what_the_contract_names(dclust: Dclust, images: Path) -> None:
    (images / "broken.jpg").write_bytes(b"no image")
    dclust("cluster", images, "--k", 3, "--truth", "folders", "--report", "r.json", "--seed", 7)
    found = report(Path("r.json"))
    assert REPORT_KEYS | {"external"} <= set(found)
    assert [found[k] for k in ("images", "unreadable", "clusters", "unassigned", "seed")] == [
        13, 1, 3, 0, 7
    ]  # fmt: skip
    assert (found["decoded"], found["embedded"], found["cached"]) == (13, 12, 0)
    skipped = found["skipped"]
    assert isinstance(skipped, list)
    assert [entry["path"] for entry in skipped] == ["broken.jpg"]
    assert skipped[0]["reason"]
    backbone = found["backbone"]
    assert isinstance(backbone, dict)
    assert (backbone["name"], backbone["dims"]) == ("efficientnet-lite0", 1280)
    assert backbone["fingerprint"]
    timings, internal, external = found["timings"], found["internal"], found["external"]
    assert isinstance(timings, dict)
    assert set(timings) == TIMINGS
    assert isinstance(internal, dict)
    assert set(internal) == {
        "space", "silhouette", "davies_bouldin", "calinski_harabasz", "mse"
    }  # fmt: skip
    assert isinstance(external, dict)
    assert set(external) == MEASURES
    assert external["accuracy"] == 1.0


def test_second_run_decodes_nothing_and_gives_the_same_bytes(
    dclust: Dclust, images: Path, embedded: list[int]
) -> None:
    dclust("cluster", images, "--k", 3, "--labels", "a.csv")
    calls = len(embedded)
    dclust("cluster", images, "--k", 3, "--labels", "b.csv", "--report", "b.json")
    assert len(embedded) == calls
    found = report(Path("b.json"))
    assert (found["decoded"], found["embedded"], found["cached"]) == (0, 0, 12)
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_renamed_file_is_not_decoded_again(dclust: Dclust, images: Path) -> None:
    dclust("cluster", images, "--k", 3)
    (images / "class 0" / "image-00.png").rename(images / "class 1" / "other.png")
    (images / "class 2").rename(images / "class two")
    dclust("cluster", images, "--k", 3, "--report", "r.json")
    assert (report(Path("r.json"))["decoded"], report(Path("r.json"))["embedded"]) == (0, 0)


def test_changed_file_is_read_again_even_with_size_and_time_of_before(
    dclust: Dclust, images: Path
) -> None:
    bitmap = images / "flat.bmp"
    from PIL import Image

    Image.new("RGB", (32, 32), (200, 0, 0)).save(bitmap)
    dclust("cluster", images, "--k", 3)
    before = bitmap.stat()
    Image.new("RGB", (32, 32), (0, 200, 0)).save(bitmap)
    os.utime(bitmap, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert bitmap.stat().st_size == before.st_size
    dclust("cluster", images, "--k", 3, "--report", "r.json")
    assert (report(Path("r.json"))["decoded"], report(Path("r.json"))["embedded"]) == (1, 1)


def test_automatic_k_lists_its_candidates(dclust: Dclust, images: Path) -> None:
    dclust("cluster", images, "--report", "r.json")
    found = report(Path("r.json"))
    candidates = found["k_candidates"]
    assert isinstance(candidates, list)
    assert {"k", "silhouette"} <= set(candidates[0])
    assert found["clusters"] in [entry["k"] for entry in candidates]


@pytest.mark.parametrize("k", [1, 12])
def test_fewest_and_most_clusters(dclust: Dclust, images: Path, k: int) -> None:
    assert dclust("cluster", images, "--k", k, "--labels", "l.csv", "--report", "r.json").code == 0
    assert len({row["cluster"] for row in table(Path("l.csv"))}) == k
    assert report(Path("r.json"))["clusters"] == k


def test_folder_with_one_image(dclust: Dclust, tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path / "one", 1, 1)
    out = tmp_path / "l.csv"
    assert dclust("cluster", tmp_path / "one", "--labels", out).code == 0
    assert [row["cluster"] for row in table(out)] == ["1"]


def test_copies_of_one_image_are_one_cluster(dclust: Dclust, images: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    for number in range(6):
        shutil.copy(images / "class 0" / "image-00.png", copies / f"{number}.png")
    done = dclust("cluster", copies, "--report", "r.json")
    assert done.code == 0
    assert report(Path("r.json"))["clusters"] == 1
    failed = dclust("cluster", copies, "--k", 3)
    assert failed.code == 1
    assert "3 clusters" in failed.error_line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--k", "13"), "13 clusters"),
        (("--algorithm", "magic"), "magic"),
        (("--metric", "magic"), "magic"),
        (("--linkage", "magic"), "magic"),
        (("--scale", "magic"), "magic"),
        (("--reduce", "magic"), "magic"),
        (("--head", "magic"), "none, ae, n2d, dec, idec, dcn, vade"),
        (("--head", "dec", "--param", "head.magic=1"), "magic"),
        (("--param", "head.epochs=3"), "no head"),
        (("--device", "magic"), "magic"),
        (("--backbone", "magic"), "magic"),
        (("--backbone", "resnet18"), "dclust models add"),
        (("--backbone", "x=nowhere.pth"), "nowhere.pth"),
        (("--param", "magic=1"), "magic"),
        (("--param", "n_init=-3"), "n_init"),
        (("--truth", "nowhere.csv"), "nowhere.csv"),
        (("--truth", "folders", "--beta", "nan"), "beta"),
        (("--mode", "magic"), "magic"),
        (("--labels", "photos"), "folder"),
        (("--labels", "photos/class 0/image-00.png"), "image"),
        (("--report", "photos/class 0/image-00.png/x.json"), "not writable"),
        (("--export", "photos/sorted"), "inside"),
        (("--export", "."), "inside"),
        (("--project", "photos"), "photos"),
        (("--project", "photos/class 0/image-00.png"), "image-00.png"),
    ],
)
def test_failure_is_one_line_and_exit_code_1(
    dclust: Dclust, images: Path, options: tuple[str, ...], words: str
) -> None:
    content = (images / "class 0" / "image-00.png").read_bytes()
    done = dclust("cluster", images, *(("--k", 3) if "--k" not in options else ()), *options)
    assert done.code == 1
    assert done.error_line.startswith("dclust: ")
    assert words in done.error_line
    assert "unexpected" not in done.error_line
    assert (images / "class 0" / "image-00.png").read_bytes() == content


@pytest.mark.parametrize(
    "options",
    [
        ("--algorithm", "magic"),
        ("--scale", "magic"),
        ("--param", "magic=1"),
        ("--device", "magic"),
        ("--truth", "nowhere.csv"),
    ],
)
def test_wrong_option_is_told_before_any_image_is_read(
    dclust: Dclust, images: Path, embedded: list[int], options: tuple[str, ...]
) -> None:
    done = dclust("cluster", images, "--project", "p.dclust", *options)
    assert done.code == 1
    assert done.out == ""
    assert embedded == []
    assert not Path("p.dclust").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("cluster",),
        ("cluster", ".", "--nonsense"),
        ("cluster", ".", "--k", "0"),
        ("cluster", ".", "--k", "many"),
        ("cluster", ".", "--param", "novalue"),
        ("cluster", ".", "--batch", "-1"),
        ("cluster", ".", "--seed", "-1"),
        ("cluster", ".", "--seed", "4294967296"),
        ("evaluate", "a.csv"),
        ("evaluate", "a.csv", "b.csv", "--truth", "folders"),
    ],
)
def test_wrong_usage_has_exit_code_2(dclust: Dclust, arguments: tuple[str, ...]) -> None:
    done = dclust(*arguments)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_empty_folder_is_told_and_leaves_no_project(dclust: Dclust, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing")
    done = dclust("cluster", folder, "--project", tmp_path / "p.dclust")
    assert done.code == 1
    assert "There is no image below" in done.error_line
    assert str(folder) in done.error_line
    assert not list(tmp_path.glob("p.dclust*"))


def test_only_broken_images_are_listed_with_reasons(dclust: Dclust, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "empty.jpg").touch()
    (folder / "page.png").write_text("<!doctype html><html></html>")
    done = dclust("cluster", folder)
    assert done.code == 1
    assert "None of 2 images could be read" in done.error_line
    assert "empty.jpg: " in done.out
    assert "page.png: " in done.out


@pytest.mark.parametrize("name", ["nowhere", "x" * 300, "file.txt"])
def test_folder_that_is_none(
    dclust: Dclust, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file.txt").touch()
    done = dclust("cluster", name)
    assert done.code == 1
    assert name in done.error_line
    assert "unexpected" not in done.error_line


@pytest.mark.parametrize("way", ["photos/", "../{}/photos", "link", "."])
def test_all_ways_to_a_folder_give_the_same_labels(
    dclust: Dclust, images: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    dclust("cluster", images, "--k", 3, "--labels", images.parent / "a.csv")
    Path("link").symlink_to("photos")
    if way == ".":
        monkeypatch.chdir(images)
    other = way.format(images.parent.name)
    done = dclust("cluster", other, "--k", 3, "--labels", images.parent / "b.csv")
    assert done.code == 0
    assert (images.parent / "a.csv").read_bytes() == (images.parent / "b.csv").read_bytes()


def test_odd_folder_name(dclust: Dclust, images: Path) -> None:
    odd = images.parent / os.fsdecode("a [b] *?% 😀 'q' ".encode() + b"\xff\n;")
    images.rename(odd)
    done = dclust(
        "cluster", odd, "--k", 3, "--labels", odd / "l.csv", "--project", odd / "p.dclust",
        "--export", images.parent / "sorted", "--report", odd / "r.json",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert len(table(odd / "l.csv")) == 12
    assert len(list((images.parent / "sorted").rglob("image-*"))) == 12
    gone = dclust("cluster", odd / "no", "--k", 3)
    assert gone.code == 1
    assert gone.error_line


def test_several_folders_start_paths_with_their_names(
    dclust: Dclust, images: Path, make_images: MakeImages
) -> None:
    make_images(Path("more/photos"), 2, 2)
    (Path("more") / "photos" / "bad.png").touch()
    done = dclust(
        "cluster", "photos", "more/photos", "--k", 3, "--labels", "l.csv", "--report", "r.json",
        "--truth", "folders",
    )  # fmt: skip
    assert done.code == 0
    rows = table(Path("l.csv"))
    assert len(rows) == 17
    assert {row["path"].split("/")[0] for row in rows} == {"photos", "photos (2)"}
    found = report(Path("r.json"))
    assert found["skipped"] == [{"path": "photos (2)/bad.png", "reason": "The file is empty."}]
    assert found["external"]


def test_folder_given_twice_or_inside_another_counts_once(dclust: Dclust, images: Path) -> None:
    dclust("cluster", "photos", "photos/", "--k", 3, "--labels", "twice.csv")
    assert len(table(Path("twice.csv"))) == 12
    dclust("cluster", "photos", "photos/class 0", "--k", 3, "--labels", "inside.csv")
    assert len(table(Path("inside.csv"))) == 12
    done = dclust(
        "cluster", "photos", "photos", "photos/class 0", "--k", 3, "--labels", "project.csv",
        "--project", "p.dclust",
    )  # fmt: skip
    assert done.code == 0
    assert Path("project.csv").read_bytes() == Path("inside.csv").read_bytes()


def test_truth_file_is_joined_by_path(dclust: Dclust, images: Path) -> None:
    dclust("cluster", images, "--k", 3, "--labels", "l.csv")
    truth = ["path,cluster,label"]
    truth += [f"{row['path']},same,{row['path'].split('/')[0]}" for row in table(Path("l.csv"))]
    Path("truth.csv").write_text("\n".join(truth), "utf-8")
    dclust("cluster", images, "--k", 3, "--truth", "truth.csv", "--report", "r.json")
    external = report(Path("r.json"))["external"]
    assert isinstance(external, dict)
    assert math.isclose(external["accuracy"], 1.0)
    assert math.isclose(external["nmi"], 1.0)


def test_labels_may_go_to_a_device_or_through_a_link(dclust: Dclust, images: Path) -> None:
    assert dclust("cluster", images, "--k", 3, "--labels", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()
    Path("real.csv").write_text("old")
    Path("link.csv").symlink_to("real.csv")
    assert dclust("cluster", images, "--k", 3, "--labels", "link.csv").code == 0
    assert Path("link.csv").is_symlink()
    assert len(table(Path("real.csv"))) == 12


def test_unwritable_result_is_told(
    dclust: Dclust, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dclust_gui.services.outputs.write_file", full)
    for option in ("--labels", "--report"):
        done = dclust("cluster", images, "--k", 3, option, "out.txt")
        assert done.code == 1
        assert "No space left on device" in done.error_line


@pytest.mark.parametrize("place", ["a file", "a file/below"])
def test_cache_that_cannot_be_made_is_told(
    dclust: Dclust, images: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    Path("a file").touch()
    monkeypatch.setenv("DCLUST_CACHE_DIR", str(images.parent / place))
    done = dclust("cluster", images, "--k", 3)
    assert done.code == 1
    assert done.error_line.startswith("dclust: Could not write features to the cache.")
    assert "Note: Could not write to the cache" in done.out


def test_cache_deleted_between_runs_is_made_anew(
    dclust: Dclust, images: Path, tmp_path: Path
) -> None:
    dclust("cluster", images, "--k", 3, "--labels", "a.csv", "--project", "p.dclust")
    shutil.rmtree(tmp_path / "user-cache")
    done = dclust("cluster", images, "--k", 3, "--labels", "b.csv")
    assert "12 decoded, 12 embedded" in done.out
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    shutil.rmtree(tmp_path / "user-cache")
    assert dclust("export", "p.dclust", "sorted").code == 0


def test_project_is_made_and_run_again(dclust: Dclust, images: Path) -> None:
    first = dclust("cluster", images, "--k", 3, "--project", "new/p.dclust")
    assert (first.code, first.err) == (0, "")
    second = dclust("cluster", images, "--k", 2, "--project", "new/p.dclust")
    assert (second.code, second.err) == (0, "")
    with ProjectStore.open(Path("new/p.dclust")) as store:
        assert len(store.runs()) == 2
        assert len(store.history().steps) == 2
        assert len(store.images()) == 12


def test_report_of_a_project_agrees_with_its_labels(dclust: Dclust, images: Path) -> None:
    from dclust_gui.services.opening import open_project

    dclust("cluster", images, "--k", 3, "--project", "p.dclust")
    session = open_project(Path("p.dclust"))
    session.move([0, 1], -1)
    kept = session.new_cluster([2, 3], "Mine")
    session.close()
    dclust(
        "cluster", images, "--k", 2, "--project", "p.dclust", "--labels", "l.csv",
        "--report", "r.json",
    )  # fmt: skip
    rows, found = table(Path("l.csv")), report(Path("r.json"))
    assert [row["cluster"] for row in rows[:4]] == ["-1", "-1", str(kept), str(kept)]
    assert [row["name"] for row in rows[:4]] == ["Unassigned", "Unassigned", "Mine", "Mine"]
    assert found["unassigned"] == 2
    assert found["clusters"] == len({row["cluster"] for row in rows} - {"-1"})


def test_parameters_and_k_are_parsed() -> None:
    assert running.parse_parameters(["a=1", "b==x"]) == {"a": "1", "b": "=x"}
    assert running.parse_k("auto") == 0
    assert running.parse_k("12") == 12


def test_a_number_that_a_method_does_not_take_is_told(dclust: Dclust, images: Path) -> None:
    done = dclust("cluster", images, "--algorithm", "unimodal", "--k", 5)
    assert done.code == 0
    assert "finds the number of clusters by itself: 1, not the 5 that were asked for." in done.out
    done = dclust("cluster", images, "--algorithm", "unimodal")
    assert "asked for" not in done.out


def test_a_head_trains_and_the_report_tells_how(dclust: Dclust, images: Path) -> None:
    brief = [f"head.{name}" for name in ("pretrain_epochs=3", "epochs=3", "code_size=3")]
    options = ["--head", "idec", "--k", 3, *(part for p in brief for part in ("--param", p))]
    for name in ("one", "two"):
        done = dclust(
            "cluster", images, *options, "--labels", f"{name}.csv", "--report", f"{name}.json"
        )
        assert (done.code, done.err) == (0, "")
        assert "Training" in done.out
    told = report(Path("one.json"))
    head, timings = told["head"], told["timings"]
    assert isinstance(head, dict)
    assert isinstance(timings, dict)
    assert timings["head"] > 0
    assert (head["name"], head["clusters"], head["collapsed"]) == ("idec", 3, False)
    assert {"total", "reconstruction", "clustering"} <= set(head["losses"])
    assert 0 <= head["start"]["agreement"] <= 1
    assert Path(head["model"]).is_file()
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()
