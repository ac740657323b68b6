"""Pictures as SVG text: curves that differ by mark and dash, and spaces over time. Ink is that of the text around."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 44
LEGEND_ROW = 20
GROUND = "var(--surface, #fff)"
DASHES = ("", "7 4", "2 4", "9 3 2 3")
MARKS = ("circle", "cross", "square", "triangle")
TICKS = 5
_ROUND = [factor * 10.0**power for power in range(-3, 4) for factor in (1, 2, 5)]
ROW, SLOT_WIDTH, NAME_WIDTH, AXIS = 14, 7, 64, 22


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Points to join, each with half the width of its interval where there is one."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    half_widths: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A booked period of one row, in slots."""

    row: int
    start: int
    end: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Gantt:
    """Rows over slots: when each space was shared, and by whom it is taken."""

    names: Sequence[str]
    slots: int
    shared: Sequence[tuple[int, int, int]]
    bars: Sequence[Bar] = field(default_factory=tuple)
    hours: Sequence[tuple[int, str]] = field(default_factory=tuple)


@dataclass(frozen=True)
class _Axis:
    """From a range of values to a range of the picture."""

    low: float
    high: float
    begin: float
    end: float
    is_log: bool = False

    def at(self, value: float) -> float:
        low, high, here = (
            (math.log(self.low), math.log(self.high), math.log(value)) if self.is_log else (self.low, self.high, value)
        )
        return self.begin + (self.end - self.begin) * ((here - low) / (high - low) if high > low else 0.5)


def curves(lines: Sequence[Curve], *, title: str, x_label: str, y_label: str, is_log: bool = False) -> str:
    """Draw curves over one axis; a curve is known by its mark and dash, so that it needs no colour."""
    height = HEIGHT + LEGEND_ROW * len(lines) + 6
    xs = [x for line in lines for x in line.xs]
    ends = [y + sign * half for line in lines for y, half in _with_halves(line) for sign in (-1, 1)]
    ticks = round_ticks(min(ends, default=0.0), max(ends, default=1.0))
    across = _Axis(min(xs, default=0.0), max(xs, default=1.0), LEFT, WIDTH - RIGHT, is_log=is_log)
    upward = _Axis(ticks[0], ticks[-1], HEIGHT - BOTTOM, TOP)
    parts = [*_frame(across, upward, ticks, xs, is_log=is_log), *_axis_names(x_label, y_label)]
    for place, line in enumerate(lines):
        parts += _curve(line, place, across, upward)
        parts += _legend(line.name, place)
    return _svg(parts, width=WIDTH, height=height, title=title)


def gantt(picture: Gantt, *, title: str, key: str) -> str:
    """Draw spaces over time: hatched where not shared, empty where free, filled where taken.

    `key` tells the pictures of one page apart.
    """
    width = NAME_WIDTH + picture.slots * SLOT_WIDTH + 8
    height = len(picture.names) * ROW + AXIS + 4
    parts = [
        f'<defs><pattern id="closed-{key}" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<path d="M0,6L6,0" stroke="currentColor" stroke-opacity="0.35"/></pattern></defs>'
    ]
    span = picture.slots * SLOT_WIDTH
    for row, name in enumerate(picture.names):
        top = row * ROW + 2
        parts.append(_text(NAME_WIDTH - 6, top + ROW - 4, name, anchor="end", size=10))
        parts.append(f'<rect x="{NAME_WIDTH}" y="{top}" width="{span}" height="{ROW - 3}" fill="url(#closed-{key})"/>')
    for row, start, end in picture.shared:
        parts.append(_box(row, start, end, f'fill="{GROUND}" stroke="currentColor" stroke-opacity="0.4"'))
    for bar in picture.bars:
        box = _box(bar.row, bar.start, bar.end, f'fill="currentColor" fill-opacity="0.75" stroke="{GROUND}"')
        parts.append(box.replace("/>", f"><title>{escape(bar.name)}</title></rect>"))
    bottom = len(picture.names) * ROW + 4
    for slot, name in picture.hours:
        x = NAME_WIDTH + slot * SLOT_WIDTH
        parts.append(f'<path d="M{x},2V{bottom}" stroke="currentColor" stroke-opacity="0.15"/>')
        parts.append(_text(x, bottom + 13, name, anchor="start" if slot == 0 else "middle", size=10))
    return _svg(parts, width=width, height=height, title=title)


def standing_alone(svg: str) -> str:
    """The same as a file: black on white, for it inherits no ink."""
    inked = svg.replace("<svg ", '<svg color="#1a1a1a" ', 1).replace(GROUND, "#fff")
    return inked.replace("</title>", '</title><rect width="100%" height="100%" fill="#fff"/>', 1)


def round_ticks(low: float, high: float) -> list[float]:
    """A few round numbers that reach from below `low` to above `high`."""
    if not high > low:
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    rough = (high - low) / (TICKS - 1)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _with_halves(line: Curve) -> Iterable[tuple[float, float]]:
    halves = line.half_widths or [0.0] * len(line.ys)
    return zip(line.ys, halves, strict=True)


def _frame(across: _Axis, upward: _Axis, ticks: Sequence[float], xs: Sequence[float], *, is_log: bool) -> Iterable[str]:
    for value in ticks:
        y = upward.at(value)
        yield f'<path d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity="0.15"/>'
        yield _text(LEFT - 6, y + 4, f"{value:g}", anchor="end")
    for value in _places(xs, is_log=is_log):
        x = across.at(value)
        yield f'<path d="M{x:.1f},{HEIGHT - BOTTOM}v5" stroke="currentColor"/>'
        yield _text(x, HEIGHT - BOTTOM + 18, f"{value:g}", anchor="middle")
    yield f'<path d="M{LEFT},{TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="currentColor"/>'


def _places(xs: Sequence[float], *, is_log: bool) -> list[float]:
    """Round values among those of the axis."""
    if not xs:
        return []
    low, high = min(xs), max(xs)
    ticks = _ROUND if is_log else round_ticks(low, high)
    return [value for value in ticks if low - 1e-9 <= value <= high + 1e-9]


def _axis_names(x_label: str, y_label: str) -> Iterable[str]:
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x_label, anchor="middle")
    middle = (HEIGHT - BOTTOM + TOP) / 2
    yield (
        f'<text x="12" y="{middle:.0f}" font-size="13" fill="currentColor" text-anchor="middle" '
        f'transform="rotate(-90 12 {middle:.0f})">{escape(y_label)}</text>'
    )


def _curve(line: Curve, place: int, across: _Axis, upward: _Axis) -> Iterable[str]:
    points = [(across.at(x), upward.at(y)) for x, y in zip(line.xs, line.ys, strict=True)]
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) if points else ""
    yield f'<path d="{path}" {_stroke(place)}/>'
    for (x, y), (value, half) in zip(points, _with_halves(line), strict=True):
        if half:
            ends = f"{upward.at(value - half):.1f}V{upward.at(value + half):.1f}"
            yield f'<path d="M{x:.1f},{ends}" stroke="currentColor" stroke-width="1"/>'
        yield _mark(place, x, y)


def _legend(name: str, place: int) -> Iterable[str]:
    y = HEIGHT + LEGEND_ROW * place + 12
    yield f'<path d="M{LEFT},{y}h36" {_stroke(place)}/>'
    yield _mark(place, LEFT + 18, y)
    yield _text(LEFT + 46, y + 4, name)


def _stroke(place: int) -> str:
    dash = DASHES[place % len(DASHES)]
    return 'fill="none" stroke="currentColor" stroke-width="1.5"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _mark(place: int, x: float, y: float) -> str:
    ink = 'fill="currentColor"'
    match MARKS[place % len(MARKS)]:
        case "circle":
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" {ink}/>'
        case "cross":
            return f'<path d="M{x - 3.5:.1f},{y - 3.5:.1f}l7,7m0,-7l-7,7" stroke="currentColor" stroke-width="1.5"/>'
        case "square":
            return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" {ink}/>'
        case _:
            return f'<path d="M{x:.1f},{y - 4:.1f}l4,7h-8z" {ink}/>'


def _box(row: int, start: int, end: int, look: str) -> str:
    x, width = NAME_WIDTH + start * SLOT_WIDTH, (end - start) * SLOT_WIDTH
    return f'<rect x="{x}" y="{row * ROW + 2}" width="{width}" height="{ROW - 3}" {look}/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 13) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" fill="currentColor">'
        f"{escape(words)}</text>"
    )


def _svg(parts: Iterable[str], *, width: int, height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="system-ui, sans-serif"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
