"""What an import finds in words, as JSON, and as a table of problems."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.names import same_name
from dclust_gui.services.importing.values import How
from dclust_gui.services.labels_table import spreadsheet_safe
from dclust_gui.services.outputs import write_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.imports import ClusterImport
    from dclust_gui.services.importing.values import ImportPlan, Problem

_HOW = {How.PATH: "by path", How.CONTENT: "by content", How.NAME: "by name"}


def found_text(plan: ImportPlan) -> str:
    """How many images were found, and how."""
    n = len(plan.labels.images)
    if not n:
        return f"None of {count_of(plan.n_images)} has a label."
    ways = ", ".join(f"{plan.how[how]:,} {words}" for how, words in _HOW.items() if plan.how[how])
    verb = "has" if n == 1 else "have"
    return f"{n:,} of {count_of(plan.n_images)} {verb} a label: {ways}."


def names_text(plan: ImportPlan, state: Clustering | None, most: int) -> str:
    """The labels: how many, and which clusters are new.

    Args:
        plan: The plan.
        state: The present clusters; None where labels become true classes.
        most: How many names are listed.
    """
    names = plan.labels.names
    if state is None:
        listed = ", ".join(f"'{name}'" for name in names[:most])
        more = ", …" if len(names) > most else ""
        noun = "class" if len(names) == 1 else "classes"
        return f"{len(names):,} {noun}" + (f": {listed}{more}." if names else ".")
    new = new_names(names, state)
    listed = ", ".join(f"'{name}'" for name in new[:most])
    more = ", …" if len(new) > most else ""
    how_many = f"{len(new):,} of them" if 0 < len(new) < len(names) else "all" if new else "none"
    text = f"{count_of(len(names), 'cluster')}, {how_many} new"
    return text + (f": {listed}{more}." if new else ".")


def new_names(names: Sequence[str], state: Clustering) -> list[str]:
    """The labels for which there is no cluster yet."""
    known = {same_name(row.title) for row in state.clusters.values()}
    return [name for name in names if same_name(name) not in known]


def plan_values(
    plan: ImportPlan, found: ClusterImport | None, held: Sequence[Problem]
) -> dict[str, object]:
    """A plan as JSON.

    Args:
        plan: The plan.
        found: The clusters that the labels become; None for true classes.
        held: What pinned clusters keep out.
    """
    counts = plan.labels.counts().tolist()
    labels: list[dict[str, object]] = []
    for place, name in enumerate(plan.labels.names):
        row: dict[str, object] = {"name": name, "images": counts[place]}
        if found is not None:
            key = found.clusters[place]
            row |= {"cluster": key, "new": key in found.created}
        labels.append(row)
    return {
        "source": plan.labels.source,
        "about": plan.about or None,
        "as": "truth" if found is None else "clusters",
        "images": plan.n_images,
        "labelled": len(plan.labels.images),
        "found": {how.value: plan.how[how] for how in How},
        "labels": labels,
        "notes": list(plan.notes),
        "problems": [
            {"where": p.where or None, "what": p.what, "why": p.why, "harmless": p.is_harmless}
            for p in (*plan.problems, *held)
        ],
    }


def write_problems(path: Path, problems: Iterable[Problem]) -> None:
    """Write what was not taken as CSV: place, path, reason, whether anything is lost by it.

    Args:
        path: The file; an existing one is replaced.
        problems: The problems.

    Raises:
        InputError: If it would take the place of an image or project.
        StorageError: If it cannot be written.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("where", "what", "why", "taken"))
    for p in problems:
        what = spreadsheet_safe(p.what)
        writer.writerow((p.where, what, p.why, "yes" if p.is_harmless else "no"))
    write_output(path, out.getvalue(), "the list")
