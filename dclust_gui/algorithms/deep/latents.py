"""What ClusterGAN draws its images from, and how they are read back.

    z = (z_n, z_c),  z_n ~ 0.1 N(0, I),  z_c one-hot of a cluster drawn by pi
    E(x) = (z^_n, logits):  cycle = beta_n |z_n - z^_n|^2 + beta_c CE(z_c, logits)

Source:
    Mukherjee, Asnani, Lin, Kannan, "ClusterGAN: latent space clustering in generative adversarial
    networks", AAAI 2019, sections 3.1 to 3.3. The prior pi is ours: the paper's is uniform.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

NOISE_SCALE = 0.1
"""Small beside the one-hot part, so that clusters do not overlap."""
LEAST_SHARE = 0.1
"""Least prior of a cluster, as a share of the uniform one: one that is never drawn is lost."""


@dataclass(frozen=True, slots=True, eq=False)
class Latents:
    """Points of the latent space, for several networks at once.

    Attributes:
        noise: float32 (n_networks, n, n_noise), z_n.
        codes: int64 (n_networks, n), the cluster of each.
        points: float32 (n_networks, n, n_noise + n_clusters), z.
    """

    noise: Tensor
    codes: Tensor
    points: Tensor


def draw_latents(
    prior: Tensor, n: int, n_noise: int, generator: torch.Generator, *, codes: Tensor | None = None
) -> Latents:
    """Points of the latent space.

    Args:
        prior: float32 (n_networks, n_clusters), pi of each network.
        n: Points of each network.
        n_noise: Width of z_n.
        generator: On the prior's device.
        codes: int64 (n_networks, n) clusters in place of drawn ones.
    """
    if codes is None:
        codes = torch.multinomial(prior, n, replacement=True, generator=generator)
    noise = torch.empty(len(prior), n, n_noise, device=prior.device)
    noise.normal_(0.0, NOISE_SCALE, generator=generator)
    one_hot = functional.one_hot(codes, prior.shape[1]).to(noise.dtype)
    return Latents(noise, codes, torch.cat([noise, one_hot], 2))


def cycle_losses(read: Tensor, noise: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """How far what is read from generated rows is from what they were made of.

    Args:
        read: (n_networks, n, n_noise + n_clusters), E(G(z)): noise, then logits.
        noise: (n_networks, n, n_noise), z_n.
        codes: int64 (n_networks, n), the clusters of z_c.

    Returns:
        By network (n_networks,): mean |z_n - z^_n|^2, and mean cross entropy of the clusters.
    """
    n_noise = noise.shape[2]
    error = (read[..., :n_noise] - noise).square().sum(2).mean(1)
    logs = functional.log_softmax(read[..., n_noise:], 2)
    return error, -logs.gather(2, codes[..., None])[..., 0].mean(1)


def latent_of(read: Tensor, n_noise: int) -> Tensor:
    """(..., n_noise + n_clusters): z^_n and the probabilities of the clusters, as z is made."""
    return torch.cat([read[..., :n_noise], read[..., n_noise:].softmax(-1)], -1)


def damped_prior(prior: Tensor, shares: Tensor, damping: float) -> Tensor:
    """The prior moved towards the clusters' shares among the images.

    Args:
        prior: (..., n_clusters), rows sum to 1.
        shares: Likewise, mean probabilities of the clusters over the images.
        damping: How much of the prior stays, 0 to 1.

    Returns:
        (..., n_clusters), rows sum to 1, none below a tenth of 1 / n_clusters.
    """
    least = LEAST_SHARE / prior.shape[-1]
    moved = (damping * prior + (1.0 - damping) * shares).clamp(min=least)
    return moved / moved.sum(-1, keepdim=True)
