"""The main window, its dialogs, and the controller that carries out wishes."""
