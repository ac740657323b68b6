from django.db.models import QuerySet

from parking_share.accounts.models import User, Vehicle


def vehicles_of(driver: User) -> QuerySet[Vehicle]:
    """The driver's cars, the newest first."""
    return Vehicle.objects.filter(driver=driver, removed_at__isnull=True).order_by("-pk")
