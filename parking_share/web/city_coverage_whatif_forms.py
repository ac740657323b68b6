"""One small form for each kind of change; each makes the `Change` that it describes, or says why it can't."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coverage.changes import LONGEST_NAME, MOST_BAYS, MOST_FEE_CENTS, Change, ChangeRefused, Kind, place_of
from parking_share.errors import DomainError
from parking_share.spaces.datum import Datum, to_wgs84
from parking_share.spaces.models import AccessClass, District, Lot

MOST_NAMED = 5
_ACCESS_WORDS = {
    "PUBLIC": gettext_lazy("everybody"),
    "COMMERCIAL": gettext_lazy("customers"),
    "OFFICE": gettext_lazy("offices"),
    "RESIDENTIAL": gettext_lazy("residents"),
}


class ChangeForm(forms.Form):
    """What all kinds share: lots are found by name among the person's own."""

    kind: Kind
    title: str | Promise

    def __init__(self, data: Any = None, *, lots: Mapping[int, Lot], districts: Iterable[District]) -> None:
        super().__init__(data, prefix=self.kind.value, use_required_attribute=True)
        self.lots = lots
        if "district" in self.fields:
            self.fields["district"] = forms.ChoiceField(
                label=_("District"), choices=[(district.pk, district.name) for district in districts]
            )

    def clean_lot(self) -> Lot:
        return lot_named(self.cleaned_data["lot"], self.lots)

    def clean(self) -> dict[str, Any]:
        """A change that its own rules refuse is said beside the form."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                cleaned["change"] = self.made(cleaned)
            except DomainError as refusal:
                raise forms.ValidationError(refusal.sentence) from refusal
        return cleaned

    def made(self, cleaned: Mapping[str, Any]) -> Change:
        raise NotImplementedError

    @property
    def change(self) -> Change:
        made: Change = self.cleaned_data["change"]
        return made


def _lot_field() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Lot"),
        max_length=120,
        help_text=gettext_lazy("Its name, or # and its number."),
        widget=forms.TextInput(attrs={"list": "lots-of-mine", "autocomplete": "off"}),
    )


def _place_field() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Place"),
        max_length=60,
        help_text=gettext_lazy("Latitude and longitude in degrees, such as 22.5431, 114.0579."),
        widget=forms.TextInput(attrs={"inputmode": "text", "autocomplete": "off", "data-place-field": ""}),
    )


def _datum_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=gettext_lazy("Taken from"),
        choices=[
            (Datum.WGS84.value, gettext_lazy("this map, GPS (WGS-84)")),
            (Datum.GCJ02.value, gettext_lazy("AMap, Tencent (GCJ-02)")),
            (Datum.BD09.value, gettext_lazy("Baidu (BD-09)")),
        ],
    )


def _bays_field() -> forms.IntegerField:
    return forms.IntegerField(label=gettext_lazy("Bays"), min_value=1, max_value=MOST_BAYS)


def _percent_field(label: Any) -> forms.IntegerField:
    """The label is translated when it is shown."""
    return forms.IntegerField(label=label, min_value=0, max_value=100, initial=50)


class CloseForm(ChangeForm):
    kind, title = Kind.CLOSE, gettext_lazy("Close a lot")
    lot = _lot_field()

    def made(self, cleaned: Mapping[str, Any]) -> Change:
        return Change(kind=Kind.CLOSE, lot_id=cleaned["lot"].pk)


class ResizeForm(ChangeForm):
    kind, title = Kind.RESIZE, gettext_lazy("Resize a lot")
    lot = _lot_field()
    bays = _bays_field()

    def made(self, cleaned: Mapping[str, Any]) -> Change:
        return Change(kind=Kind.RESIZE, lot_id=cleaned["lot"].pk, bays=cleaned["bays"])


class MoveForm(ChangeForm):
    kind, title = Kind.MOVE, gettext_lazy("Move a lot")
    lot = _lot_field()
    place = _place_field()
    datum = _datum_field()

    def made(self, cleaned: Mapping[str, Any]) -> Change:
        latitude, longitude = _in_wgs84(cleaned)
        return Change(kind=Kind.MOVE, lot_id=cleaned["lot"].pk, latitude=latitude, longitude=longitude)


class AddForm(ChangeForm):
    kind, title = Kind.ADD, gettext_lazy("Add a lot")
    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME, required=False)
    place = _place_field()
    datum = _datum_field()
    bays = _bays_field()
    fee = forms.DecimalField(
        label=gettext_lazy("Fee of the first hour, currency units"),
        min_value=0,
        max_value=Decimal(MOST_FEE_CENTS) / 100,
        decimal_places=2,
        initial=5,
    )
    access = forms.ChoiceField(label=gettext_lazy("Who may use it"))
    percent = _percent_field(gettext_lazy("Bays that are free then, in per cent"))

    def __init__(self, data: Any = None, *, lots: Mapping[int, Lot], districts: Iterable[District]) -> None:
        super().__init__(data, lots=lots, districts=districts)
        classes = AccessClass.objects.order_by("-openness", "code").values_list("code", flat=True)
        self.fields["access"] = forms.ChoiceField(
            label=_("Who may use it"), choices=[(code, _ACCESS_WORDS.get(code, code)) for code in classes]
        )

    def made(self, cleaned: Mapping[str, Any]) -> Change:
        latitude, longitude = _in_wgs84(cleaned)
        return Change(
            kind=Kind.ADD,
            latitude=latitude,
            longitude=longitude,
            bays=cleaned["bays"],
            fee_cents=int(cleaned["fee"] * 100),
            access=cleaned["access"],
            percent=cleaned["percent"],
            name=" ".join(cleaned["name"].split()),
        )


class ShareForm(ChangeForm):
    kind, title = Kind.SHARE, gettext_lazy("Let a compound share")
    lot = _lot_field()
    percent = _percent_field(gettext_lazy("Bays that are shared, in per cent"))

    def made(self, cleaned: Mapping[str, Any]) -> Change:
        return Change(kind=Kind.SHARE, lot_id=cleaned["lot"].pk, percent=cleaned["percent"])


class ShareAllForm(ChangeForm):
    kind, title = Kind.SHARE_ALL, gettext_lazy("Let all compounds of a district share")
    district = forms.ChoiceField(label=gettext_lazy("District"))
    percent = _percent_field(gettext_lazy("Bays that are shared, in per cent"))

    def made(self, cleaned: Mapping[str, Any]) -> Change:
        return Change(kind=Kind.SHARE_ALL, district_id=int(cleaned["district"]), percent=cleaned["percent"])


class NameForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)


FORMS: Mapping[str, type[ChangeForm]] = {
    form.kind.value: form for form in (ShareForm, ShareAllForm, AddForm, MoveForm, CloseForm, ResizeForm)
}


def lot_named(text: str, lots: Mapping[int, Lot]) -> Lot:
    """The lot of that number or name; part of a name will do where only one has it."""
    wanted = " ".join(text.split())
    number = re.fullmatch(r"#\s*([0-9]{1,9})|.*\(#([0-9]{1,9})\)", wanted)
    if number:
        lot = lots.get(int(number[1] or number[2]))
        if lot is None:
            raise forms.ValidationError(_("None of your lots with bays has this number."))
        return lot
    folded = wanted.casefold()
    found = [lot for lot in lots.values() if lot.name.casefold() == folded]
    found = found or [lot for lot in lots.values() if folded in lot.name.casefold()]
    if not found:
        raise forms.ValidationError(_("None of your lots with bays has this name."))
    if len(found) > 1:
        named = ", ".join(f"{lot.name} (#{lot.pk})" for lot in found[:MOST_NAMED])
        listed = f"{named} …" if len(found) > MOST_NAMED else named
        raise forms.ValidationError(_("Several lots have this name: %(lots)s. Write one of them.") % {"lots": listed})
    return found[0]


def _in_wgs84(cleaned: Mapping[str, Any]) -> tuple[float, float]:
    """Six decimals are a tenth of a metre."""
    latitude, longitude = place_of(cleaned["place"])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ChangeRefused(_("Write a place as latitude and longitude in degrees, such as 22.5431, 114.0579."))
    latitude, longitude = to_wgs84(latitude, longitude, datum=Datum(cleaned["datum"]))
    return round(latitude, 6), round(longitude, 6)
