"""Addresses of the policy laboratory."""

from django.urls import path

from parking_share.web import city_policies

ONE = "city/policies/<int:comparison_id>"

urlpatterns = [
    path("city/policies", city_policies.laboratory_page, name="city_laboratory"),
    path("city/policies/upload", city_policies.upload, name="city_laboratory_upload"),
    path(ONE, city_policies.comparison, name="city_comparison"),
    path(f"{ONE}/cancel", city_policies.cancel, name="city_comparison_cancel"),
    path(f"{ONE}/<slug:table>.csv", city_policies.table, name="city_comparison_table"),
    path(f"{ONE}/<slug:picture>.svg", city_policies.picture, name="city_comparison_picture"),
]
