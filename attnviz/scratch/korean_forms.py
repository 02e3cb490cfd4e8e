"""The forms of a Korean predicate, by whether it is a verb of action or of state."""

from functools import cache

from attnviz.scratch import korean


@cache
def form_of(lemma: str, ending: str, is_action: bool) -> str:
    """A form, where 있다, 없다 and verbs of state have endings of their own."""
    exists = lemma.endswith(("있다", "없다", "계시다")) and lemma not in ("맛있다", "재미있다", "멋있다")
    ends_in_exists = lemma.endswith(("있다", "없다"))
    if ending == "는다" and not is_action:
        ending = "다"
    if ending == "는다고" and not is_action:
        ending = "다고"
    if ending == "ㄴ" and ends_in_exists:
        ending = "는"
    if ending == "는" and not is_action and not exists and not ends_in_exists:
        ending = "ㄴ"
    if lemma == "아니다" and ending in ("어요", "어서", "다고"):
        return {"어요": "아니에요", "어서": "아니라서", "다고": "아니라고"}[ending]
    return korean.verb_form(lemma, ending)
