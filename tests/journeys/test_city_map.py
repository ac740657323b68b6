"""The city map in a real browser: what is painted is what the server's exact polygons say."""

import math
import os
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from playwright.sync_api import expect

from coverage.bases import city_of
from coverage.drawing import plane_of
from coverage.models import CoverageRun
from coverage.runs import areas_of, values_of
from coverage.services import slot_of
from coverage.vacancy import Basis
from parking_share import clock
from parking_share.spaces.models import Role
from parking_share.web.city_colours import CAPABILITY, VACANCY, rgb_of
from tests.coverage_rows import MIDDLE, CityRows, make_city, publish
from tests.factories import grant, make_user
from tests.journeys.conftest import Visit
from tests.journeys.steps import log_in

LOTS = int(os.environ.get("MAP_LOTS", "120"))
PROBES = 200
BORDER_PX = 2.5
METRES_A_PIXEL_AT_0 = 40_075_016.7 / 512
SLOT = timedelta(minutes=15)
MAP = "[data-city-map]"
READY = "() => document.querySelector('[data-city-maps]')?.dataset.ready === '1'"
# The drawing buffer lives until the browser shows the frame: read right after it was drawn.
LOOK = """
async ({ points, center, zoom }) => {
  const view = await document.querySelector("[data-city-map]").cityMap;
  const { map } = view;
  if (center) map.jumpTo({ center, zoom });
  const rests = map.once("idle");
  map.triggerRepaint();
  await rests;
  return new Promise((done) => {
    map.once("render", () => {
      const { gl } = map.painter.context;
      const rgba = new Uint8Array(4);
      done(points.map(([x, y]) => {
        gl.readPixels(x, gl.drawingBufferHeight - 1 - y, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
        const at = map.unproject([x + 0.5, y + 0.5]);
        return { lng: at.lng, lat: at.lat, colour: [...rgba.subarray(0, 3)], lots: view.ownerAt(at)?.lots ?? [] };
      }));
    });
    map.triggerRepaint();
  });
}
"""
PLAIN = """
async (colour) => {
  const view = await document.querySelector("[data-city-map]").cityMap;
  view.setColour(colour);
  view.setOpacity(1);
  view.setBorder(0);
}
"""


def newest_slot():
    return slot_of(clock.now()) - SLOT


def open_map(visit, city: CityRows, *, query: str = "", **window: Any) -> Visit:
    staff = make_user(language=window.get("language", "en"))
    grant(staff, Role.CITY_STAFF, district=city.district)
    visitor = visit(**window)
    log_in(visitor, staff.email)
    visitor.go(f"/city{query}")
    visitor.page.wait_for_function(READY)
    return visitor


def points_of(visitor: Visit, *, seed: int) -> list[list[int]]:
    box = visitor.page.locator(f"{MAP} canvas").bounding_box()
    assert box is not None
    generator = np.random.default_rng(seed)
    size = int(box["width"]), int(box["height"])
    return [[int(generator.integers(side)) for side in size] for _ in range(PROBES)]


def metres_a_pixel(visitor: Visit) -> float:
    zoom = visitor.page.evaluate("async () => (await document.querySelector('[data-city-map]').cityMap).map.getZoom()")
    return METRES_A_PIXEL_AT_0 * math.cos(math.radians(MIDDLE.latitude)) / 2**zoom


def wrong_pixels(run: CoverageRun, seen: list[dict[str, Any]], colouring, *, margin_m: float) -> tuple[int, list[Any]]:
    """How many pixels were judged, and those that are not what the exact polygons say."""
    plane, values = plane_of(run.base), values_of(run)
    polygons, lot_ids = areas_of(run).polygons, run.base.lot_ids
    positions = plane.metres([one["lat"] for one in seen], [one["lng"] for one in seen])
    points = shapely.points(positions)
    tree = shapely.STRtree(polygons)
    target = city_of(run.base).mesh.targets[0]
    judged, wrong = 0, []
    for point, one in zip(points, seen, strict=True):
        near = tree.query(point, predicate="dwithin", distance=margin_m)
        if len(near) > 1 or shapely.distance(target.boundary, point) < margin_m:
            continue
        judged += 1
        row = int(near[0]) if len(near) else None
        shares = values.score * len(values.score)
        value = None if row is None else float(shares[row] if colouring is CAPABILITY else values.vacancy[row])
        if colouring is VACANCY and row is not None and values.basis[row] == Basis.CLOSED:
            value = None
        wanted = [0xEC, 0xEE, 0xE9] if row is None else rgb_of(colouring.colour(value))
        if one["colour"] != wanted or one["lots"] != ([] if row is None else [lot_ids[row]]):
            wrong.append((one, wanted, None if row is None else lot_ids[row]))
    return judged, wrong


def test_every_pixel_has_the_colour_of_the_lot_that_owns_it(visit):
    city = make_city(lots=LOTS)
    (run,) = publish(city, [newest_slot()])
    visitor = open_map(visit, city, color_scheme="light")
    lot = city.lots[LOTS // 2]
    found = {}
    looks = [(None, CAPABILITY), (13, VACANCY), (15.3, CAPABILITY), (17.7, VACANCY)]
    for number, (zoom, colouring) in enumerate(looks):
        visitor.page.evaluate(PLAIN, colouring.name)
        place = {"center": [lot.longitude, lot.latitude], "zoom": zoom} if zoom else {"center": None, "zoom": None}
        seen = visitor.page.evaluate(LOOK, {"points": points_of(visitor, seed=number)} | place)
        margin_m = BORDER_PX * metres_a_pixel(visitor) + 0.6
        found[zoom] = wrong_pixels(run, seen, colouring, margin_m=margin_m)

    # What the browser says of our own looking is not the page's
    visitor.complaints[:] = [said for said in visitor.complaints if "ReadPixels" not in said]
    assert {zoom: wrong for zoom, (_, wrong) in found.items()} == dict.fromkeys(found, [])
    assert min(judged for judged, _ in found.values()) > PROBES / 4
