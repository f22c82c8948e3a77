"""DCN's centres against the paper's one-by-one rule, and its autoencoder part alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dclust_gui.algorithms.deep.alternation import FIRST_COUNT, Alternation, move_centres
from dclust_gui.algorithms.deep.networks import AutoencoderNetwork
from dclust_gui.algorithms.deep.progress import CLUSTERING, Progress
from dclust_gui.algorithms.deep.session import Session
from dclust_gui.algorithms.deep.training import TOTAL, Phase, Schedule, generator_for, train

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_a_batch_moves_the_centres_as_one_image_at_a_time_would() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(5, 3, generator=generator)
    code = torch.randn(64, 3, generator=generator)
    labels = torch.randint(0, 4, (64,), generator=generator)
    counts = torch.full((5,), FIRST_COUNT)
    by_hand, hand_counts = centres.double().clone(), counts.double().clone()
    for z, c in zip(code.double(), labels.tolist(), strict=True):
        hand_counts[c] += 1
        by_hand[c] -= (by_hand[c] - z) / hand_counts[c]  # eq. 9
    kept = centres[4].clone()
    move_centres(centres, counts, code, labels)
    torch.testing.assert_close(centres.double(), by_hand, rtol=0, atol=1e-5)
    torch.testing.assert_close(counts.double(), hand_counts)
    torch.testing.assert_close(centres[4], kept)


def session_of(rows: NDArray[np.float32], seed: int = 0) -> Session:
    network = AutoencoderNetwork((12, 8, 3), "relu", generator_for(seed))
    labels = (np.arange(len(rows)) % 4).astype(np.int32)
    return Session(
        torch.from_numpy(rows),
        network,
        4,
        Progress(),
        np.random.RandomState(5),
        labels,
        torch.randn(4, 3, generator=generator_for(1)),
        [],
    )


def test_without_its_weight_it_is_the_autoencoder(
    clouds: tuple[NDArray[np.float32], NDArray[np.int64]],
) -> None:
    schedule = Schedule(5, 64)
    alternating = session_of(clouds[0])
    training = Alternation(alternating, schedule, 0.0, 0.0, "float32")
    plain = session_of(clouds[0])
    plain.network.load_state_dict(alternating.network.state_dict())
    training.run()

    def loss(numbers: torch.Tensor) -> dict[str, torch.Tensor]:
        batch = plain.rows[numbers]
        return {TOTAL: torch.nn.functional.mse_loss(plain.network(batch)[1], batch)}

    seed = plain.seed()
    train(
        loss,
        list(plain.network.parameters()),
        len(plain.rows),
        schedule,
        Phase(CLUSTERING),
        plain.progress,
        seed=seed,
    )
    for name, weight in plain.network.state_dict().items():
        torch.testing.assert_close(alternating.network.state_dict()[name], weight)


def test_a_centre_without_images_is_revived(
    clouds: tuple[NDArray[np.float32], NDArray[np.int64]],
) -> None:
    session = session_of(clouds[0])
    session.centres[3] = 1e6
    training = Alternation(session, Schedule(3, 64), 0.1, 0.0, "float32")
    trained = training.run()
    assert "revived" in " ".join(session.notes)
    assert float(trained.centres.abs().max()) < 1e3
