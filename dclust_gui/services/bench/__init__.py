"""Benchmarks that users can run: ours beside a peer, in one run, on data made on the spot."""
