"""The deep-clustering heads, one record each, in the order in which to offer them."""

from __future__ import annotations

from dclust_gui.algorithms.method import Method

HOME = "dclust_gui.algorithms.deep."

DEFAULT_HEAD = "dec"
"""The head to offer first."""

HEADS: tuple[Method, ...] = (
    Method(
        name="ae",
        title="Autoencoder",
        summary="Learns a short code of the features; a clustering method then groups the codes.",
        estimator=HOME + "autoencoder:AutoencoderClustering",
        gives_labels=False,
        cost="O(n d) per pass",
    ),
    Method(
        name="n2d",
        title="N2D",
        summary="Learns a short code, lays it out so that neighbours meet, and groups the layout.",
        estimator=HOME + "n2d:N2D",
        cost="O(n d) per pass, then O(n^2) for the neighbours",
    ),
    Method(
        name="dec",
        title="DEC",
        summary="Sharpens clusters that are there already: pulls images towards the surest ones.",
        estimator=HOME + "dec:DEC",
        cost="O(n (d + k)) per pass",
    ),
    Method(
        name="idec",
        title="IDEC",
        summary="DEC that must also be able to restore the features, so it strays less from them.",
        estimator=HOME + "idec:IDEC",
        cost="O(n (d + k)) per pass",
    ),
    Method(
        name="dcn",
        title="DCN",
        summary="Learns a code in which k-means fits well, code and centres in turn.",
        estimator=HOME + "dcn:DCN",
        cost="O(n (d + k)) per pass",
    ),
    Method(
        name="vade",
        title="VaDE",
        summary="Learns how each cluster's images vary; gives every image a probability.",
        estimator=HOME + "vade:VaDE",
        cost="O(n (d + k)) per pass",
    ),
)
