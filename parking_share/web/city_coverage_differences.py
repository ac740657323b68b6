"""Who gains and who loses, as a person may see it: her own districts and lots by name, the others together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from coverage.differences import LotDifference, Sums
from coverage.exports import Cell
from coverage.reports import Report
from coverage.shown import is_few, shown_bays
from parking_share.web.city_coverage_scope import CoverageScope


@dataclass(frozen=True, kw_only=True)
class DistrictLine:
    name: str
    before: Sums
    after: Sums

    @property
    def percent(self) -> float:
        """How the ground for each free bay changes; below nothing is a gain."""
        was = self.before.hectares_a_bay
        return 100 * (self.after.hectares_a_bay / was - 1) if was else 0.0

    @property
    def is_gain(self) -> bool:
        return self.percent < -0.05

    @property
    def is_loss(self) -> bool:
        return self.percent > 0.05


@dataclass(frozen=True, kw_only=True)
class LotLine:
    """`lot_id` is None for a lot without a page: a new one, or another district's."""

    name: str
    lot_id: int | None
    difference: LotDifference


@dataclass(frozen=True, kw_only=True)
class Differences:
    districts: list[DistrictLine]
    gaining: list[LotLine]
    losing: list[LotLine]


def differences_shown(report: Report, scope: CoverageScope) -> Differences:
    names = {district.pk: district.name for district in scope.districts}
    own = [
        DistrictLine(name=names[one.district_id], before=one.before, after=one.after)
        for one in report.districts
        if one.district_id in names
    ]
    others = [one for one in report.districts if one.district_id not in names]
    if others:
        before, after = _added_up(one.before for one in others), _added_up(one.after for one in others)
        own.append(DistrictLine(name=_("other districts"), before=before, after=after))
    return Differences(
        districts=own,
        gaining=_lot_lines(report.gaining, report, scope),
        losing=_lot_lines(report.losing, report, scope),
    )


def rows_of_differences(report: Report, scope: CoverageScope) -> Iterator[list[Cell]]:
    """The differences of districts as a table."""
    yield [
        _("District"), _("Lots before"), _("Lots after"), _("Free bays before"), _("Free bays after"),
        _("Service area before in m²"), _("Service area after in m²"), _("Hectares for each free bay before"),
        _("Hectares for each free bay after"), _("Change in per cent"),
    ]  # fmt: skip
    for line in differences_shown(report, scope).districts:
        yield [
            line.name,
            line.before.lots,
            line.after.lots,
            shown_bays(line.before.free_bays),
            shown_bays(line.after.free_bays),
            round(line.before.area_m2, 1),
            round(line.after.area_m2, 1),
            _per_bay(line.before),
            _per_bay(line.after),
            round(line.percent, 2),
        ]


def _per_bay(sums: Sums) -> str:
    return f"{'>' if is_few(sums.free_bays) else ''}{sums.hectares_a_bay:.3f}"


def _added_up(sums: Iterable[Sums]) -> Sums:
    rows = list(sums)
    return Sums(
        lots=sum(one.lots for one in rows),
        open_bays=sum(one.open_bays for one in rows),
        free_bays=sum(one.free_bays for one in rows),
        area_m2=sum(one.area_m2 for one in rows),
    )


def _lot_lines(found: Iterable[LotDifference], report: Report, scope: CoverageScope) -> list[LotLine]:
    lines = []
    for one in found:
        lot = scope.lots.get(one.lot_id)
        name = lot.name if lot else report.names.get(one.lot_id) or _("a lot of another district")
        lines.append(LotLine(name=name, lot_id=lot.pk if lot else None, difference=one))
    return lines
