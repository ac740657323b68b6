"""The language switch: works without JavaScript, and a person's choice is kept with the person."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from parking_share.accounts.models import User


@require_POST
def switch_language(request: HttpRequest) -> HttpResponseBase:
    language = request.POST.get("language")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return set_language(request)
