"""The ways to fine-tune a backbone, one record each, in the order in which to offer them."""

from __future__ import annotations

from dclust_gui.algorithms.method import Kind, Method, Parameter, find

_HOME = "dclust_gui.algorithms.deep.finetuning:fine_tune"

_PARAMETERS = (
    Parameter(
        "blocks", Kind.INTEGER, 1, 1, 1000, help="How many of the backbone's last blocks learn."
    ),
    Parameter("epochs", Kind.INTEGER, "auto", 1, 10_000, help="Passes over the images."),
    Parameter(
        "views",
        Kind.INTEGER,
        "auto",
        0,
        64,
        help="Random views kept of each image; 0 draws new ones at each step.",
    ),
    Parameter("batch_size", Kind.INTEGER, "auto", 2, 100_000, help="Images of a step."),
    Parameter("learning_rate", Kind.NUMBER, 1e-4, 1e-8, 1.0, help="Length of the first steps."),
    Parameter(
        "images", Kind.INTEGER, 20_000, 8, 10_000_000, help="Learns from so many images at most."
    ),
)

FINETUNERS: tuple[Method, ...] = (
    Method(
        name="dec",
        title="DEC on the backbone",
        summary=(
            "Trains the last part of the backbone itself on random views of your images, towards"
            " surer clusters."
        ),
        estimator=_HOME,
        parameters=_PARAMETERS,
        cost="O(n) passes of the network",
    ),
    Method(
        name="dcn",
        title="DCN on the backbone",
        summary=(
            "Trains the last part of the backbone itself on random views of your images, towards"
            " tight clusters, and keeps close to what it knew before."
        ),
        estimator=_HOME,
        parameters=_PARAMETERS,
        cost="O(n) passes of the network",
    ),
)


def finetuner(name: str) -> Method:
    """The fine-tuning of that name.

    Raises:
        InputError: If there is none; the hint lists the names.
    """
    return find(FINETUNERS, name, "fine-tuning")
