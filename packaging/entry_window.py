"""Start of the frozen window."""

from dclust_gui.__main__ import main_window

if __name__ == "__main__":
    main_window()
