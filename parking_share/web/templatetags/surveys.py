"""How pages of surveys write shares, counts of people and intervals."""

from django import template

from surveys.engine.proportions import HUNDREDTHS, Interval
from surveys.engine.suppression import FEWEST_SHOWN

register = template.Library()


@register.filter
def hundredths(units: int) -> str:
    """Hundredths of a per cent as a percentage: 4664 is 46.64."""
    return f"{units // 100}.{units % 100:02d}"


@register.filter
def as_percent(share: float) -> str:
    """A share as a percentage with two decimals."""
    return f"{100 * share:.2f}"


@register.filter
def as_points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * difference:+.2f}".replace("-", "−")


@register.filter
def some_people(count: int) -> str:
    """A number of people; one to four are not counted out."""
    return f"<{FEWEST_SHOWN}" if 0 < count < FEWEST_SHOWN else str(count)


@register.filter
def interval(value: Interval) -> str:
    """An interval in per cent."""
    return f"{100 * value.low:.2f}–{100 * value.high:.2f}"


@register.filter
def width(share: float) -> str:
    """How long a bar is, in per cent of the longest possible."""
    return f"{min(max(100 * share, 0), 100):.3f}%"


@register.filter
def width_of_hundredths(units: int) -> str:
    return width(units / HUNDREDTHS)


@register.filter
def p_value(value: float) -> str:
    """A probability as one writes it: small ones only as small."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
