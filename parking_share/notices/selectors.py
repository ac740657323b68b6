from django.db.models import OuterRef, QuerySet

from parking_share.accounts.models import User
from parking_share.notices.models import Notice


def notices_of(recipient: User) -> QuerySet[Notice]:
    """A person's notices, the newest first."""
    return (
        Notice.objects.filter(recipient=recipient)
        .select_related("event__reservation__lot", "event__to_space", "reservation__lot")
        .order_by("-pk")
    )


def is_told(once_key: str) -> bool:
    return Notice.objects.filter(once_key=once_key).exists()


def unread_notices(recipient: User | OuterRef) -> QuerySet[Notice]:
    """What a person has not read yet."""
    return Notice.objects.filter(recipient=recipient, read_at__isnull=True)
