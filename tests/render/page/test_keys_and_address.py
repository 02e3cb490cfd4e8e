"""The keyboard and the address: no key is lost, and a link shows the same again."""

import pytest
from page_browser import opened


def test_a_choice_by_keyboard_leaves_the_keyboard_where_it_was(browser, file):
    with opened(browser, file, "kind=self") as shown:
        shown.page.focus('[data-key="scale"]')
        shown.page.keyboard.press("ArrowDown")
        shown.settle()
        assert shown.page.evaluate("document.activeElement.dataset.key") == "scale"
        assert "(log)" in shown.text("#scale")


def test_the_keys_are_listed_and_the_kinds_have_numbers(browser, file):
    with opened(browser, file) as shown:
        shown.page.keyboard.press("?")
        assert "1–9" in shown.text("#keys")
        shown.page.keyboard.press("Escape")
        shown.page.wait_for_selector("#keys", state="hidden")
        shown.page.keyboard.press("3")
        shown.settle()
        assert shown.address().startswith("#kind=cross")


def test_a_key_that_comes_before_the_next_picture_is_not_lost(browser, file):
    """Keys are sent within one task, so that the browser draws nothing between them."""
    press = """keys => keys.forEach(key =>
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })))"""
    with opened(browser, file, "kind=self&head=L0H0") as shown:
        shown.page.evaluate(press, ["?"])
        shown.page.evaluate(f"() => {{ document.getElementById('keys').close(); ({press})(['3']); }}")
        shown.settle()
        assert shown.address().startswith("#kind=cross")
        shown.page.evaluate(press, ["Escape", "ArrowDown"])
        shown.settle()
        assert shown.address() == "#kind=self&head=L1H0"
        shown.page.evaluate(press, ["Escape", "Escape", "l"])
        shown.settle()
        assert shown.address() == "#kind=self&head=L1H1&view=lines"


def test_back_and_forward_of_the_browser_show_each_state_again(browser, file):
    with opened(browser, file, "kind=self&head=L0H0") as shown:
        for key in ("l", "ArrowDown", "Escape"):
            shown.page.keyboard.press(key)
        assert shown.address() == "#kind=self&head=L0H0&view=lines"
        shown.page.evaluate("history.go(-1)")
        shown.page.wait_for_selector('#head-name:text-is("L1H0")')
        shown.page.evaluate("history.go(-2)")
        shown.page.wait_for_selector("#matrix")
        assert shown.address() == "#kind=self&head=L0H0"
        shown.page.evaluate("history.go(2)")
        shown.page.wait_for_selector('#head-name:text-is("L1H0")')
        shown.page.keyboard.press("Escape")
        assert shown.address() == "#kind=self&head=L0H0&view=lines"


def test_the_address_holds_the_state_and_a_link_to_it_shows_the_same(browser, file):
    state = "kind=self&head=L1H1&view=text&direction=to&scale=log&theme=dark&lang=ko&focus=1%2C3"
    with opened(browser, file, state) as shown:
        before = shown.text("#readout")
        shown.page.keyboard.press("m")
        shown.page.keyboard.press("t")
        shown.settle()
        assert shown.address() == f"#{state}"
        assert shown.text("#readout") == before


@pytest.mark.parametrize(
    "state",
    ["kind=none&head=L9H9", "head=%3Cimg%3E&focus=99999,x&zoom=9,1,3,2&cursor=77,88", "mass=-1&sort=__proto__", "%"],
)
def test_an_address_that_means_nothing_is_no_fault(browser, file, state):
    with opened(browser, file, state) as shown:
        assert shown.text("#head-name") == "L1H1"
        assert shown.errors == []
