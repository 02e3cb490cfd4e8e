"""Muon, the optimizer of the layers' matrices: momentum whose directions are all made equally long. Read with train.py.

Jordan et al. 2024 (Muon: An optimizer for hidden layers in neural networks); the scale of a step is that of Liu et al.
2025 (Muon is Scalable for LLM Training), so that one learning rate serves these matrices and what AdamW trains.
torch.optim.Muon computes in bfloat16, which took ten times as long on a CPU.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 3  # with five a step took a seventh longer, and learned no more for it


class Muon(torch.optim.Optimizer):
    """Train matrices. `momentum` is the share of the mean of gradients that a step keeps."""

    def __init__(self, matrices: Iterable[torch.Tensor], momentum: float = 0.95, weight_decay: float = 0.01) -> None:
        super().__init__(matrices, {"lr": 0.0, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Make one step; matrices of one shape are orthogonalized together."""
        for group in self.param_groups:
            for shape, of_shape in groupby(sorted(group["params"], key=_shape), key=_shape):
                matrices = list(of_shape)
                ahead = torch.stack([self._looked_ahead(W, group["momentum"]) for W in matrices])
                scale = group["lr"] * 0.2 * max(shape) ** 0.5
                for W, direction in zip(matrices, orthogonalized(ahead), strict=True):
                    # W ← (1 − lr · decay) W − lr · 0.2 √max(rows, columns) · O
                    W.mul_(1 - group["lr"] * group["weight_decay"]).sub_(scale * direction)

    def _looked_ahead(self, W: torch.Tensor, momentum: float) -> torch.Tensor:
        """M ← μ M + (1 − μ) G, and the gradient one step ahead, μ M + (1 − μ) G (Nesterov)."""
        assert W.grad is not None
        M = self.state[W].setdefault("momentum", torch.zeros_like(W))
        M.lerp_(W.grad, 1 - momentum)
        return W.grad.lerp(M, momentum)


def orthogonalized(G: torch.Tensor) -> torch.Tensor:
    """About U Vᵀ of each G = U S Vᵀ: every singular value becomes about 1. `[…, rows, columns]`.

    By Newton and Schulz: X₀ = G / ‖G‖, X ← a X + (b X Xᵀ + c (X Xᵀ)²) X.
    """
    if G.shape[-2] > G.shape[-1]:
        return orthogonalized(G.mT).mT  # of a tall matrix: of its transpose
    a, b, c = COEFFICIENTS
    X: torch.Tensor = G / (torch.linalg.matrix_norm(G)[..., None, None] + 1e-7)
    for _ in range(ITERATIONS):
        A = X @ X.mT  # […, rows, rows]
        X = a * X + (b * A + c * A @ A) @ X
    return X


def _shape(W: torch.Tensor) -> tuple[int, ...]:
    return tuple(W.shape)
