"""dclust: turns a folder of images into named groups a person agrees with."""

__version__ = "0.1.0"
