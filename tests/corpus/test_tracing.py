"""Many texts are traced, several at a time."""

from handmade_traces import labelled

from attnviz.corpus.tracing import trace_each
from attnviz.errors import InputError


def test_a_text_that_fails_does_not_stop_the_others():
    texts, asked = ["one", "two", "", "four"] * 10, []

    def trace_all(some):
        asked.append(len(some))
        for text in some:
            if not text:
                raise InputError("the text is empty")
            yield labelled([text])

    found = list(trace_each(texts, trace_all))
    assert [text for text, _ in found] == texts
    assert [trace.message if isinstance(trace, InputError) else trace.text for _, trace in found] == [
        text or "the text is empty" for text in texts
    ]
    assert max(asked) == 16
    assert asked[0] == 16


def test_texts_that_do_not_fail_run_together():
    asked: list[int] = []

    def trace_all(some):
        asked.append(len(some))
        return (labelled([text]) for text in some)

    assert [trace.text for _, trace in trace_each(["one"] * 33, trace_all)] == ["one"] * 33
    assert asked == [16, 16, 1]


def test_no_text_is_read_before_it_is_needed():
    read: list[int] = []
    texts = (read.append(number) or str(number) for number in range(100))
    next(trace_each(texts, lambda some: (labelled([text]) for text in some)))
    assert len(read) == 16
