"""How pages write figures of the city map."""

from django import template
from django.utils.translation import gettext as _

register = template.Library()

HECTARE_M2, KM2_M2 = 10_000, 1_000_000


@register.filter
def times(share: float) -> str:
    """A multiple of the mean, with two digits that mean something."""
    return f"×{share:.2g}" if share < 10 else f"×{share:.0f}"


@register.filter
def hectares(area_m2: float) -> str:
    """An area in the unit in which it reads best."""
    if area_m2 >= KM2_M2:
        return _("%(n)s km²") % {"n": f"{area_m2 / KM2_M2:.2f}"}
    if area_m2 >= HECTARE_M2:
        return _("%(n)s ha") % {"n": f"{area_m2 / HECTARE_M2:.1f}"}
    return _("%(n)s m²") % {"n": f"{area_m2:.0f}"}
