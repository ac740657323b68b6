from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "parking_share.accounts"
    label = "accounts"
    verbose_name = _("People and vehicles")
    default_auto_field = "django.db.models.BigAutoField"
