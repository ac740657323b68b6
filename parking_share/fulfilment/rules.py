"""How a lot keeps its promises: its own rules, or those that hold everywhere else."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from parking_share.errors import DomainError
from parking_share.fulfilment.models import LotRules
from parking_share.spaces.models import Lot


class RulesRefused(DomainError):
    code = "rules_refused"


def rules_of(lot_id: int | None) -> LotRules:
    """The lot's own rules, else the row for everywhere, else the defaults of the model; one query."""
    by_lot = {row.lot_id: row for row in LotRules.objects.filter(Q(lot=lot_id) | Q(lot__isnull=True))}
    return by_lot.get(lot_id) or by_lot.get(None) or LotRules()


@transaction.atomic
def set_rules(*, lot: Lot, **values: Any) -> LotRules:
    """Give a lot its own rules, in place of those that hold everywhere else. What is owed already stays as it is."""
    Lot.objects.select_for_update(no_key=True).get(pk=lot.pk)
    row = LotRules.objects.filter(lot=lot).first() or LotRules(lot=lot)
    for name, value in values.items():
        setattr(row, name, value)
    try:
        row.full_clean()
    except ValidationError as error:
        raise RulesRefused(" ".join(error.messages)) from error
    return LotRules.objects.update_or_create(lot=lot, defaults=values)[0]


def drop_rules(*, lot: Lot) -> None:
    """Let the rules that hold everywhere hold for this lot again."""
    LotRules.objects.filter(lot=lot).delete()
