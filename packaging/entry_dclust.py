"""Start of the frozen command line."""

from dclust_gui.__main__ import main

if __name__ == "__main__":
    main()
