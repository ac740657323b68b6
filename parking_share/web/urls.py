from django.urls import path

from parking_share.web import landing, languages, search

app_name = "web"
urlpatterns = [
    path("", landing.landing, name="landing"),
    path("places", landing.suggest, name="suggest"),
    path("language", languages.switch_language, name="set_language"),
    path("search", search.search, name="search"),
]
