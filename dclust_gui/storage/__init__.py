"""What dclust keeps on disk: the project file and the shared per-user cache."""
