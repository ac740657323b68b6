"""The study beside the paper: tables as text and CSV, curves as SVG."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allocation.laboratory_drawing import Curve, curves, standing_alone
from allocation.reproduction.published import MEASURES, TABLE_1, TABLE_2, TABLE_3
from allocation.reproduction.study import NEW, Study

DIGITS = {"accepted": 1, "utilisation": 4, "revenue": 1}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the paper beside ours; each cell of ours is a mean with half its interval's width."""

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def as_markdown(self) -> str:
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tables_of(study: Study) -> list[Table]:
    """Tables 1 to 3."""
    return [
        _table(study, "table1", "thresholds", [f"{value:.4f}" for value in TABLE_1], list(TABLE_1.values())),
        _table(study, "table2", "weights", [f"{value:.1f}" for value in TABLE_2], list(TABLE_2.values())),
        _table(study, "table3", "policies", list(TABLE_3), list(TABLE_3.values())),
    ]


def pictures_of(study: Study) -> dict[str, str]:
    """Figure 2, and table 2 as curves, as SVG files by name."""
    accepted, halves = study.means("thresholds", "accepted")
    xs = list(TABLE_1)
    figure = curves(
        [
            Curve(name=f"mean of {study.days} days, 95 % interval", xs=xs, ys=accepted, half_widths=halves),
            Curve(name="the paper's day", xs=xs, ys=[row[0] for row in TABLE_1.values()]),
        ],
        title="Accepted requests by threshold",
        x_label="threshold of fragmentation",
        y_label="accepted of 212",
        is_log=True,
    )
    lines = [
        Curve(name=name, xs=list(TABLE_2), ys=ys, half_widths=half)
        for name, (ys, half) in (
            ("fragmentation of new fragments", study.means("weights", "new_fragmentation")),
            ("importance of new fragments", study.means("weights", "new_importance")),
        )
    ]
    lines.append(Curve(name="the paper's fragmentation", xs=list(TABLE_2), ys=[row[0] for row in TABLE_2.values()]))
    lines.append(Curve(name="the paper's importance", xs=list(TABLE_2), ys=[row[1] for row in TABLE_2.values()]))
    sweep = curves(
        lines, title="Left over by weight", x_label="weight of fragmentation", y_label="over the day's fragments"
    )
    return {"figure2.svg": standing_alone(figure), "table2.svg": standing_alone(sweep)}


def write_report(study: Study, folder: Path) -> list[Path]:
    """Write all tables as CSV and all curves as SVG; return what was written."""
    written = []
    for table in tables_of(study):
        path = folder / f"{table.name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([table.header, *table.rows])
        written.append(path)
    for name, svg in pictures_of(study).items():
        path = folder / name
        path.write_text(svg, encoding="utf-8")
        written.append(path)
    return written


_SWEPT = {
    "thresholds": ("threshold", MEASURES[:3], "Table 1 and figure 2: two-stage by threshold"),
    "weights": ("weight of fragmentation", MEASURES[3:], "Table 2: two-stage by weights, threshold 1.5"),
    "policies": ("policy", MEASURES, "Table 3: three policies"),
}


def _table(study: Study, name: str, sweep: str, places: Sequence[str], published: Sequence[Sequence[float]]) -> Table:
    what, measures, title = _SWEPT[sweep]
    extra = () if sweep == "thresholds" else NEW
    header = [what, *(text for measure in measures for text in (f"{measure}, paper", f"{measure}, ours")), *extra]
    ours = {measure: study.means(sweep, measure) for measure in (*measures, *extra)}
    rows = []
    for place, label in enumerate(places):
        row = [label]
        for measure, printed in zip(measures, published[place], strict=True):
            row += [_shown(printed, measure), _interval(ours[measure], place, measure)]
        rows.append([*row, *(_interval(ours[measure], place, measure) for measure in extra)])
    return Table(name=name, title=title, header=[text.replace("_", " ") for text in header], rows=rows)


def _interval(means: tuple[list[float], list[float]], place: int, measure: str) -> str:
    return f"{_shown(means[0][place], measure)} ± {_shown(means[1][place], measure)}"


def _shown(value: float, measure: str) -> str:
    return f"{value:.{DIGITS.get(measure, 1)}f}"
