from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "parking_share.demo"
    label = "demo"
    default_auto_field = "django.db.models.BigAutoField"
