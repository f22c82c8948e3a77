"""Thread counts."""

from __future__ import annotations

import os

import pytest
import torch

from dclust_gui.compute.threads import thread_budget, use_threads


def test_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3,1")
    assert thread_budget() == 3


@pytest.mark.parametrize("value", ["", "0", "many"])
def test_budget_without_a_usable_variable_is_the_cores(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert 1 <= thread_budget() <= (os.cpu_count() or 1)


def test_limit_holds_inside_and_is_put_back_after_an_error() -> None:
    before = torch.get_num_threads()
    inside: list[int] = []

    def fail() -> None:
        with use_threads(1):
            inside.append(torch.get_num_threads())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert inside == [1]
    assert torch.get_num_threads() == before


def test_zero_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"), use_threads(0):
        pass
