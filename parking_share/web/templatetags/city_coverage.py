"""How pages write few bays, the ground for each of them, and where a number comes from."""

from django import template
from django.utils import formats
from django.utils.translation import gettext as _

from coverage import shown
from coverage.vacancy import Basis
from coverage.words import BASIS_WORDS

register = template.Library()

_BASIS_CLASSES = {Basis.SEEN: "badge--ok", Basis.PROFILE: "badge--wait", Basis.PRIOR: "badge--wait"}


@register.filter
def bays(count: float) -> str:
    """A number of bays; few are not counted out."""
    return shown.shown_bays(count)


@register.simple_tag
def vacancy(open_bays: float, free_bays: float) -> str:
    return shown.shown_vacancy(open_bays, free_bays)


@register.simple_tag
def ground_a_bay(per_bay: float, free_bays: float) -> str:
    """Hectares for each free bay; only “over” where the number of bays is not told, and then rounded down."""
    if shown.is_few(free_bays):
        return _("over %(n)s ha") % {"n": formats.number_format(per_bay, 2)}  # Django cuts digits off
    return _("%(n)s ha") % {"n": formats.number_format(round(per_bay, 2), 2)}


@register.filter
def basis_word(basis: Basis) -> str:
    return str(BASIS_WORDS[basis])


@register.filter
def basis_class(basis: Basis) -> str:
    """The colour beside the word: measured, or estimated."""
    return _BASIS_CLASSES.get(basis, "")
