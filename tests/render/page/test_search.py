"""The search for a word or a pair."""

import pytest
from page_browser import opened


@pytest.mark.parametrize(
    ("asked", "says"),
    [("ate", "ate looks at: apple 0.96"), ("ate → apple", "ate → apple: 0.96"), ("APP", "apple looks at: ate 0.799")],
)
def test_a_word_or_a_pair_is_found(browser, file, asked, says):
    with opened(browser, file, "kind=self&head=L1H1") as shown:
        shown.page.keyboard.press("/")
        shown.page.keyboard.type(asked)
        shown.page.keyboard.press("Enter")
        shown.settle()
        assert says in shown.text("#readout")


def test_a_word_that_is_not_there_is_said_to_be_missing(browser, file):
    with opened(browser, file) as shown:
        shown.page.fill("#search", "<b>pear</b>")
        shown.page.press("#search", "Enter")
        shown.settle()
        assert shown.text("#readout") == "nothing is called <b>pear</b>"
