from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler400 = "parking_share.web.errors.bad_request"
handler500 = "parking_share.web.errors.server_error"

urlpatterns = [
    path("api/v1/", include("parking_share.api.urls")),
    path("", include("parking_share.web.urls")),
    path("account/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
]
