"""The deep-clustering heads, one record each, in the order in which to offer them."""

from __future__ import annotations

from dclust_gui.algorithms.method import Kind, Method, Parameter

HOME = "dclust_gui.algorithms.deep."

DEFAULT_HEAD = "dec"
"""The head to offer first."""

AUTOENCODER = {
    "code_size": "code_size",
    "activation": "activation",
    "pretraining": "pretraining",
    "corruption": "corruption",
    "pretrain_epochs": "epochs",
}
"""Settings of a head that belong to the autoencoder it starts from: name there."""

_PRETRAINING = (
    Parameter("code_size", Kind.INTEGER, "auto", 1, 1000, help="Numbers that describe an image."),
    Parameter(
        "activation",
        Kind.CHOICE,
        "relu",
        choices=("relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"),
        help="What bends between the layers.",
    ),
    Parameter(
        "pretraining",
        Kind.CHOICE,
        "end-to-end",
        choices=("end-to-end", "stacked"),
        help="All layers at once, or layer by layer first.",
    ),
    Parameter("corruption", Kind.NUMBER, 0.2, 0.0, 0.9, help="Share of values hidden in training."),
    Parameter("pretrain_epochs", Kind.INTEGER, "auto", 1, 100_000, help="Passes before the head."),
)
_EPOCHS = Parameter("epochs", Kind.INTEGER, "auto", 1, 100_000, help="Passes of the head itself.")
_TOL = Parameter("tol", Kind.NUMBER, 1e-3, 0.0, 1.0, help="Ends when fewer images change cluster.")
_BATCH = Parameter("batch_size", Kind.INTEGER, 256, 2, 1_000_000, help="Images of a step.")
_RATE = Parameter("learning_rate", Kind.NUMBER, 1e-3, 1e-8, 1.0, help="Length of the first steps.")
_FOLLOWS = "Share of steps that follow the first clusters."
_EVERY = (_EPOCHS, _BATCH, _RATE, *_PRETRAINING)


def _start(*more: str) -> Parameter:
    return Parameter(
        "start", Kind.CHOICE, "n2d", choices=("n2d", "kmeans", *more), help="First clusters."
    )


_SHARPENING = (
    _start(),
    Parameter("alpha", Kind.NUMBER, 1.0, 0.01, 1000, help="Tails of Student's t."),
    Parameter("exponent", Kind.NUMBER, 1.0, 0.0, 1.0, help="Less where sizes are uneven."),
    Parameter("start_share", Kind.NUMBER, "auto", 0.0, 1.0, help=_FOLLOWS),
    Parameter(
        "update_interval", Kind.INTEGER, "auto", 1, 1_000_000, help="Steps between two targets."
    ),
    _TOL,
    *_EVERY,
)

_SIZE_PRIOR = Parameter(
    "size_prior",
    Kind.NUMBER,
    1.0,
    0.0,
    1.0,
    help="Sizes of the groups: 0 even, 1 as uneven as the default clustering.",
    ends=("even", "as uneven as the default clustering"),
)
_HEADS_START = Parameter(
    "start",
    Kind.CHOICE,
    "n2d",
    choices=("n2d", "random"),
    help="From the default clustering, or from nothing as published.",
)
_HEADS = (
    Parameter("n_neighbors", Kind.INTEGER, None, 1, 1000, help="Nearest images that count."),
    Parameter("n_heads", Kind.INTEGER, 4, 1, 64, help="Attempts at once; the best is kept."),
    _EPOCHS,
    _BATCH,
)

HEADS: tuple[Method, ...] = (
    Method(
        name="ae",
        title="Autoencoder",
        summary="Learns a short code of the features; a clustering method then groups the codes.",
        estimator=HOME + "autoencoder:AutoencoderClustering",
        parameters=(
            Parameter(
                "separation", Kind.NUMBER, 0.0, 0.0, 100, help="How strongly centres keep apart."
            ),
            *_EVERY,
        ),
        gives_labels=False,
        cost="O(n d) per pass",
    ),
    Method(
        name="n2d",
        title="N2D",
        summary="Lays the images out so that neighbours meet, then groups the layout; near to what"
        " happens without training.",
        estimator=HOME + "n2d:N2D",
        parameters=(
            Parameter(
                "clusterer",
                Kind.CHOICE,
                "auto",
                choices=("auto", "gmm", "kmeans", "ward"),
                help="What groups the layout.",
            ),
            Parameter("dims", Kind.INTEGER, 10, 1, 1000, help="Coordinates of the layout."),
            Parameter("n_neighbors", Kind.INTEGER, None, 2, 1000, help="Neighbours that count."),
            Parameter("min_dist", Kind.NUMBER, 0.0, 0.0, 1.0, help="Least distance in the layout."),
        ),
        cost="O(n^2 d) for the neighbours",
    ),
    Method(
        name="dec",
        title="DEC",
        summary="Sharpens clusters that are there already: pulls images towards the surest ones.",
        estimator=HOME + "dec:DEC",
        parameters=_SHARPENING,
        cost="O(n (d + k)) per pass",
    ),
    Method(
        name="idec",
        title="IDEC",
        summary="DEC that must also be able to restore the features, so it strays less from them.",
        estimator=HOME + "idec:IDEC",
        parameters=(
            Parameter("gamma", Kind.NUMBER, 0.1, 0.0, 1000, help="Weight of the sharpening."),
            *_SHARPENING,
        ),
        cost="O(n (d + k)) per pass",
    ),
    Method(
        name="dcn",
        title="DCN",
        summary="Learns a code in which k-means fits well, code and centres in turn.",
        estimator=HOME + "dcn:DCN",
        parameters=(
            _start(),
            Parameter("weight", Kind.NUMBER, 0.1, 0.0, 1000, help="Weight of the centres."),
            _TOL,
            *_EVERY,
        ),
        cost="O(n (d + k)) per pass",
    ),
    Method(
        name="vade",
        title="VaDE",
        summary="Learns how each cluster's images vary; gives every image a probability.",
        estimator=HOME + "vade:VaDE",
        parameters=(
            _start("gmm"),
            Parameter(
                "likelihood",
                Kind.CHOICE,
                "auto",
                choices=("auto", "gaussian", "bernoulli"),
                help="How values vary around what is restored.",
            ),
            Parameter(
                "reconstruction_weight", Kind.NUMBER, 1.0, 1e-6, 1e6, help="Of the squared error."
            ),
            Parameter(
                "labels_from",
                Kind.CHOICE,
                "auto",
                choices=("auto", "mixture", "refit"),
                help="Where the clusters are read off.",
            ),
            Parameter("restarts", Kind.INTEGER, 1, 1, 100, help="Short trials; the best goes on."),
            Parameter("warm_up", Kind.NUMBER, 0.2, 0.0, 1.0, help="Share of steps to full weight."),
            Parameter("start_share", Kind.NUMBER, 0.5, 0.0, 1.0, help=_FOLLOWS),
            *_EVERY,
        ),
        cost="O(n (d + k)) per pass",
    ),
    Method(
        name="temi",
        title="TEMI",
        summary="Puts images into the group that their nearest images tell most of; sizes can be"
        " held even or as uneven as the default clustering finds them.",
        estimator=HOME + "temi:TEMI",
        parameters=(
            _SIZE_PRIOR,
            _HEADS_START,
            Parameter("beta", Kind.NUMBER, 0.6, 0.05, 1.0, help="Less: pairs may share groups."),
            *_HEADS,
            Parameter("learning_rate", Kind.NUMBER, 3e-3, 1e-8, 1.0, help="Of the first steps."),
        ),
        cost="O(n^2 d) for the neighbours, then O(n) per pass",
    ),
    Method(
        name="scan",
        title="SCAN",
        summary="Puts an image and its nearest ones into the same group; sizes can be held even or"
        " as uneven as the default clustering finds them.",
        estimator=HOME + "scan:SCAN",
        parameters=(
            _SIZE_PRIOR,
            _HEADS_START,
            Parameter(
                "entropy_weight", Kind.NUMBER, 5.0, 0.0, 1000, help="How strongly sizes are held."
            ),
            *_HEADS,
            _RATE,
        ),
        cost="O(n^2 d) for the neighbours, then O(n) per pass",
    ),
    Method(
        name="dcat",
        title="DCAT",
        summary="Exploratory: images that a learnt code cannot restore stay Unassigned; the peaks"
        " of the others' density are the clusters. The default groups photographs better.",
        estimator=HOME + "dcat:DCAT",
        parameters=(
            Parameter(
                "quantile", Kind.NUMBER, "auto", 0.005, 1.0, help="Less gives more clusters."
            ),
            Parameter(
                "deviations",
                Kind.NUMBER,
                3.0,
                0.5,
                100,
                help="More leaves fewer images Unassigned.",
            ),
            *_PRETRAINING,
        ),
        needs_k=False,
        finds_noise=True,
        cost="O(n^2) up to 5,000 images, then O(n)",
    ),
    Method(
        name="clustergan",
        title="ClusterGAN (experimental)",
        summary="Learns to make up features of images like these, cluster by cluster, and shows"
        " which images are typical. Takes two to ten minutes on a processor, and mostly groups"
        " worse than no training.",
        estimator=HOME + "clustergan:ClusterGAN",
        parameters=(
            Parameter(
                "loss",
                Kind.CHOICE,
                "wgan-gp",
                choices=("wgan-gp", "minimax"),
                help="How real and made-up features are told apart.",
            ),
            Parameter(
                "n_seeds", Kind.INTEGER, 3, 1, 20, help="Trained side by side; the best is taken."
            ),
            Parameter("steps", Kind.INTEGER, "auto", 0, 1_000_000, help="Steps of the training."),
            Parameter(
                "prior",
                Kind.CHOICE,
                "estimated",
                choices=("estimated", "uniform"),
                help="Whether clusters may differ in size.",
            ),
            Parameter("dims", Kind.INTEGER, 64, 1, 1000, help="Principal components made up."),
            Parameter("noise_size", Kind.INTEGER, 16, 1, 1000, help="Room within a cluster."),
            Parameter("noise_weight", Kind.NUMBER, 10.0, 0.0, 1000, help="Of what is in it."),
            Parameter("code_weight", Kind.NUMBER, 10.0, 0.0, 1000, help="Of telling clusters."),
            Parameter("batch_size", Kind.INTEGER, 64, 2, 1_000_000, help="Images of a step."),
            Parameter("learning_rate", Kind.NUMBER, 2e-3, 1e-8, 1.0, help="Length of the steps."),
            Parameter("n_prototypes", Kind.INTEGER, 8, 0, 100, help="Typical images of a cluster."),
        ),
        cost="2,000 to 10,000 steps, however many images",
    ),
)
