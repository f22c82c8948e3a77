"""Labels as JSON, and as one list of paths for each cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dclust_gui import __version__
from dclust_gui.services.export_names import UNASSIGNED_FOLDER, folded, unique_folder_name
from dclust_gui.services.formats.images import clusters_of, content_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.services.formats.images import LabelledImage

Json = dict[str, object]


def labels_json(images: Sequence[LabelledImage]) -> str:
    """Clusters and labels as JSON.

    Args:
        images: What goes out.

    Returns:
        `{"version", "clusters": [{id, name, title, images, notes, pinned, reviewed, ignored}],
        "images": [{path, cluster, name, confidence, decided, status, width, height, taken,
        content}]}`; cluster -1 and name "Unassigned" for images without one; `name` of a cluster
        is null while nobody has named it; `content` is the hash by which a renamed file is known.
    """
    counts: dict[int, int] = {}
    for image in images:
        if image.cluster is not None:
            counts[image.cluster.id] = counts.get(image.cluster.id, 0) + 1
    values: Json = {
        "version": __version__,
        "clusters": [_cluster(c, counts[c.id]) for c in clusters_of(images)],
        "images": [_image(image) for image in images],
    }
    return json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _cluster(cluster: Cluster, n_images: int) -> Json:
    return {
        "id": cluster.id,
        "name": cluster.name or None,
        "title": cluster.title,
        "images": n_images,
        "notes": cluster.notes,
        "pinned": cluster.is_pinned,
        "reviewed": cluster.is_reviewed,
        "ignored": cluster.is_ignored,
    }


def _image(image: LabelledImage) -> Json:
    facts = image.record.facts
    return {
        "path": image.path,
        "cluster": -1 if image.cluster is None else image.cluster.id,
        "name": image.title,
        "confidence": image.confidence,
        "decided": image.decided or None,
        "status": facts.status.value,
        "width": facts.width,
        "height": facts.height,
        "taken": facts.taken_at or None,
        "content": content_of(image),
    }


def path_lists(images: Sequence[LabelledImage]) -> dict[str, str]:
    r"""A list of paths for each cluster.

    Args:
        images: What goes out.

    Returns:
        Text by file name (`Beach.txt`), a path a line; names that every system takes, numbered
        where two are equal. Line breaks in a path are written as `\n` and `\r`.
    """
    texts: dict[str, str] = {}
    taken: set[str] = set()
    groups = [(c.title, [i for i in images if i.cluster == c]) for c in clusters_of(images)]
    groups.append((UNASSIGNED_FOLDER, [i for i in images if i.cluster is None]))
    for title, members in groups:
        if members:
            name = unique_folder_name(title, taken)
            taken.add(folded(name))
            lines = (m.path.replace("\n", "\\n").replace("\r", "\\r") for m in members)
            texts[f"{name}.txt"] = "".join(f"{line}\n" for line in lines)
    return texts
