"""Use cases of editing: what is meant, what is proposed; `ProjectSession.apply` carries it out.

Rules that need no features are in `domain`: `edits`, `image_edits`, `splits`, and marks in
`services.marks`. Each gives an `Edit` whose title names its scope.
"""
