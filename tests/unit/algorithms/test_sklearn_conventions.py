"""scikit-learn's own checks of the estimators' conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from dclust_gui import algorithms

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

SMALL: dict[str, dict[str, float]] = {
    "GaussianMixture": {"n_clusters": 2, "n_init": 1, "max_iter": 20},
    "KMeans": {"n_clusters": 2, "n_init": 1},
    "MeanShift": {"bandwidth": 1.0},
    "MiniBatchKMeans": {"n_clusters": 2, "n_init": 1},
    "SpectralClustering": {"n_clusters": 2, "n_neighbors": 4},
    "SphericalKMeans": {"n_clusters": 2, "n_init": 1},
}
EXPECTED_FAILURES: dict[str, dict[str, str]] = {}


def estimators() -> list[BaseEstimator]:
    return [getattr(algorithms, name)(**SMALL.get(name, {})) for name in algorithms.__all__]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("estimator", estimators(), ids=lambda e: type(e).__name__)
def test_scikit_learns_checks_pass(estimator: BaseEstimator) -> None:
    expected = EXPECTED_FAILURES.get(type(estimator).__name__, {})
    failures = []
    count = 0
    for instance, check in estimator_checks_generator(estimator):
        count += 1
        name = getattr(check, "func", check).__name__
        try:
            check(instance)
        except pytest.skip.Exception:
            continue
        except Exception as error:  # noqa: BLE001 -- every failure is listed
            if type(error).__name__ != "SkipTest" and name not in expected:
                failures.append(f"{name}: {error!r}"[:300])
    assert not failures
    assert count > 30
