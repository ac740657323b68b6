from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FulfilmentConfig(AppConfig):
    name = "parking_share.fulfilment"
    verbose_name = _("keeping the promise")
