"""Plain matrices from weights that a model returns as bands or blocks, or with keys that are not tokens of the text.

Each function takes what `output_attentions` returned for one layer, and the number of tokens. It returns the weights
`[batch, head, query, key]`, and the mass `[batch, head, query]` that went to no token of the text, or None.
"""

from collections.abc import Callable

import torch

Matrix = tuple[torch.Tensor, torch.Tensor | None]


def band(weights: torch.Tensor, tokens: int, seen_by_all: torch.Tensor | None, all_seen: torch.Tensor | None) -> Matrix:
    """Longformer and LED: `weights` is `[batch, head, query, global + 2 · window + 1]`, a band around the diagonal.

    Global tokens, where `seen_by_all` `[batch, key]` is True, look at all tokens and are seen by all: their columns
    stand before the band, and `all_seen` `[batch, head, key, global]` holds their rows. Source: Beltagy et al. 2020.
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
    """LongT5: `[batch, block, head, query in block, 3 · width + global]`; keys of the previous, own and next block.

    The global keys are summaries of blocks (transient global attention), not tokens. Source: Guo et al. 2022.
    """
    batch, n_blocks, n_heads, width, n_keys = weights.shape
    A = weights.new_zeros(batch, n_heads, n_blocks * width, (n_blocks + 2) * width)
    for block in range(n_blocks):
        rows = slice(block * width, (block + 1) * width)
        A[:, :, rows, block * width : (block + 3) * width] = weights[:, block, :, :, : 3 * width]
    rest = weights[..., 3 * width :].sum(-1).transpose(1, 2).flatten(2)[..., :tokens] if n_keys > 3 * width else None
    return A[:, :, :tokens, width : width + tokens], rest


def blocks_and_global(weights: dict[str, torch.Tensor], tokens: int) -> Matrix:
    """PEGASUS-X: `[batch, head, block, query in block, global + width]`; every other layer shifts the blocks.

    The global keys belong to the model, not to the text. Source: Phang et al. 2022.
    """
    local = weights["local"]
    n_blocks, width = local.shape[2:4]
    n_global = local.shape[-1] - width
    heads = local[..., n_global:].flatten(0, 1)
    A = torch.stack([torch.block_diag(*head) for head in heads])  # type: ignore[no-untyped-call]
    A = A.view(*local.shape[:2], *A.shape[1:])
    rest = local[..., :n_global].sum(-1).flatten(2)
    shift = (n_blocks - -(-tokens // width)) * width // 2
    inside = slice(shift, shift + tokens)
    return A[:, :, inside, inside], rest[..., inside]


def before_summaries(weights: torch.Tensor, tokens: int) -> Matrix:
    """DeepSeek V4: after the keys of the text come summaries of several keys each, and a sink also takes a share."""
    A = weights[..., :tokens]
    return A, 1 - A.sum(-1)


def shared(weights: torch.Tensor, _tokens: int) -> Matrix:
    """`weights` are a part of a larger softmax.

    The softmax of T5Gemma 2 is over the decoder's and the encoder's keys, that of CPM-Ant also over learned prompts.
    """
    return weights, 1 - weights.sum(-1)


def random_blocks(weights: torch.Tensor, tokens: int, width: int) -> Matrix:
    """BigBird in blocks of `width` tokens: the mass that a row lacks went to the first block.

    In evaluation mode every random block is the first block, which each row also sees as a global block. The softmax is
    over both, but the output holds only one. The text is padded to whole blocks. Source: Zaheer et al. 2020.
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
"""The function for each model type and output field whose weights are not plain matrices."""
