"""Files that other programs read: tables, datasets, contact sheets, the run card.

`images.py` says what every format tells of an image; each other module writes one kind of file.
Folders of images (per cluster, ImageFolder, ...) are made by `services/export*.py`, as they copy.
"""
