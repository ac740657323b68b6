"""The periodic jobs of the room, as beat rings them."""

from datetime import timedelta

import pytest
from django.conf import settings

from parking_share import bells, clock
from parking_share.celery import app
from sensors import tasks
from sensors.models import Deletion, Kind, OccupancyProfile, OccupancySlot, Stay
from sensors.slots import slot_start
from tests.factories import make_device, make_lot, make_reading, make_slot, make_space

pytestmark = pytest.mark.django_db


def test_every_job_on_the_schedule_is_there():
    app.loader.import_default_modules()
    wanted = {job["task"] for job in settings.CELERY_BEAT_SCHEDULE.values() if job["task"].startswith("sensors.")}

    assert wanted >= {"sensors.roll_up", "sensors.learn_profiles", "sensors.tend_months", "sensors.forget"}
    assert wanted <= set(app.tasks)


def test_each_job_does_its_work_and_nothing_more_the_second_time():
    now = clock.now()
    lot = make_lot(capacity=10)
    sensor = make_device(lot, space=make_space(lot), heartbeat_s=24 * 3600)
    make_reading(sensor, Kind.OCCUPIED, slot_start(now) - timedelta(hours=3))
    make_slot(make_lot(capacity=10), slot_start(now) - timedelta(days=2), 4)
    Stay.objects.create(
        lot=lot,
        source="GATE",
        plate_exact_hash=b"h" * 32,
        began_at=now - timedelta(days=50),
        ended_at=now - timedelta(days=40),
    )

    for _ in range(2):
        with bells.muted():
            tasks.roll_up()
            tasks.learn_profiles()
            tasks.tend_months()
            tasks.forget()

    assert OccupancySlot.objects.filter(lot=lot, mean_occupied=1).count() in {11, 12}
    assert OccupancyProfile.objects.exclude(lot=lot).get().samples.count(1) == 1
    assert Deletion.objects.get().what == "plates of stays"
