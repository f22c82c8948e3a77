"""Use cases without Qt: session, runs, export, settings."""
