"""Settings of runs: what belongs to whom, and what makes the same features."""

from __future__ import annotations

from dclust_gui.domain.runs import Quality, RunSettings


def test_parameters_are_told_apart_by_their_beginnings() -> None:
    given = {"n_init": "3", "head.epochs": "5", "finetune.views": "2"}
    settings = RunSettings(parameters=given)
    assert settings.method_parameters == {"n_init": "3"}
    assert settings.head_parameters == {"epochs": "5"}
    assert settings.finetune_parameters == {"views": "2"}


def test_a_head_or_a_fine_tuning_trains() -> None:
    assert not RunSettings().trains
    assert RunSettings(head="dec").trains
    assert RunSettings(finetune="dcn").trains


def test_only_another_backbone_or_other_views_make_other_features() -> None:
    settings = RunSettings()
    assert settings.reads_like(RunSettings(k=7, quality=Quality.BETTER.value))
    assert not settings.reads_like(RunSettings(quality=Quality.BEST.value))
    assert not settings.reads_like(RunSettings(backbone="vit"))
