"""A dependency score of a real model against one that is computed again from the file and from transformers."""

from pathlib import Path

import pytest
import torch
import transformers

import attnviz
from attnviz.analysis.pair_score import Relation
from attnviz.corpus import read_corpus
from attnviz.corpus.measures import CorpusMeasures, measure_each

SAMPLE = Path(__file__).parents[2] / "samples" / "simple.conllu"


def hits_of(relation: str, folder: str) -> tuple[dict[tuple[int, int], int], int]:
    """How many heads of words look most at their dependent of `relation`, by layer and head; and of how many.

    Words that transformers' tokenizer splits are put together by their letters: in this file the letters of the tokens
    are those of the words, in order, and no token has letters of two words but for `don't` and the like.
    """
    model = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    hits, pairs = dict.fromkeys([(layer, head) for layer in range(6) for head in range(12)], 0), 0
    for block in SAMPLE.read_text("utf-8").strip().split("\n\n"):
        comments = [line for line in block.split("\n") if line.startswith("# text = ")]
        rows = [line.split("\t") for line in block.split("\n") if not line.startswith("#")]
        rows = [row for row in rows if "-" not in row[0]]
        inputs = tokenizer(comments[0].removeprefix("# text = "), return_tensors="pt")
        pieces = [piece.removeprefix("##") for piece in tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])]
        word_of_letter = [number for number, row in enumerate(rows) for _ in row[1]]
        words: list[set[int]] = [set() for _ in rows]  # the tokens of each word
        letter = 0
        for token, piece in enumerate(pieces):
            if piece in ("[CLS]", "[SEP]"):
                continue
            assert piece == "".join(row[1] for row in rows).lower()[letter : letter + len(piece)]
            for place in range(letter, letter + len(piece)):
                words[word_of_letter[place]].add(token)
            letter += len(piece)
        for first in range(len(words)):  # those that share a token are one
            for second in range(first + 1, len(words)):
                if words[first] & words[second]:
                    words[first] |= words[second]
                    words[second] = words[first]
        distinct = [list(one) for one in {frozenset(one) for one in words}]
        with torch.no_grad():
            attentions = model(**inputs, output_attentions=True).attentions
        for row in rows:
            head_word, dependent = words[int(row[6]) - 1], words[int(row[0]) - 1]
            if row[7] != relation or head_word == dependent:
                continue
            pairs += 1
            others = [one for one in distinct if {*one} not in (head_word, dependent)]
            for layer, head in hits:
                line = attentions[layer][0, head][list(head_word)].double().mean(0)
                own, most = line[list(dependent)].sum(), max(line[one].sum() for one in others)
                hits[layer, head] += bool(own > most)
    return hits, pairs


@pytest.mark.parametrize("relation", ["obj", "advmod"])
def test_the_score_of_a_relation_is_that_of_the_weights_that_transformers_returns(relation, minilm_folder):
    model = attnviz.load(minilm_folder)
    found = measure_each(read_corpus(SAMPLE), lambda some: model.trace_all([one.text for one in some]))
    whole = sum((one.measures for one in found), CorpusMeasures())
    score = whole.scores[Relation("self", relation, is_reversed=True)]
    hits, pairs = hits_of(relation, minilm_folder)
    assert (score.pairs, pairs) == (pairs, score.pairs)
    assert dict(zip(whole.statistics["self"].heads, score.hits.tolist(), strict=True)) == hits
    assert max(hits.values()) > 0
