"""What `attnviz explain` says, in English and in Korean: for each stage of a step a title and a sentence.

A word of the text stands in quotation marks and without a particle, since Korean particles depend on its last sound.
"""

from typing import Literal

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

TEXTS: dict[str, tuple[str, str]] = {
    "vectors": ("Words are vectors", "단어는 벡터입니다"),
    "embedded": (
        "“{word}” is a vector of {d} numbers: what the word means, and where it stands.",
        "‘{word}’: 숫자 {d}개로 된 벡터입니다. 단어의 뜻과 단어의 자리를 더한 것입니다.",
    ),
    "made": (
        "“{word}” is a vector of {d} numbers: what the layers below have made of the word, and of what it has read.",
        "‘{word}’: 숫자 {d}개로 된 벡터입니다. 아래층들이 이 단어와 이 단어가 읽은 것으로 만들었습니다.",
    ),
    "unread": (
        "This model does not show what the query is made from.",
        "이 모델은 질의가 무엇으로 만들어지는지 보여 주지 않습니다.",
    ),
    "projected": ("A query and keys", "질의와 키"),
    "asks": (
        "The word that looks makes a query, what it looks for. Every word that it may look at makes a key, what it"
        " offers.",
        "보는 단어는 무엇을 찾는지 나타내는 질의(query)를 만들고, 보이는 단어는 무엇을 내놓는지 나타내는 키(key)를"
        " 만듭니다.",
    ),
    "rotated": (
        "Both are turned by their positions, so that their product depends on how far apart the words are.",
        "둘 다 자리에 따라 회전하므로, 둘의 곱은 단어 사이의 거리에 따라 달라집니다.",
    ),
    "grouped": ("Heads {heads} share these keys and values.", "헤드 {heads}: 이 키와 값을 함께 씁니다."),
    "dots": ("Multiply them", "곱해서 더하기"),
    "multiplied": (
        "Number by number, the query times a key, added up: large where both point the same way. Of “{key}”, dimensions"
        " {dims} add the most.",
        "질의와 키를 자리마다 곱해서 모두 더합니다. 같은 쪽을 가리킬수록 큽니다. ‘{key}’에서는 {dims}번 차원이 가장"
        " 많이 더합니다.",
    ),
    "scaled": ("Scale", "크기 맞추기"),
    "by_root": (
        "Divide by √{d_k} = {root}: long vectors have large products, and softmax would give all to one word.",
        "√{d_k} = {root} 값으로 나눕니다. 벡터가 길면 곱이 커져서 소프트맥스가 한 단어에만 모두 주게 됩니다.",
    ),
    "by_other": (
        "This model multiplies by {scale} here, where 1/√{d_k} is {usual}.",
        "이 모델은 여기에서 {scale} 값을 곱합니다. 1/√{d_k} 값은 {usual}입니다.",
    ),
    "capped": (
        "Then it is capped, so that none is beyond ±{cap}: {cap} · tanh(s / {cap}).",
        "그다음 ±{cap} 밖으로 나가지 않게 합니다: {cap} · tanh(s / {cap}).",
    ),
    "masked": ("Add and hide", "더하기와 가리기"),
    "later": (
        "What comes later is hidden: its score becomes −∞, for a word must not see what is still to be written.",
        "뒤에 오는 단어는 가립니다. 아직 쓰지 않은 것을 보면 안 되므로 점수를 −∞로 바꿉니다.",
    ),
    "window": (
        "Words outside of the window are hidden: their scores become −∞.",
        "창 밖에 있는 단어는 가립니다. 점수를 −∞로 바꿉니다.",
    ),
    "nothing": (
        "Nothing is hidden: every word of the {keys} may be looked at.",
        "가리는 것이 없습니다. {keys}의 모든 단어를 볼 수 있습니다.",
    ),
    "relative position bias": (
        "A learned number for each distance is added (relative position bias).",
        "거리마다 배운 숫자를 더합니다(상대 위치 편향).",
    ),
    "bias": ("The model adds a number of its own to each score.", "모델이 점수마다 자기 숫자를 더합니다."),
    "softmax": ("Softmax", "소프트맥스"),
    "shared": (
        "e to the power of each score, divided by the sum of all: weights from 0 to 1 that add up to {sum}. “{top}”"
        " gets {weight}; if all got the same, it would be {uniform}.",
        "점수마다 e의 거듭제곱을 구해 모두의 합으로 나눕니다. 0에서 1까지의 가중치가 되고, 더하면 {sum}입니다."
        " ‘{top}’: {weight}. 모두 똑같이 받는다면 {uniform}입니다.",
    ),
    "sink": ("A learned sink takes {sink}.", "학습된 싱크가 {sink}만큼 가져갑니다."),
    "values": ("Read the values", "값 읽기"),
    "mixed": (
        "Every word also makes a value, what it says. The head reads their sum, each times its weight.",
        "단어마다 무엇을 말하는지 나타내는 값(value)도 만듭니다. 헤드는 값에 가중치를 곱해서 모두 더한 것을 읽습니다.",
    ),
    "output": ("What the head adds", "헤드가 더하는 것"),
    "adds": (
        "The head's part of W_O turns the {d_v} numbers into {d}, which are added to the vector of the word. They are"
        " {length} long, {rank} of the {heads} heads that are here.",
        "W_O에서 이 헤드의 몫이 숫자 {d_v}개를 {d}개로 바꾸고, 이것을 단어의 벡터에 더합니다. 길이는 {length}입니다"
        " (여기 헤드 {heads}개 가운데 {rank}).",
    ),
    "unadded": ("This model does not show what a head adds.", "이 모델은 헤드가 더하는 것을 보여 주지 않습니다."),
    "longest": ("the longest", "가장 깁니다"),
    "place": ("number {n} by length", "긴 순서로 {n}번째"),
    "others": ("and {count} others, together {weight}", "그리고 나머지 {count}개, 합쳐서 {weight}"),
    "query": ("query", "질의"),
    "source": ("source", "원문"),
    "text": ("text", "글"),
    "heads": (
        "All heads of the layer read the same vectors, and each makes its own query, keys and values: so each can look"
        " elsewhere. Here {count} of {heads} look most at “{top}”.",
        "이 층의 모든 헤드는 같은 벡터를 읽지만, 저마다 자기 질의와 키와 값을 만듭니다. 그래서 서로 다른 곳을 볼 수"
        " 있습니다. 여기에서는 헤드 {heads}개 가운데 {count}개가 ‘{top}’ 단어를 가장 많이 봅니다.",
    ),
    "every head": ("All heads of layer {layer}", "{layer}층의 모든 헤드"),
    "mean": ("mean", "평균"),
    "self": (
        "Self-attention: queries and keys come from the same text, and every word may look at every word.",
        "셀프 어텐션: 질의와 키가 같은 글에서 나오고, 모든 단어가 모든 단어를 볼 수 있습니다.",
    ),
    "masked-self": (
        "Masked self-attention: queries and keys come from the same text, and no word may look at a later one, for it"
        " is still to be written.",
        "마스크드 셀프 어텐션: 질의와 키가 같은 글에서 나오지만, 아직 쓰지 않은 뒤의 단어는 볼 수 없습니다.",
    ),
    "cross": (
        "Cross-attention: queries come from what is written, keys and values from the text that is translated, all of"
        " which may be seen.",
        "크로스 어텐션: 질의는 쓰고 있는 글에서, 키와 값은 번역하는 글에서 나옵니다. 번역하는 글은 모두 볼 수"
        " 있습니다.",
    ),
}
"""By key: English, Korean. The names of terms and of kinds are those that the trace has."""


def say(key: str, language: Language, /, **values: object) -> str:
    """A text in a language, with its values. Raises KeyError for a key or a value that is not there."""
    return TEXTS[key][LANGUAGES.index(language)].format(**values)
