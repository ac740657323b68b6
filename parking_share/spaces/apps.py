from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SpacesConfig(AppConfig):
    name = "parking_share.spaces"
    label = "spaces"
    verbose_name = _("Lots and spaces")
    default_auto_field = "django.db.models.BigAutoField"
