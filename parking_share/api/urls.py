from django.urls import path, re_path

from parking_share.api import gates, guards, lots, notices, push, reservations, sensors, spaces, tokens, vehicles
from parking_share.api import reservation_troubles as troubles
from parking_share.api.views import Description, Nowhere

app_name = "api"
urlpatterns = [
    path("lots", lots.LotList.as_view(), name="lots"),
    path("lots/<int:lot_id>", lots.LotDetail.as_view(), name="lot"),
    path("lots/<int:lot_id>/quote", lots.LotQuote.as_view(), name="lot_quote"),
    path("reservations", reservations.ReservationList.as_view(), name="reservations"),
    path("reservations/<int:reservation_id>", reservations.ReservationDetail.as_view(), name="reservation"),
    path(
        "reservations/<int:reservation_id>/cancel",
        reservations.ReservationCancel.as_view(),
        name="reservation_cancel",
    ),
    path(
        "reservations/<int:reservation_id>/arrive",
        reservations.ReservationArrive.as_view(),
        name="reservation_arrive",
    ),
    path("reservations/<int:reservation_id>/leave", reservations.ReservationLeave.as_view(), name="reservation_leave"),
    path("reservations/<int:reservation_id>/extend", troubles.ReservationExtend.as_view(), name="reservation_extend"),
    path("reservations/<int:reservation_id>/bay-taken", troubles.BayTaken.as_view(), name="reservation_bay_taken"),
    path("vehicles", vehicles.VehicleList.as_view(), name="vehicles"),
    path("vehicles/<int:vehicle_id>", vehicles.VehicleDetail.as_view(), name="vehicle"),
    path("spaces", spaces.SpaceList.as_view(), name="spaces"),
    path("spaces/<int:space_id>", spaces.SpaceDetail.as_view(), name="space"),
    path("spaces/<int:space_id>/rules", spaces.RuleList.as_view(), name="space_rules"),
    path("spaces/<int:space_id>/rules/<int:rule_id>", spaces.RuleDetail.as_view(), name="space_rule"),
    path("spaces/<int:space_id>/windows", spaces.WindowList.as_view(), name="space_windows"),
    path("spaces/<int:space_id>/exceptions", spaces.ExceptionList.as_view(), name="space_exceptions"),
    path("notices", notices.NoticeList.as_view(), name="notices"),
    path("notices/read", notices.NoticesRead.as_view(), name="notices_read"),
    path("tokens", tokens.TokenList.as_view(), name="tokens"),
    path("tokens/current", tokens.CurrentToken.as_view(), name="current_token"),
    path("sensors/events", sensors.SensorEvents.as_view(), name="sensor_events"),
    path("sensors/push/<str:secret>", push.SensorPush.as_view(), name="sensor_push"),
    path("gates", guards.GateList.as_view(), name="gates"),
    path("gates/<int:gate_id>/answers", guards.GateAnswers.as_view(), name="gate_answers"),
    path("gates/<int:gate_id>/open", guards.GateOpen.as_view(), name="gate_open"),
    path("gates/<int:gate_id>/code", gates.GateCode.as_view(), name="gate_code"),
    path("gates/<int:gate_id>/whitelist", gates.GateWhitelist.as_view(), name="gate_whitelist"),
    path("reservations/<int:reservation_id>/code", gates.ReservationCode.as_view(), name="reservation_code"),
    path("openapi.yaml", Description.as_view(), name="openapi"),
    re_path("", Nowhere.as_view(), name="nowhere"),
]
