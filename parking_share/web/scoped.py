"""Lots and districts that a page is about: only those of the person who asks; all others are not there."""

from django.db.models import Count, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from parking_share.spaces.models import District, Lot
from parking_share.spaces.selectors import districts_overseen_by, gates_guarded_by, lots_managed_by
from parking_share.web.access import PersonalRequest
from parking_share.web.words import typed_words


def managed_lot(request: PersonalRequest, lot_id: int) -> Lot:
    return get_object_or_404(lots_managed_by(request.user), pk=lot_id)


def watched_lots(request: PersonalRequest) -> QuerySet[Lot]:
    """Lots whose gates the person may open by hand: a guard's, a manager's, an operator's are all."""
    gates = gates_guarded_by(request.user).order_by()
    return Lot.objects.filter(pk__in=gates.values("lot")).order_by("name", "pk")


def overseen_districts(request: PersonalRequest) -> list[District]:
    """The person's districts, with `lot_count`; who oversees none does not get the page."""
    districts: list[District] = [*districts_overseen_by(request.user).annotate(lot_count=Count("lots"))]
    if not districts:
        raise Http404
    return districts


def lots_asked_for(request: PersonalRequest, districts: list[District]) -> QuerySet[Lot]:
    """The lots of these districts, as the address narrows them."""
    lots = Lot.objects.filter(district__in=districts)
    words, chosen = typed_words(request, "q"), request.GET.get("district", "")
    if words:
        lots = lots.filter(name__icontains=words)
    if chosen:
        lots = lots.filter(district__in=[district for district in districts if str(district.pk) == chosen])
    return lots.select_related("district").order_by("district__city", "district__name", "name", "pk")
