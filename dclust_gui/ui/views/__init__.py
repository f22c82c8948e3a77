"""Widgets that show the state and tell wishes; they decide nothing."""
