from django.urls import path

from parking_share.web import booking, health, landing, languages, notices, owner, reservations, search, vehicles

app_name = "web"
urlpatterns = [
    path("", landing.landing, name="landing"),
    path("places", landing.suggest, name="suggest"),
    path("language", languages.switch_language, name="set_language"),
    path("search", search.search, name="search"),
    path("book/<int:lot_id>", booking.book, name="book"),
    path("reservations", reservations.reservation_list, name="reservations"),
    path("reservations/<int:reservation_id>", reservations.reservation_detail, name="reservation"),
    path("reservations/<int:reservation_id>/alternatives", reservations.alternatives, name="alternatives"),
    path("reservations/<int:reservation_id>/cancel", reservations.cancel, name="cancel"),
    path("reservations/<int:reservation_id>/arrive", reservations.arrive, name="arrive"),
    path("reservations/<int:reservation_id>/leave", reservations.leave, name="leave"),
    path("vehicles", vehicles.vehicle_list, name="vehicles"),
    path("vehicles/<int:vehicle_id>/remove", vehicles.vehicle_remove, name="vehicle_remove"),
    path("notices", notices.notice_list, name="notices"),
    path("notices/read", notices.mark_read, name="notices_read"),
    path("owner/spaces", owner.space_list, name="owner_spaces"),
    path("owner/spaces/new", owner.register, name="owner_register"),
    path("owner/spaces/<int:space_id>", owner.space_detail, name="owner_space"),
    path("owner/spaces/<int:space_id>/hours", owner.hours, name="owner_hours"),
    path("owner/spaces/<int:space_id>/take-out", owner.take_out, name="owner_take_out"),
    path("owner/spaces/<int:space_id>/margin", owner.margin, name="owner_margin"),
    path("owner/rules/<int:rule_id>/withdraw", owner.withdraw_rule, name="owner_withdraw"),
    path("owner/exceptions/<int:exception_id>/restore", owner.restore, name="owner_restore"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
