"""A decoder of two layers that are attention alone, trained until it repeats what it has read: it needs induction."""

from functools import cache

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from attnviz.probes import retrieval

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
WORDS = 124
STEPS, BATCH, LONGEST = 400, 32, 24


def tokenizer() -> PreTrainedTokenizerFast:
    """A token for each word: those of the sentences that `--probe retrieval` hides, and others without a meaning."""
    hidden = [*retrieval.WHO, *retrieval.WHAT, *retrieval.WHERE, *retrieval.CITY, "hid a under the in ."]
    words = [*dict.fromkeys(" ".join(hidden).split())]
    words += filler()[: WORDS - len(words)]
    known = {word: number for number, word in enumerate([*SPECIAL, *words])}
    whole = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    whole.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=whole, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def filler() -> list[str]:
    """Words that no hidden sentence has."""
    return [f"word{number}" for number in range(WORDS)]


class _Nothing(nn.Module):
    """In place of an MLP: adds nothing to what the attention wrote."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(states)


@cache
def trained() -> LlamaForCausalLM:
    """The model, after `STEPS` steps on random tokens that are read twice; always the same one.

    How many tokens are repeated differs from step to step, so that no head can find them by their distance alone.
    """
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(SPECIAL) + WORDS,
            hidden_size=64,
            intermediate_size=8,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=32,
            max_position_embeddings=64,
            bos_token_id=1,
            eos_token_id=2,
        )
    )
    for layer in model.model.layers:
        layer.mlp = _Nothing()
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0)
    for step in range(STEPS):
        length = int(torch.randint(LONGEST // 3, LONGEST + 1, (), generator=random))
        half = torch.randint(len(SPECIAL), len(SPECIAL) + WORDS, (BATCH, length), generator=random)
        ids = torch.cat([half, half], 1)
        logits = model(ids, use_cache=False).logits[:, length - 1 : -1]  # of the rows that write the second half
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), half.flatten())
        optimizer.param_groups[0]["lr"] = 3e-3 * min(1, (step + 1) / 30, (STEPS - step) / (STEPS * 0.3))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()
