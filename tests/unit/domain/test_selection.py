"""What is selected, after images have gone."""

from __future__ import annotations

from dclust_gui.domain.selection import Selection


def test_a_selection_within_bounds_stays_the_same_object() -> None:
    chosen = Selection(frozenset([0, 5]), 5)
    assert chosen.within(6) is chosen
    assert Selection().within(0) == Selection()


def test_images_and_current_out_of_bounds_are_left_out() -> None:
    assert Selection(frozenset([0, 5]), 5).within(5) == Selection(frozenset([0]), None)
    assert Selection(frozenset([0]), 7).within(5) == Selection(frozenset([0]), None)
    assert Selection(frozenset(), 0).within(0) == Selection()
