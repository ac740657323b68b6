"""A second anchor: the same bare insert behind this site's own middleware, log lines and tokens."""

from django.urls import path
from rest_framework.permissions import IsAuthenticated

from benchmarks.anchor import Insert
from parking_share.api.authentication import TokenAuthentication


class SignedInsert(Insert):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)


urlpatterns = [path("rows", SignedInsert.as_view())]
