"""Back and forward: jumps are kept, small steps are not, vanished things are left out."""

from __future__ import annotations

import pytest

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.navigation import MOST_PLACES, Navigation, Place
from dclust_gui.domain.selection import Selection


def test_new_navigation_is_at_all_images_and_goes_nowhere() -> None:
    line = Navigation()
    assert line.here == Place()
    assert not line.can_go_back
    assert not line.can_go_forward
    assert line.back() == line
    assert line.forward() == line


def test_back_and_forward_walk_along_the_visits() -> None:
    beach, found = Place(clusters=(3,)), Place(filter_text="camera:canon")
    line = Navigation().visited(beach).visited(found)
    assert line.here == found
    assert line.back().here == beach
    assert line.back().back().here == Place()
    assert line.back().can_go_forward
    assert line.back().forward() == line


def test_visit_after_going_back_forgets_what_was_ahead() -> None:
    line = Navigation().visited(Place(clusters=(1,))).visited(Place(clusters=(2,))).back()
    other = line.visited(Place(clusters=(5,)))
    assert [p.clusters for p in other.places] == [(), (1,), (5,)]
    assert not other.can_go_forward


def test_small_steps_change_the_present_place_only() -> None:
    line = Navigation().visited(Place(clusters=(1,)))
    chosen = Place(clusters=(1,), selection=Selection(frozenset({4}), 4))
    line = line.back().updated(Place()).forward().updated(chosen)
    assert len(line.places) == 2
    assert line.here.selection.current == 4
    assert line.updated(chosen) is line


def test_visit_of_the_present_place_adds_nothing() -> None:
    line = Navigation().visited(Place(clusters=(1,)))
    assert line.visited(Place(clusters=(1,))) is line


def test_oldest_places_are_forgotten() -> None:
    line = Navigation()
    for number in range(3 * MOST_PLACES):
        line = line.visited(Place(clusters=(number,)))
    assert len(line.places) == MOST_PLACES
    assert line.here.clusters == (3 * MOST_PLACES - 1,)


def test_place_leaves_out_what_is_gone() -> None:
    place = Place((UNASSIGNED, 1, 9), "", (5, 2, 7), "Similar", Selection(frozenset({1, 7}), 7))
    left = place.within(6, {1, 2})
    assert left.clusters == (UNASSIGNED, 1)
    assert left.result == (5, 2)
    assert left.selection == Selection(frozenset({1}))
    assert Place().within(6, {1}) == Place()


def test_places_that_differ_in_selection_show_the_same() -> None:
    place = Place(clusters=(1,))
    assert place.shows_same(Place(clusters=(1,), selection=Selection(frozenset({2}))))
    assert not place.shows_same(Place(clusters=(2,)))


def test_position_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="no such place"):
        Navigation((), 0)
