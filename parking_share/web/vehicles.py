from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from parking_share import clock
from parking_share.accounts.models import SizeClass
from parking_share.accounts.plates import LONGEST_PLATE
from parking_share.accounts.selectors import vehicles_of
from parking_share.accounts.services import register_vehicle, remove_vehicle
from parking_share.errors import DomainError
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.booking_forms import PLATE_INPUT


class VehicleForm(forms.Form):
    plate = forms.CharField(
        label=gettext_lazy("Number plate"), max_length=LONGEST_PLATE * 2, widget=forms.TextInput(attrs=PLATE_INPUT)
    )
    label = forms.CharField(
        label=gettext_lazy("Your name for it"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    size = forms.TypedChoiceField(
        label=gettext_lazy("Size of the car"), choices=SizeClass, coerce=int, initial=SizeClass.STANDARD
    )
    height_cm = forms.IntegerField(
        label=gettext_lazy("Height in cm"),
        help_text=gettext_lazy("Only for tall cars: some bays have a limit."),
        required=False,
        min_value=80,
        max_value=450,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def vehicle_list(request: PersonalRequest) -> HttpResponse:
    """The driver's cars, and a form for another one. Plates are shown masked."""
    form = VehicleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            register_vehicle(driver=request.user, now=clock.now(), **form.cleaned_data)
            return redirect("web:vehicles")
        except DomainError as error:
            form.add_error("plate", error.sentence)
    return render(request, "driver/vehicles.html", {"vehicles": vehicles_of(request.user), "form": form})


@require_POST
@signed_in
def vehicle_remove(request: PersonalRequest, vehicle_id: int) -> HttpResponse:
    vehicle = get_object_or_404(vehicles_of(request.user), pk=vehicle_id)
    remove_vehicle(vehicle_id=vehicle.pk, now=clock.now())
    messages.success(request, _("The car %(plate)s is no longer in your account.") % {"plate": vehicle.masked_plate})
    return redirect("web:vehicles")
