"""A picture of a city as a drawing: its areas in five classes of rank, with a title, a scale and what colours mean."""

from zoneinfo import ZoneInfo

import shapely
from django.utils.translation import gettext as _

from coverage.figures import shares_of
from coverage.pictures import INK, RAMP, Frame, Sheet, classes_of, nice_scale_m
from coverage.selectors import Picture, polygons_of

WIDTH, HEIGHT, HEAD, FOOT, EDGE = 1600, 1200, 56, 64, 24


def picture_png(picture: Picture, *, zone: ZoneInfo) -> bytes:
    """Draw the service areas of a picture; its words are in the language of the moment."""
    shapes = polygons_of(picture).polygons
    shares = shares_of(picture.run, picture.values)
    sheet = Sheet(WIDTH, HEIGHT)
    bounds = tuple(float(edge) for edge in shapely.total_bounds(shapes))
    frame = Frame(
        bounds=(bounds[0], bounds[1], bounds[2], bounds[3]),
        left=EDGE,
        top=HEAD,
        width=WIDTH - 2 * EDGE,
        height=HEIGHT - HEAD - FOOT,
    )
    sheet.polygons(frame, shapes, [RAMP[place] for place in classes_of(shares).tolist()])
    at = picture.ends_at.astimezone(zone)
    sheet.text(EDGE, 16, f"{picture.run.city} · {at:%Y-%m-%d %H:%M}", size=24)
    _legend(sheet)
    _scale_bar(sheet, frame)
    return sheet.png()


def _legend(sheet: Sheet) -> None:
    top = HEIGHT - FOOT + 18
    sheet.text(EDGE, top + 6, _("Rank: a fifth of the lots each, weak to strong"), size=16)
    for place, colour in enumerate(RAMP):
        sheet.box(EDGE + 420 + 44 * place, top + 4, 40, 22, colour)


def _scale_bar(sheet: Sheet, frame: Frame) -> None:
    length = nice_scale_m(240 / frame.scale)
    right, top = WIDTH - EDGE, HEIGHT - FOOT + 34
    left = right - length * frame.scale
    sheet.line([(left, top), (right, top)], INK, width=3)
    words = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    sheet.text(left, top - 24, words, size=16)
