"""The command `similar`: what in a project is most like an image."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.running import interruptible


def similar(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    image: Annotated[
        Path, typer.Argument(help="An image of the project, or any other image file.")
    ],
    n: Annotated[int, typer.Option("-n", help="How many images at most.", min=1)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the images of a project that are most like an image, the most similar first."""
    from dclust_gui.domain.clustering import UNASSIGNED
    from dclust_gui.domain.errors import InputError
    from dclust_gui.domain.images import display_path
    from dclust_gui.services.labels_table import root_prefixes
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.similar import SimilarService, find_image
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.workspace import Workspace

    session = open_project(project, read_only=True)
    try:
        snapshot = snapshot_of(session)
    finally:
        session.close()
    with output.quiet_libraries(), Workspace() as workspace, interruptible() as token:
        service = SimilarService(workspace.engine)
        known = find_image(snapshot, image)
        if known is None and not os.path.lexists(image):
            raise InputError(
                f"'{output.printable(str(image))}' cannot be read.",
                "There is no such file, here or in the project.",
            )
        if known is None:
            found = service.by_file(snapshot, image, n, token)
        else:
            found = service.by_images(snapshot, [known], n, token)
    prefixes = root_prefixes(snapshot.roots)
    rows = []
    for number, similarity in zip(found.images.tolist(), found.similarity.tolist(), strict=True):
        record = snapshot.images[number]
        cluster = int(snapshot.clustering.labels[number])
        entry = snapshot.clustering.clusters.get(cluster)
        title = "Unassigned" if cluster == UNASSIGNED or entry is None else entry.title
        path = prefixes[record.root] + display_path(record.relative)
        rows.append((similarity, path, cluster, title))
    if as_json:
        results = [
            {"path": path, "similarity": round(similarity, 4), "cluster": cluster, "name": title}
            for similarity, path, cluster, title in rows
        ]
        is_known = known is not None
        output.say_json(
            {"image": output.printable(str(image)), "known": is_known, "similar": results}
        )
        return
    shown = [(path, title, f"{similarity:.3f}") for similarity, path, _, title in rows]
    output.say_table(("Image", "Cluster", "Similarity"), shown)
