"""Plain data and rules of dclust: no I/O, no Qt, no torch, no threads."""
