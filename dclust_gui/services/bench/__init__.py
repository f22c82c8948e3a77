"""Benchmarks that users can run: ours beside a peer, in one run, on data made on the spot."""

EXIT_WHEN_PAINTED = "DCLUST_EXIT_WHEN_PAINTED"
"""Environment variable: the window tells when it was first painted, and closes."""

WINDOW_BENCH = "--window-bench"
"""First argument of a process that `dclust bench` starts to measure the window; a name follows."""
