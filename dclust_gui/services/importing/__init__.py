"""Labels from elsewhere: tables, lists, folders and keywords, matched to a project's images.

`sources.py` reads a file or folder into a `LabelTable`; `matching.py` finds the images it names;
`own_images.py` reads folder names and keywords; `plan.py` puts the labels together and says what
could not be taken, before anything changes.
"""
