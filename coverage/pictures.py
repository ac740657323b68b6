"""Drawings of service areas as PNG: for a report, where no map can be shown, and for the paper's figures."""

import math
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
PAPER, INK, WATER = (255, 255, 255), (27, 36, 32), (236, 238, 233)
# Five classes, weak to strong: told apart in grey and by colour-blind eyes
RAMP: Sequence[Colour] = ((253, 231, 200), (247, 190, 140), (222, 130, 115), (160, 75, 120), (80, 30, 100))
# Neighbouring clusters, and kinds of lots (after Okabe and Ito)
DISTINCT: Sequence[Colour] = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178),
    (160, 160, 160),
)  # fmt: skip
FINER = 2


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Which part of the plane is drawn where: `bounds` in metres, into a box of pixels."""

    bounds: tuple[float, float, float, float]
    left: float
    top: float
    width: float
    height: float

    @property
    def scale(self) -> float:
        """Pixels a metre."""
        low_x, low_y, high_x, high_y = self.bounds
        return min(self.width / (high_x - low_x), self.height / (high_y - low_y))

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points of shape (n, 2) are drawn, in the middle of the box; y points down."""
        low_x, low_y, high_x, high_y = self.bounds
        middle = np.array([self.left + self.width / 2, self.top + self.height / 2])
        offset = points - np.array([(low_x + high_x) / 2, (low_y + high_y) / 2])
        placed: NDArray[np.float64] = middle + offset * np.array([self.scale, -self.scale])
        return placed


class Sheet:
    """A sheet of paper to draw on, twice as fine as it is saved."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (FINER * width, FINER * height), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def polygons(
        self,
        frame: Frame,
        shapes: Iterable[shapely.Geometry],
        fills: Iterable[Colour],
        *,
        outline: Colour | None = PAPER,
        line: float = 0.5,
    ) -> None:
        """Fill shapes; a hole is left as it was where it has the colour of the ground under it."""
        for shape, fill in zip(shapes, fills, strict=True):
            for part in shapely.get_parts(shape):
                self._ring(frame, part.exterior, fill, outline, line)
                for hole in part.interiors:
                    self._ring(frame, hole, WATER, outline, line)

    def dots(self, frame: Frame, points: NDArray[np.float64], radii: Iterable[float], fills: Iterable[Colour]) -> None:
        """Circles with radii in pixels."""
        for (x, y), radius, fill in zip(FINER * frame.pixels(points), radii, fills, strict=True):
            reach = FINER * radius
            self._draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=fill, outline=INK)

    def line(self, points: Sequence[tuple[float, float]], fill: Colour, *, width: float = 1.5) -> None:
        """A line through pixels."""
        self._draw.line([(FINER * x, FINER * y) for x, y in points], fill=fill, width=round(FINER * width))

    def box(self, left: float, top: float, width: float, height: float, fill: Colour | None = None) -> None:
        edges = (FINER * left, FINER * top, FINER * (left + width), FINER * (top + height))
        self._draw.rectangle(edges, fill=fill, outline=INK)

    def raster(self, frame: Frame, cells: NDArray[np.uint8]) -> None:
        """An image of shape (rows, columns, 3), north up, over the whole of the frame's bounds."""
        low_x, low_y, high_x, high_y = frame.bounds
        corners = FINER * frame.pixels(np.array([[low_x, high_y], [high_x, low_y]]))
        size = (round(corners[1, 0] - corners[0, 0]), round(corners[1, 1] - corners[0, 1]))
        picture = Image.fromarray(cells).resize(size, Image.Resampling.NEAREST)
        self._image.paste(picture, (round(corners[0, 0]), round(corners[0, 1])))

    def text(self, left: float, top: float, words: str, *, size: int = 13, fill: Colour = INK) -> None:
        """Words from their upper left corner; characters that no font here can write are left out."""
        font = _font(FINER * size, needs_chinese=not words.isascii())
        if font is None:
            font, words = (
                _font(FINER * size, needs_chinese=False),
                words.encode("ascii", "ignore").decode().strip(" ·,"),
            )
        self._draw.text((FINER * left, FINER * top), words, fill=fill, font=font)

    def png(self) -> bytes:
        file = BytesIO()
        self._image.resize((self.width, self.height), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
        return file.getvalue()

    def _ring(self, frame: Frame, ring: shapely.Geometry, fill: Colour, outline: Colour | None, line: float) -> None:
        points = (FINER * frame.pixels(shapely.get_coordinates(ring))).ravel().tolist()
        self._draw.polygon(points, fill=fill)
        if outline is not None:
            self._draw.line(points, fill=outline, width=max(round(FINER * line), 1))


def class_edges(strengths: NDArray[np.float64], *, classes: int = len(RAMP)) -> NDArray[np.float64]:
    """The borders between classes of as many members each, shape (classes - 1,)."""
    shares = np.arange(1, classes) / classes
    edges: NDArray[np.float64] = np.quantile(strengths, shares) if len(strengths) else np.zeros(classes - 1)
    return edges


def classes_of(strengths: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which fifth each strength belongs to, weak to strong; equal ones belong together."""
    return np.searchsorted(class_edges(strengths), strengths, side="left")


def dot_radii(capability: NDArray[np.float64], *, largest: float = 7.0) -> NDArray[np.float64]:
    """Radii whose areas are as capabilities are, in pixels, at least 1."""
    most = float(capability.max(initial=0)) or 1.0
    radii: NDArray[np.float64] = np.maximum(largest * np.sqrt(capability / most), 1.0)
    return radii


def nice_scale_m(metres: float) -> float:
    """A round length that is at most this long, for the bar of a scale."""
    power = 10.0 ** math.floor(math.log10(metres))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= metres)


@cache
def _font(size: int, *, needs_chinese: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont | None:
    if not needs_chinese:
        return ImageFont.load_default(size)
    face = _chinese_face()
    return None if face is None else ImageFont.truetype(face[0], size, index=face[1])


@cache
def _chinese_face() -> tuple[str, int] | None:
    """File and place in it of an installed face for simplified Chinese: upright and of even stroke where there is one.

    All are listed, for the best match of the system may be its usual face, whether that has Chinese or not.
    """
    lister = shutil.which("fc-list")
    if lister is None:
        return None
    found = subprocess.run(  # noqa: S603 -- fixed words
        [lister, ":lang=zh-cn", "-f", "%{file}|%{index}|%{family}|%{style}\n"],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    faces = [line.split("|") for line in found.stdout.splitlines()]
    fit = [face for face in faces if len(face) == 4 and face[0].endswith((".ttf", ".ttc", ".otf"))]
    if not fit:
        return None
    file, place, _family, _style = min(fit, key=_unfitness)
    return file, int(place) & 0xFFFF  # above stand the numbers of named instances


def _unfitness(face: list[str]) -> tuple[bool, bool, bool, bool, str]:
    file, _place, family, style = face
    return "SC" not in family, "Mono" in family, "Serif" in family, "Regular" not in style, file
