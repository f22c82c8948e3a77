"""What the classes of ImageNet backbones are called; timm carries the words."""

from __future__ import annotations

from dclust_gui.compute.torchvision_fix import import_timm

KNOWN_SIZES = {1000: "imagenet-1k", 11821: "imagenet-12k", 21841: "imagenet-22k"}
"""Numbers of classes and timm's name for the set they are."""


def imagenet_classes(n_classes: int) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Names and definition of each class of a backbone.

    Args:
        n_classes: Width of its classifier.

    Returns:
        For each class its names, the usual one first, and a sentence on what it is; empty if no
        set of that size is known.
    """
    if n_classes not in KNOWN_SIZES:
        return ()
    import_timm()
    from timm.data.imagenet_info import ImageNetInfo  # noqa: PLC0415 -- after the torchvision workaround

    info = ImageNetInfo(KNOWN_SIZES[n_classes])
    found = []
    for index in range(n_classes):
        lemmas = str(info.index_to_description(index, detailed=False))
        whole = str(info.index_to_description(index, detailed=True))
        names = tuple(part.strip() for part in lemmas.split(",") if part.strip())
        found.append((names or (lemmas,), whole.removeprefix(lemmas).strip(" :")))
    return tuple(found)
