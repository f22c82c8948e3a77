"""`dclust bench`: measure this computer, ours beside others in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.domain.errors import InputError
from dclust_gui.services.bench.algorithms import bench_algorithms
from dclust_gui.services.bench.deep import bench_deep
from dclust_gui.services.bench.editing import bench_edit
from dclust_gui.services.bench.reading import bench_extract, bench_rescan
from dclust_gui.services.bench.rows import as_json
from dclust_gui.services.bench.startup import bench_startup
from dclust_gui.services.bench.window import bench_dendrogram, bench_gallery, bench_map, bench_open

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dclust_gui.services.bench.rows import BenchRow

    Bench = Callable[..., Iterator[BenchRow]]

_BENCHES: dict[str, Bench] = {
    "extract": bench_extract,
    "rescan": bench_rescan,
    "algorithms": bench_algorithms,
    "deep": bench_deep,
    "gallery": bench_gallery,
    "dendrogram": bench_dendrogram,
    "map": bench_map,
    "edit": bench_edit,
    "open": bench_open,
    "startup": bench_startup,
}


def bench(
    name: Annotated[str, typer.Argument(help=f"{', '.join(_BENCHES)}; all if left out.")] = "",
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    long: Annotated[bool, typer.Option("--long", help="The large sizes, too.")] = False,
) -> None:
    """Measure speed as ratios to other tools, in one run, on data made for it."""
    if name and name not in _BENCHES:
        raise InputError(f"There is no benchmark '{name}'.", "", f"Choose {', '.join(_BENCHES)}.")
    say: Callable[[str], None] = _quiet if json else _say
    rows = [row for key in ([name] if name else _BENCHES) for row in _BENCHES[key](say, long=long)]
    if json:
        output.say_json(as_json(rows))
        return
    output.say_table(
        ("Benchmark", "What", "Ours", "Peer", "", "Ratio"),
        [
            (
                row.bench,
                row.what,
                f"{row.ours:.3g} {row.unit}",
                row.peer_name,
                "" if row.peer is None else f"{row.peer:.3g} {row.unit}",
                "" if row.ratio is None else f"{row.ratio:.2f}x",
            )
            for row in rows
        ],
        right=2,
    )


def _say(text: str) -> None:
    output.say(f"{text} ...")


def _quiet(_text: str) -> None:
    return
