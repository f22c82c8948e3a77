"""The order of stages: scan, decode, features, reduce, cluster, tree, measure."""
