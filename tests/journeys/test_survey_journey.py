"""A whole questionnaire on a phone, with the keyboard alone and without a script, in both languages."""

import pytest
from playwright.sync_api import Page, expect

from parking_share import clock
from surveys.models import Response, Standing
from surveys.storing import answers_of, question_ids
from tests.journeys.steps import tab_to
from tests.survey_rows import make_questionnaire, make_wave

WORDS = {"en": ("Parking at home", "Page 2 of 3", "Thanks."), "zh-hans": ("中Parking at home", None, "中Thanks.")}


def press(page: Page, selector: str, key: str = "Space") -> None:
    """Reach an element with the Tab key and press a key on it; a group of radio buttons is one stop."""
    tab_to(page, selector)
    page.keyboard.press(key)


def choose(page: Page, name: str, *, number: int) -> None:
    """Choose the radio button at this place, from 1: the first by Tab and Space, others by the arrow keys."""
    press(page, f"[name={name}]")
    for _ in range(number - 1):
        page.keyboard.press("ArrowDown")


def sticks_out(page: Page) -> int:
    """Works without scripts on the page: the browser's own measure of its boxes."""
    boxes = page.locator("main *").evaluate_all("all => Math.max(...all.map(one => one.getBoundingClientRect().right))")
    return max(int(boxes) - 360, 0)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_questionnaire_is_answered_by_keyboard_without_scripts(visit, language):
    wave = make_wave(make_questionnaire(slug="homes"), now=clock.now())
    visitor = visit(language=language, width=360, java_script_enabled=False)
    page, (title, progress, thanks) = visitor.page, WORDS[language]
    visitor.go("/s/homes")
    expect(page.locator("h1")).to_have_text(title)

    press(page, "[name=consent]")
    press(page, "main form button", "Enter")
    page.wait_for_url("**/s/homes/1")
    assert sticks_out(page) == 0
    press(page, "button[value=on]", "Enter")
    expect(page.locator(".question__fault")).to_have_count(2)
    choose(page, "bay", number=2)
    choose(page, "share", number=1)
    press(page, "button[value=on]", "Enter")
    page.wait_for_url("**/s/homes/2")
    if progress:
        expect(page.locator(".survey__progress")).to_contain_text(progress)
    press(page, "[name=hours][value=noon]")
    press(page, "[name=worries][value=payment]")
    assert sticks_out(page) == 0
    press(page, "button[value=on]", "Enter")
    page.wait_for_url("**/s/homes/3")
    choose(page, "ease", number=4)
    tab_to(page, "[name=fee]")
    page.keyboard.type("8")
    tab_to(page, "[name=remarks]")
    page.keyboard.type("门口太窄")
    press(page, "button[value=on]", "Enter")

    expect(page.locator("main")).to_contain_text(thanks)
    response = Response.objects.get(wave=wave)
    assert (response.standing, response.language) in {(Standing.VALID, language), (Standing.INVALID, language)}
    assert set(response.reasons) <= {"TOO_FAST"}
    assert answers_of([response], ids=question_ids(wave.version))[response.pk] == {
        "bay": (2,), "share": (1,), "hours": (2,), "worries": (2,), "ease": (4,), "fee": 8.0, "remarks": "门口太窄"
    }  # fmt: skip
