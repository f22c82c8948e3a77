"""Where other threads meet the window: signals with immutable values, no widgets, no pixmaps."""
