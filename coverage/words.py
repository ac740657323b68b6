"""What numbers of pictures are called."""

from django.utils.translation import gettext_lazy as _

from coverage.vacancy import Basis

BASIS_WORDS = {
    Basis.CLOSED: _("closed"),
    Basis.BOOKINGS: _("bookings"),
    Basis.SEEN: _("measured"),
    Basis.PROFILE: _("profile of such days"),
    Basis.PRIOR: _("usual for its use"),
}
