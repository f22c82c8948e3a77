"""`dclust runs`: list a project's runs, compare two, keep an older one for some clusters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.domain.clustering import UNASSIGNED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.services.editing.past_runs import RunsCompared
    from dclust_gui.services.session import ProjectSession

_MOST_COLUMNS = 12


def runs(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    action: Annotated[str, typer.Argument(help="compare A B, or keep A CLUSTER...")] = "",
    rest: Annotated[list[str] | None, typer.Argument(help="Runs; clusters.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the runs of a project, compare two of them, or keep one for some clusters."""
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.storage.project import ProjectStore

    words = rest or []
    if action not in ("", "compare", "keep"):
        raise typer.BadParameter(f"'{action}' is neither 'compare' nor 'keep'")
    if action == "compare" and len(words) != 2:
        raise typer.BadParameter("compare needs two runs")
    if action == "keep" and len(words) < 2:
        raise typer.BadParameter("keep needs a run and at least one cluster")
    numbers = [_number(word) for word in words[: 2 if action == "compare" else 1]]
    if action == "keep":
        session = ProjectSession(ProjectStore.open(project))
    else:
        session = open_project(project, read_only=True)
    try:
        if action == "keep":
            _keep(session, numbers[0], words[1:])
        elif action == "compare":
            _compare(session, numbers[0], numbers[1], as_json=as_json)
        else:
            _list(session, as_json=as_json)
    finally:
        session.close()


def _number(word: str) -> int:
    if not word.isdecimal():
        raise typer.BadParameter(f"'{word}' is not the number of a run")
    return int(word)


def _list(session: ProjectSession, *, as_json: bool) -> None:
    present = session.clustering.run_id
    found = session.store.runs()
    if as_json:
        output.say_json(
            [
                {
                    "run": run.id,
                    "accepted": run.id == present,
                    "created": run.created,
                    "algorithm": run.settings.algorithm,
                    "images": run.n_images,
                    "clusters": run.k,
                }
                for run in found
            ]
        )
        return
    rows = [
        (
            "*" if run.id == present else "",
            str(run.id),
            run.created,
            run.settings.algorithm,
            f"{run.n_images:,}",
            f"{run.k:,}",
        )
        for run in found
    ]
    output.say_table(("", "Run", "When", "Method", "Images", "Clusters"), rows, right=2)


def _compare(session: ProjectSession, first: int, second: int, *, as_json: bool) -> None:
    from dclust_gui.services.editing.past_runs import compare_runs

    found = compare_runs(session, first, second)
    if as_json:
        output.say_json(_as_json(session, found))
        return
    table, titles = found.comparison, found.titles
    shown = table.columns[:_MOST_COLUMNS]
    rows = [
        (titles.get(row, str(row)), *(f"{n:,}" if n else "" for n in counts[: len(shown)]))
        for row, counts in zip(table.rows, table.counts.tolist(), strict=True)
    ]
    headings = (f"Run {first} \\ {second}", *(titles.get(c, str(c)) for c in shown))
    output.say_table(headings, rows, right=len(shown))
    if len(table.columns) > len(shown):
        output.say(f"and {len(table.columns) - len(shown):,} more columns (--json has all)")
    output.say(found.sentence)


def _as_json(session: ProjectSession, found: RunsCompared) -> dict[str, object]:
    from dclust_gui.domain.images import display_path

    table, titles = found.comparison, found.titles

    def named(ids: Sequence[int]) -> list[dict[str, object]]:
        return [{"cluster": key, "name": titles.get(key, "Unassigned")} for key in ids]

    is_moved = table.before != table.after
    moved = zip(
        table.images[is_moved].tolist(),
        table.before[is_moved].tolist(),
        table.after[is_moved].tolist(),
        strict=True,
    )
    changes = table.changes
    return {
        "runs": [found.first.run, found.second.run],
        "rows": named(table.rows),
        "columns": named(table.columns),
        "counts": table.counts.tolist(),
        "summary": found.sentence,
        "images": {
            "stayed": changes.n_stayed,
            "moved": changes.n_moved,
            "placed": changes.n_placed,
            "taken_out": changes.n_taken_out,
        },
        "split": [{"cluster": d.cluster, "parts": d.parts} for d in changes.split],
        "merged": [{"cluster": u.cluster, "sources": u.sources} for u in changes.merged],
        "appeared": [key for key in changes.appeared if key != UNASSIGNED],
        "ended": list(changes.ended),
        "moved": [
            {
                "path": display_path(session.images[image].relative),
                "from": before,
                "to": after,
            }
            for image, before, after in moved
        ],
    }


def _keep(session: ProjectSession, run: int, clusters: Sequence[str]) -> None:
    from dclust_gui.services.editing.past_runs import keep_run

    edit = keep_run(session, run, clusters)
    is_new = session.apply(edit)
    output.say(edit.title[0].upper() + edit.title[1:] + "." if is_new else "Nothing changed.")
