from django.db import migrations

OPENNESS = {"PUBLIC": "1.00", "COMMERCIAL": "0.90", "OFFICE": "0.50", "RESIDENTIAL": "0.30"}

# Importance of the 24 local hours in per cent, by land use: where nothing has been measured yet.
IMPORTANCE = {
    ("RESIDENTIAL", "WORKDAY"): [60, 60, 60, 60, 60, 60, 60, 70, 90, 100, 100, 100, 95, 95, 100, 100, 95, 85, 85, 90, 90, 85, 75, 65],
    ("RESIDENTIAL", "DAY_OFF"): [70, 70, 70, 70, 70, 70, 70, 70, 75, 85, 95, 100, 100, 100, 100, 95, 95, 95, 100, 100, 95, 90, 80, 75],
    ("OFFICE", "WORKDAY"): [30, 30, 30, 30, 30, 30, 40, 60, 90, 100, 100, 100, 95, 95, 100, 100, 95, 85, 75, 70, 65, 55, 45, 35],
    ("OFFICE", "DAY_OFF"): [35, 35, 35, 35, 35, 35, 35, 40, 45, 55, 65, 70, 75, 75, 75, 75, 75, 80, 85, 85, 80, 65, 50, 40],
    ("COMMERCIAL", "WORKDAY"): [15, 15, 15, 15, 15, 15, 20, 25, 40, 60, 75, 85, 90, 85, 85, 85, 85, 90, 100, 100, 95, 80, 50, 25],
    ("COMMERCIAL", "DAY_OFF"): [20, 15, 15, 15, 15, 15, 20, 25, 40, 65, 85, 95, 100, 100, 100, 100, 100, 100, 100, 100, 95, 80, 55, 30],
    ("PUBLIC", "WORKDAY"): [25, 20, 20, 20, 20, 20, 30, 55, 90, 100, 100, 95, 80, 85, 95, 95, 85, 65, 50, 45, 40, 35, 30, 25],
    ("PUBLIC", "DAY_OFF"): [25, 20, 20, 20, 20, 20, 25, 35, 50, 65, 75, 75, 70, 70, 75, 75, 70, 60, 55, 50, 45, 40, 30, 25],
}


def add_defaults(apps, schema_editor):
    for code, openness in OPENNESS.items():
        apps.get_model("spaces", "AccessClass").objects.get_or_create(code=code, defaults={"openness": openness})
    for (land_use, day_type), importance in IMPORTANCE.items():
        apps.get_model("spaces", "Tariff").objects.get_or_create(
            lot=None, land_use=land_use, day_type=day_type, defaults={"importance_percent": importance}
        )
    apps.get_model("spaces", "BookingLimits").objects.get_or_create(lot=None)


class Migration(migrations.Migration):
    dependencies = [("spaces", "0001_initial")]

    operations = [migrations.RunPython(add_defaults, migrations.RunPython.noop)]
