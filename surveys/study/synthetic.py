"""Forms that have the study's published counts exactly. All beyond these counts is made up, with a fixed seed."""

from collections.abc import Mapping, Sequence

import numpy as np

from surveys.study.published import DRIVERS, DRIVERS_SYSTEMS, OWNERS, OWNERS_SYSTEMS, VALID

SEED = 20_190
INVALID = {OWNERS: 141, DRIVERS: 151}  # 292 in all; the split is ours
Columns = dict[str, list[str]]

# Counts of one answer each; where the study has no number they are ours, and add up.
ONE_ANSWER: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    OWNERS: {
        "bay": {"owned": 389, "rented": 230, "planned": 110},
        "idle_length": {"h4_8": 370, "under_4": 170, "over_8": 139, "none": 50},
        "share": {"yes": 499, "no": 230},
        "share_concern": {"own_use": 300, "strangers": 190, "trouble": 180, "other": 59},
        "use": {"yes": 340, "no": 389},
        "system": OWNERS_SYSTEMS,
    },
    DRIVERS: {
        "frequency": {"daily": 301, "weekly": 268, "rarely": 162, "never": 48},
        "difficulty": {"1": 31, "2": 78, "3": 187, "4": 287, "5": 196},
        "use": {"yes": 449, "no": 330},
        "need_time": {"day_off": 239, "morning": 211, "midday": 121, "evening": 131, "night": 77},
        "system": DRIVERS_SYSTEMS,
    },
}
# How many chose each answer where several were possible.
SEVERAL: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    OWNERS: {
        "share_hours": {"h0830": 340, "h1230": 330, "h1630": 240, "h2030": 150, "h0030": 90},
        "use_concern": {"car_safety": 478, "online_payment": 351, "not_there": 233, "privacy": 206, "overtime": 139},
        "views": {"symmetry": 322, "stability": 301, "privacy": 411, "reliability": 377, "reach": 188, "rules": 263},
    },
    DRIVERS: {
        "usual_lot": {"street": 412, "public": 377, "mall": 298, "compound": 141},
        "use_concern": {"car_safety": 521, "online_payment": 388, "not_there": 261, "privacy": 219, "overtime": 158},
        "views": {"symmetry": 349, "stability": 333, "privacy": 427, "reliability": 401, "reach": 214, "rules": 270},
    },
}
SCALES = {OWNERS: ("trust", "ease", "worth"), DRIVERS: ("find", "trust")}


def forms_of(questionnaire: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table: the valid forms first, then those that the rules must find invalid."""
    generator = np.random.default_rng([SEED, VALID[questionnaire]])
    columns = _columns(questionnaire, VALID[questionnaire], generator)
    if questionnaire == OWNERS:
        _apart(columns["idle_length"], "none", columns["share_hours"], "h0030")
        columns["share_concern_other"] = _other_concerns(columns["share_concern"])
    else:
        _apart(columns["frequency"], "never", columns["need_time"], "morning")
        columns["fee"] = [f"{fee:g}" for fee in generator.choice([3, 4, 5, 6, 8, 10, 12], VALID[questionnaire])]
    header = list(columns)
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    rows += [_spoiled(questionnaire, header, rows[place], place) for place in range(INVALID[questionnaire])]
    return ["reference", *header], [[f"{number:04d}", *row] for number, row in enumerate(rows, 1)]


def _columns(questionnaire: str, people: int, generator: np.random.Generator) -> Columns:
    columns: Columns = {}
    for key, counts in ONE_ANSWER[questionnaire].items():
        answers = [code for code, count in counts.items() for _ in range(count)]
        columns[key] = [str(code) for code in generator.permutation(answers)]
    for key, counts in SEVERAL[questionnaire].items():
        chosen: list[list[str]] = [[] for _ in range(people)]
        for code, count in counts.items():
            for place in generator.permutation(people)[:count]:
                chosen[place].append(code)
        columns[key] = [";".join(codes) for codes in chosen]
    scales = generator.integers(1, 6, size=(people, len(SCALES[questionnaire])))
    scales[:, 0] = np.where(scales.min(axis=1) == scales.max(axis=1), 6 - scales[:, 0], scales[:, 0])
    straight = scales.min(axis=1) == scales.max(axis=1)
    scales[straight, 0] = 2  # threes all along: 6 - 3 is 3 again
    for place, key in enumerate(SCALES[questionnaire]):
        columns[key] = [str(point) for point in scales[:, place]]
    return columns


def _apart(first: list[str], one: str, second: Sequence[str], other: str) -> None:
    """Let nobody have both answers, by swapping within the first question; its counts stay."""
    clashes = [place for place, code in enumerate(first) if code == one and other in second[place].split(";")]
    free = (place for place, code in enumerate(first) if code != one and other not in second[place].split(";"))
    for clash, place in zip(clashes, free, strict=False):
        first[clash], first[place] = first[place], first[clash]


def _other_concerns(concerns: Sequence[str]) -> list[str]:
    told = ["收费归属不清", "担心损坏车位", "物业不同意", ""]
    return [told[place % len(told)] if code == "other" else "" for place, code in enumerate(concerns)]


def _spoiled(questionnaire: str, header: Sequence[str], row: Sequence[str], place: int) -> list[str]:
    """A form that breaks one rule: a required answer is missing, a straight line, or a contradiction."""
    cells = dict(zip(header, row, strict=True))
    if place % 3 == 0:
        cells["use"] = ""
    elif place % 3 == 1 and questionnaire == OWNERS:
        cells |= dict.fromkeys(SCALES[questionnaire], "3")
    elif questionnaire == OWNERS:
        cells |= {"idle_length": "none", "share_hours": "h0830;h0030"}
    elif place % 3 == 1:
        cells["system"] = ""
    else:
        cells |= {"frequency": "never", "need_time": "morning"}
    return list(cells.values())
