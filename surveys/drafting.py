"""Changes of a draft: each takes the JSON of a definition and gives back another."""

from copy import deepcopy
from typing import Any

from surveys.definition import Json

Draft = dict[str, Any]


def with_settings(draft: Json, settings: Json) -> Draft:
    """The draft with these texts and rules instead of its own."""
    return {**deepcopy(dict(draft)), **settings}


def with_question(draft: Json, question: Json, *, page: int, instead_of: str | None = None) -> Draft:
    """The draft with a question at the end of a page, counted from 1; or in the place of another question."""
    changed = deepcopy(dict(draft))
    for questions in _pages(changed):
        for place, present in enumerate(questions):
            if present["key"] == instead_of:
                questions[place] = dict(question)
                return changed
    _pages(changed)[page - 1].append(dict(question))
    return changed


def without_question(draft: Json, key: str) -> Draft:
    changed = deepcopy(dict(draft))
    for page in changed["pages"]:
        page["questions"] = [question for question in page["questions"] if question["key"] != key]
    return changed


def with_question_moved(draft: Json, key: str, *, down: bool) -> Draft:
    """The draft with a question one place further up or down; at the edge of a page it goes to the next page."""
    changed = deepcopy(dict(draft))
    pages = _pages(changed)
    number, place = next(
        (number, place)
        for number, questions in enumerate(pages)
        for place, question in enumerate(questions)
        if question["key"] == key
    )
    question = pages[number].pop(place)
    if down and place == len(pages[number]):
        _put(pages, number + 1, 0, question, otherwise=(number, place))
    elif not down and place == 0:
        _put(pages, number - 1, None, question, otherwise=(number, place))
    else:
        pages[number].insert(place + 1 if down else place - 1, question)
    return changed


def with_page(draft: Json) -> Draft:
    changed = deepcopy(dict(draft))
    changed["pages"].append({"questions": []})
    return changed


def without_page(draft: Json, number: int) -> Draft:
    """The draft without a page; one with questions stays, and so does the last."""
    changed = deepcopy(dict(draft))
    if len(changed["pages"]) > 1 and not changed["pages"][number - 1]["questions"]:
        del changed["pages"][number - 1]
    return changed


def with_page_title(draft: Json, number: int, title: Json) -> Draft:
    changed = deepcopy(dict(draft))
    changed["pages"][number - 1]["title"] = dict(title)
    return changed


def question_of(draft: Json, key: str) -> Draft | None:
    """A copy of a question's JSON."""
    found = (question for questions in _pages(draft) for question in questions if question["key"] == key)
    return deepcopy(next(found, None))


def _pages(draft: Json) -> list[list[Draft]]:
    return [page["questions"] for page in draft["pages"]]


def _put(
    pages: list[list[Draft]], number: int, place: int | None, question: Draft, *, otherwise: tuple[int, int]
) -> None:
    """Put a question on a page, at its end without a place; back where it was if there is no such page."""
    if not 0 <= number < len(pages):
        number, place = otherwise
    pages[number].insert(len(pages[number]) if place is None else place, question)
