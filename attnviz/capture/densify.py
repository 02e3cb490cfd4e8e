"""Weights that a model hands out folded, as bands or blocks, or among more than the text's own tokens: as a matrix.

Each function takes what `output_attentions` gave for one layer, and the number of tokens. It gives the weights,
`[batch, head, query, key]`, and the mass `[batch, head, query]` that went to what is no token of the text, or None.
"""

from collections.abc import Callable

import torch

Matrix = tuple[torch.Tensor, torch.Tensor | None]


def band(weights: torch.Tensor, tokens: int, seen_by_all: torch.Tensor | None, all_seen: torch.Tensor | None) -> Matrix:
    """Longformer and LED: `weights` `[batch, head, query, global + 2 · window + 1]`, the band from window to window.

    Tokens where `seen_by_all` `[batch, key]` is true look at all and are seen by all: their share stands before the
    band, and `all_seen` `[batch, head, key, global]` holds their own rows. Source: Beltagy et al. 2020.
    """
    n_global = 0 if all_seen is None else all_seen.shape[-1]
    side = (weights.shape[-1] - n_global) // 2
    A = weights.new_zeros(*weights.shape[:2], tokens, tokens + 2 * side)
    position = torch.arange(tokens, device=weights.device)[:, None] + torch.arange(2 * side + 1, device=weights.device)
    A.scatter_(-1, position.expand(*A.shape[:2], -1, -1), weights[:, :, :tokens, n_global:])
    A = A[..., side : side + tokens]
    if seen_by_all is not None and all_seen is not None:
        for text, chosen in enumerate(seen_by_all):
            numbers = chosen.nonzero()[:, 0]
            A[text][:, :, numbers] += weights[text, :, :tokens, : len(numbers)]
            A[text][:, numbers] = all_seen[text, :, :tokens, : len(numbers)].transpose(-1, -2)
    return A, None


def blocks_of_three(weights: torch.Tensor, tokens: int) -> Matrix:
    """LongT5: `[batch, block, head, query of it, 3 · width + global]`, keys of the block before, its own, the next.

    What summaries of blocks take, with transient global attention, is no token's. Source: Guo et al. 2022.
    """
    batch, n_blocks, n_heads, width, n_keys = weights.shape
    A = weights.new_zeros(batch, n_heads, n_blocks * width, (n_blocks + 2) * width)
    for block in range(n_blocks):
        rows = slice(block * width, (block + 1) * width)
        A[:, :, rows, block * width : (block + 3) * width] = weights[:, block, :, :, : 3 * width]
    taken = weights[..., 3 * width :].sum(-1).transpose(1, 2).flatten(2)[..., :tokens] if n_keys > 3 * width else None
    return A[:, :, :tokens, width : width + tokens], taken


def blocks_and_global(weights: dict[str, torch.Tensor], tokens: int) -> Matrix:
    """PEGASUS-X: `[batch, head, block, query of it, global + width]`, the text's begin shifted in every other layer.

    The global tokens are the model's own and none of the text's. Source: Phang et al. 2022.
    """
    local = weights["local"]
    n_blocks, width = local.shape[2:4]
    n_global = local.shape[-1] - width
    heads = local[..., n_global:].flatten(0, 1)
    A = torch.stack([torch.block_diag(*head) for head in heads])  # type: ignore[no-untyped-call]
    A = A.view(*local.shape[:2], *A.shape[1:])
    taken = local[..., :n_global].sum(-1).flatten(2)
    shift = (n_blocks - -(-tokens // width)) * width // 2
    inside = slice(shift, shift + tokens)
    return A[:, :, inside, inside], taken[..., inside]


def before_summaries(weights: torch.Tensor, tokens: int) -> Matrix:
    """DeepSeek V4: after the text's keys stand summaries of several of them each, and a sink takes its share too."""
    A = weights[..., :tokens]
    return A, 1 - A.sum(-1)


def shared(weights: torch.Tensor, _tokens: int) -> Matrix:
    """`weights` are a part of one softmax.

    T5Gemma 2's is over the decoder's keys and the encoder's, CPM-Ant's over learned prompts too.
    """
    return weights, 1 - weights.sum(-1)


def random_blocks(weights: torch.Tensor, tokens: int, width: int) -> Matrix:
    """BigBird in blocks of `width` tokens: what a row lacks is its first block's.

    In evaluation every random block is the first, which each row sees as a global block already: the softmax is over
    both, the output holds one. The text is padded to whole blocks. Source: Zaheer et al. 2020.
    """
    A = weights[:, :, :tokens, :tokens].clone()
    first = A[..., :width]
    A[..., :width] += first / first.sum(-1, keepdim=True).clamp(min=1e-30) * (1 - A.sum(-1, keepdim=True))
    return A, None


BY_FIELD: dict[tuple[str, str], Callable[..., Matrix]] = {
    ("longformer", "attentions"): band,
    ("led", "encoder_attentions"): band,
    ("longt5", "encoder_attentions"): blocks_of_three,
    ("longt5", "attentions"): blocks_of_three,
    ("pegasus_x", "encoder_attentions"): blocks_and_global,
    ("big_bird", "attentions"): random_blocks,
    ("bigbird_pegasus", "encoder_attentions"): random_blocks,
    ("cpmant", "attentions"): shared,
    ("deepseek_v4", "attentions"): before_summaries,
    ("t5gemma2", "decoder_attentions"): shared,
    ("t5gemma2", "cross_attentions"): shared,
}
"""By model type and by the output that holds them: the forms that are not plain matrices."""
