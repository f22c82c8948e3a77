"""COCO with image-level categories: one category an image, no boxes.

The layout of COCO's `instances` files (https://cocodataset.org/#format-data) with annotations that
hold only `image_id` and `category_id`, as iNaturalist's competitions and camera-trap projects use
them for labels of whole images.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dclust_gui import __version__
from dclust_gui.services.formats.images import clusters_of, content_of, unique_titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.services.formats.images import LabelledImage

Json = dict[str, object]


def coco_json(images: Sequence[LabelledImage], description: str, created: str) -> str:
    """Images, categories and image-level annotations.

    Args:
        images: What goes out; those of Unassigned are listed without an annotation.
        description: What the collection is called.
        created: ISO 8601 time.

    Returns:
        JSON text. Ids of images and categories count from 1, as some readers want it, images in
        order of path; an image's `content` is the hash by which a renamed file is known again, a
        category's `cluster` is the cluster's own id, which never changes. A name with `/` gives the
        part before the last one as `supercategory`.
    """
    clusters = clusters_of(images)
    titles = unique_titles(clusters)
    categories = {cluster.id: place for place, cluster in enumerate(clusters, start=1)}
    annotations: list[Json] = []
    for number, image in enumerate(images, start=1):
        if image.cluster is None:
            continue
        row: Json = {
            "id": len(annotations) + 1,
            "image_id": number,
            "category_id": categories[image.cluster.id],
        }
        if image.confidence is not None:
            row["score"] = image.confidence
        annotations.append(row)
    values: Json = {
        "info": {
            "description": description,
            "version": "1.0",
            "year": int(created[:4]),
            "contributor": f"dclust {__version__}",
            "date_created": created,
        },
        "licenses": [],
        "images": [_image(number, image) for number, image in enumerate(images, start=1)],
        "categories": [_category(categories[c.id], c, titles[c.id]) for c in clusters],
        "annotations": annotations,
    }
    return json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _image(number: int, image: LabelledImage) -> Json:
    facts = image.record.facts
    row: Json = {
        "id": number,
        "file_name": image.path,
        "width": facts.width,
        "height": facts.height,
    }
    content = content_of(image)
    if content:
        row["content"] = content
    if facts.taken_at:
        row["date_captured"] = facts.taken_at.replace("T", " ")
    return row


def _category(number: int, cluster: Cluster, title: str) -> Json:
    above, _, last = title.rpartition("/")
    supercategory = above.strip() if last.strip() else ""
    return {"id": number, "name": title, "supercategory": supercategory, "cluster": cluster.id}
