"""Addresses of what service areas say in words, tables and files."""

from django.urls import path

from parking_share.web import city_coverage, city_coverage_embed, city_coverage_whatif, city_coverage_willingness

urlpatterns = [
    path("city/coverage", city_coverage.overview, name="city_coverage"),
    path("city/coverage/lots/<int:lot_id>", city_coverage.lot_day, name="city_coverage_lot"),
    path("city/coverage/lots/<int:lot_id>/day.csv", city_coverage.lot_day_csv, name="city_coverage_lot_csv"),
    path("city/coverage/clusters", city_coverage.clusters, name="city_coverage_clusters"),
    path("city/coverage/clusters.geojson", city_coverage.clusters_geojson, name="city_coverage_clusters_geojson"),
    path("city/coverage/areas.geojson", city_coverage.areas_geojson, name="city_coverage_areas_geojson"),
    path("city/coverage/areas.csv", city_coverage.areas_csv, name="city_coverage_areas_csv"),
    path("city/coverage/districts.csv", city_coverage.districts_csv, name="city_coverage_districts_csv"),
    path("city/coverage/shortages.csv", city_coverage.shortages_csv, name="city_coverage_shortages_csv"),
    path("city/coverage/map.png", city_coverage.picture_png, name="city_coverage_png"),
    path("embed/coverage/<str:city>", city_coverage_embed.embedded, name="embed_coverage"),
    path("embed/coverage/<str:city>/map.svg", city_coverage_embed.embedded_drawing, name="embed_coverage_drawing"),
    path("city/coverage/willingness", city_coverage_willingness.willingness, name="city_willingness"),
    path(
        "city/coverage/willingness.geojson",
        city_coverage_willingness.willingness_geojson,
        name="city_willingness_geojson",
    ),
    path("city/what-if", city_coverage_whatif.what_if, name="city_whatif"),
    path("city/what-if/save", city_coverage_whatif.save, name="city_whatif_save"),
    path("city/what-if/differences.csv", city_coverage_whatif.differences_csv, name="city_whatif_csv"),
    path("city/what-if/<slug:digest>/<slug:part>", city_coverage_whatif.painted, name="city_whatif_painted"),
    path("city/scenarios/<str:link>", city_coverage_whatif.scenario, name="city_scenario"),
    path("city/scenarios/<str:link>/prolong", city_coverage_whatif.prolong, name="city_scenario_prolong"),
    path("city/scenarios/<str:link>/delete", city_coverage_whatif.delete, name="city_scenario_delete"),
]
