"""The clustering methods, one record each, in the order in which to offer them."""

from __future__ import annotations

from dclust_gui.algorithms.method import Kind, Method, Parameter

HOME = "dclust_gui.algorithms."
_EUCLIDEAN_LIKE = ("euclidean", "sqeuclidean", "cosine", "correlation", "mahalanobis")
_EVERY = (*_EUCLIDEAN_LIKE, "manhattan")
_N_INIT = Parameter("n_init", Kind.INTEGER, "auto", 1, 1000, help="Restarts; the best is kept.")
_MAX_ITER = Parameter("max_iter", Kind.INTEGER, 300, 1, 100_000, help="Most iterations.")
_AXES = Parameter("axes", Kind.INTEGER, None, 1, 100_000, help="Leading axes that are looked at.")
_TOL = Parameter("tol", Kind.NUMBER, 1e-4, 0.0, 1.0, help="Smallest move that counts.")

METHODS: tuple[Method, ...] = (
    Method(
        name="kmeans",
        title="k-means",
        summary="Compact clusters of similar size around their means; the safe first choice.",
        estimator=HOME + "partition:KMeans",
        parameters=(_N_INIT, _MAX_ITER, _TOL),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(n k d) per iteration",
    ),
    Method(
        name="balanced-kmeans",
        title="k-means, groups of similar size",
        summary="k-means that keeps every cluster near the mean size; only where the groups are"
        " known to be about equal.",
        estimator=HOME + "sizes:BalancedKMeans",
        parameters=(
            Parameter(
                "tolerance", Kind.NUMBER, 0.25, 0.0, 1.0, help="How far sizes may be from the mean."
            ),
            _N_INIT,
            _MAX_ITER,
        ),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(n k d) per round",
    ),
    Method(
        name="uneven-kmeans",
        title="k-means, groups of uneven size",
        summary="Makes more groups than wanted and joins the nearest, however large: small groups"
        " beside large ones survive.",
        estimator=HOME + "sizes:UnevenKMeans",
        parameters=(_N_INIT,),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(n k d) per iteration",
    ),
    Method(
        name="minibatch-kmeans",
        title="Mini-batch k-means",
        summary="k-means by small batches, for very many images.",
        estimator=HOME + "kmeans_variants:MiniBatchKMeans",
        parameters=(
            Parameter("n_init", Kind.INTEGER, "auto", 1, 1000, help="Seedings that are tried."),
            Parameter("max_iter", Kind.INTEGER, 100, 1, 100_000, help="Most passes."),
            Parameter("batch_size", Kind.INTEGER, 4096, 16, 1_000_000, help="Images of a batch."),
            Parameter("full_iter", Kind.INTEGER, 10, 1, 1000, help="Full iterations at the end."),
        ),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(batch k d) per step",
    ),
    Method(
        name="spherical-kmeans",
        title="Spherical k-means",
        summary="k-means of directions: only the angle between features counts.",
        estimator=HOME + "kmeans_variants:SphericalKMeans",
        parameters=(_N_INIT, _MAX_ITER, _TOL),
        metrics=("cosine",),
        cost="O(n k d) per iteration",
    ),
    Method(
        name="meanshift",
        title="MeanShift",
        summary="Finds the number of clusters by itself: the peaks of the density of the images.",
        estimator=HOME + "meanshift:MeanShift",
        parameters=(
            Parameter("bandwidth", Kind.NUMBER, None, 1e-12, help="Radius of the kernel."),
            Parameter(
                "quantile",
                Kind.NUMBER,
                None,
                0.001,
                1.0,
                help="For the radius; less: more clusters.",
            ),
            _AXES,
            Parameter(
                "kernel",
                Kind.CHOICE,
                "flat",
                choices=("flat", "gaussian"),
                help="Shape of the kernel.",
            ),
            Parameter("max_seeds", Kind.INTEGER, 5000, 1, 1_000_000, help="Images that climb."),
            _MAX_ITER,
        ),
        needs_k=False,
        metrics=_EUCLIDEAN_LIKE,
        cost="O(seeds n d) per step, at most 5,000 seeds, 8 axes of wide features",
    ),
    Method(
        name="agglomerative",
        title="Hierarchical",
        summary="Merges near clusters step by step; one tree, which can be cut anywhere later.",
        estimator=HOME + "agglomerative:Agglomerative",
        hierarchical=True,
        seeded=False,
        metrics=_EVERY,
        linkages=("ward", "average", "complete", "single"),
        blocking_linkages=("average", "complete"),
        cost="O(n^2 d); memory O(n d) for Ward and single linkage, O(n^2) for the others",
    ),
    Method(
        name="dbscan",
        title="DBSCAN",
        summary="Dense regions of any shape; many images between them may stay Unassigned.",
        estimator=HOME + "density:DBSCAN",
        blocks=True,
        parameters=(
            Parameter("eps", Kind.NUMBER, None, 1e-12, help="Radius that counts as near."),
            Parameter("min_samples", Kind.INTEGER, 5, 1, 100_000, help="Neighbours of a core."),
            _AXES,
        ),
        needs_k=False,
        seeded=False,
        finds_noise=True,
        metrics=_EVERY,
        cost="O(n^2 d)",
    ),
    Method(
        name="hdbscan",
        title="HDBSCAN",
        summary="Dense groups of varying density, for a first look; the rest stays Unassigned.",
        estimator=HOME + "density:HDBSCAN",
        blocks=True,
        parameters=(
            Parameter("min_cluster_size", Kind.INTEGER, None, 2, 1_000_000, help="Least size."),
            Parameter("min_samples", Kind.INTEGER, None, 1, 100_000, help="Caution against noise."),
            Parameter(
                "selection", Kind.CHOICE, "eom", choices=("eom", "leaf"), help="Few large or many."
            ),
            _AXES,
        ),
        needs_k=False,
        seeded=False,
        finds_noise=True,
        metrics=_EVERY,
        cost="O(n^2 d)",
    ),
    Method(
        name="unimodal",
        title="Valleys",
        summary="Finds the number of clusters by itself: parts the images wherever a valley lies"
        " between two groups.",
        estimator=HOME + "unimodality:Unimodal",
        parameters=(
            Parameter(
                "alpha", Kind.NUMBER, 0.001, 1e-9, 0.999, help="More gives more, smaller clusters."
            ),
            Parameter(
                "way",
                Kind.CHOICE,
                "split",
                choices=("split", "join"),
                help="Halve the whole, or join small groups.",
            ),
            Parameter("n_groups", Kind.INTEGER, None, 1, 1000, help="Small groups to join."),
        ),
        needs_k=False,
        metrics=_EUCLIDEAN_LIKE,
        cost="O(n d) per halving",
    ),
    Method(
        name="gmm",
        title="Gaussian mixture",
        summary="Clusters with a shape of their own and a probability for every image.",
        estimator=HOME + "mixture:GaussianMixture",
        blocks=True,
        parameters=(
            Parameter(
                "covariance",
                Kind.CHOICE,
                "auto",
                choices=("auto", "full", "tied", "diag", "spherical"),
                help="Shape of the clusters.",
            ),
            Parameter("n_init", Kind.INTEGER, 5, 1, 1000, help="Starts; the best is kept."),
            Parameter("max_iter", Kind.INTEGER, 100, 1, 100_000, help="Most iterations."),
            Parameter("regularisation", Kind.NUMBER, 1e-3, 0.0, 1.0, help="Least variance."),
        ),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(n k d^2) per iteration",
    ),
    Method(
        name="spectral",
        title="Spectral",
        summary="Cuts the graph of nearest neighbours; finds clusters of any shape.",
        estimator=HOME + "spectral:SpectralClustering",
        blocks=True,
        parameters=(
            Parameter("n_neighbors", Kind.INTEGER, 15, 1, 10_000, help="Neighbours in the graph."),
        ),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(n^2 d)",
    ),
)
