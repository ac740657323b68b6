from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from parking_share import clock
from surveys.study.published import ODDITIES
from surveys.study.reproduction import Compared, Reproduction, reproduce


class Command(BaseCommand):
    help = "Brings the Guiyang study in and compares every published figure. A second run changes nothing."

    def handle(self, *_args: Any, **_options: Any) -> None:
        found = reproduce(now=clock.now())
        self._tell_funnel(found)
        for one in found.figures:
            self.stdout.write(_line(one))
        self.stdout.write("\n" + _("What the study's own text leaves open or gets wrong:"))
        for oddity in ODDITIES:
            self.stdout.write(f"  {oddity.section}  {oddity.sentence}  [{oddity.arithmetic}]")
        self.stdout.write("\n" + _("Beyond the published counts these responses are synthetic."))
        if not found.is_complete:
            raise CommandError(_("Not every published figure came out."))
        exact = sum(one.is_exact for one in found.figures)
        counts = {"exact": exact, "all": len(found.figures)}
        self.stdout.write(
            _("%(exact)s of %(all)s published shares come out exactly; the others are named above.") % counts
        )

    def _tell_funnel(self, found: Reproduction) -> None:
        funnel = found.funnel
        values = {
            "handed_out": funnel.handed_out,
            "returned": funnel.returned,
            "valid": funnel.valid,
            "percent": funnel.valid_percent,
        }
        told = _("forms %(handed_out)s, returned %(returned)s, valid %(valid)s: %(percent)s per cent, printed 83.78")
        self.stdout.write(f"3.3    {told % values}")


def _line(one: Compared) -> str:
    mark = "=" if one.is_exact else "≠"
    shares = f"{one.figure.printed:>6}  {one.computed:>6}  {one.arithmetic:<26}"
    line = f"{one.figure.section:<6} {mark} {shares} {one.figure.what}"
    options = ", ".join(f"{part.question}: {' + '.join(part.options)}" for part in one.figure.parts)
    return f"{line} ({options})" + (f"  {one.figure.named}" if one.figure.named else "")
