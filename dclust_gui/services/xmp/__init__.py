"""Keywords in XMP: `packet.py` merges them into a packet, `sidecars.py` finds and writes the files.

`document.py` reads and writes XML so that everything but the keywords stays as it is.
"""
