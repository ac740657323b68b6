"""Paper forms and tables on pages: typed, settled, checked, taken in."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from surveys import imports
from surveys.models import ResponseImport
from tests.factories import NOW
from tests.interface.pages import text_of
from tests.survey_rows import make_wave

pytestmark = pytest.mark.django_db


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


def test_a_paper_form_is_typed_by_number(client):
    wave = make_wave()
    typed = {"bay": "1", "share": "1", "hours": "1 2", "worries": "1", "ease": "4", "trust": "3", "fee": "8"}

    kept = client.post(page("city_wave_enter", wave.pk), typed | {"form_number": "17"}, follow=True)
    again = client.post(page("city_wave_enter", wave.pk), typed | {"form_number": "17"})
    slip = client.post(page("city_wave_enter", wave.pk), typed | {"form_number": "18", "bay": "9"})
    nameless = client.post(page("city_wave_enter", wave.pk), typed)

    assert "Form 17 is kept." in text_of(kept)
    assert (again.status_code, slip.status_code, nameless.status_code) == (400, 400, 400)
    assert "was entered already" in text_of(again)
    assert "“9” is none of the possible answers." in text_of(slip)
    assert 'value="18"' in slip.content.decode()
    assert "autofocus" in client.get(page("city_wave_enter", wave.pk)).content.decode()


def test_two_entries_that_differ_are_settled(client):
    wave = make_wave(needs_double_entry=True)
    typed = {"bay": "1", "share": "1", "hours": "1", "ease": "4", "form_number": "17"}
    client.post(page("city_wave_enter", wave.pk), typed)

    differ = client.post(page("city_wave_enter", wave.pk), typed | {"ease": "5"}, follow=True)
    settled = client.post(page("city_wave_settle", wave.pk, "17"), {"ease": "5"}, follow=True)

    assert "First entry 4 Second entry 5 easy" in text_of(differ)
    assert "Form 17 is settled." in text_of(settled)
    assert wave.responses.get().standing == "VALID"
    assert client.get(page("city_wave_settle", wave.pk, "17")).status_code == 404


TABLE = "reference,bay,share,hours,ease\n1,owned,yes,noon,4\n2,castle,yes,noon,4\n"


def send(client, wave, content: str | bytes = TABLE, name: str = "forms.csv"):
    data = content.encode() if isinstance(content, str) else content
    return client.post(page("city_wave_import", wave.pk), {"table": SimpleUploadedFile(name, data)})


def test_a_table_is_checked_then_taken_in(client):
    wave = make_wave()
    job = ResponseImport.objects.get(pk=int(send(client, wave)["Location"].rsplit("/", 1)[1]))
    shown = client.get(page("city_import", job.pk))
    chosen = {column["field"]: column["chosen"] for column in shown.context["columns"]}
    client.post(page("city_import", job.pk), chosen)
    waiting = client.get(page("city_import", job.pk), headers={"HX-Request": "true"})
    imports.work_on(import_id=job.pk, now=NOW)

    checked = text_of(client.get(page("city_import", job.pk)))
    client.post(page("city_import_start", job.pk))
    imports.work_on(import_id=job.pk, now=NOW)
    done = text_of(client.get(page("city_import", job.pk)))
    problems = b"".join(client.get(page("city_import_problems", job.pk)).streaming_content).decode()

    assert 'hx-trigger="every 2s"' in waiting.content.decode()
    assert "<html" not in waiting.content.decode()
    assert "1 would be taken in" in checked
    assert "“castle” is none of the possible answers." in checked
    assert "1 taken in" in done
    assert "3,bay,“castle”" in problems
    assert wave.responses.count() == 1
    assert client.post(page("city_import_start", job.pk)).status_code == 409


def test_what_is_no_table_is_refused_beside_the_field(client):
    wave = make_wave()

    for content in (b"PK\x03\x04broken", b"\xff\xfe\xff", b""):
        answer = send(client, wave, content)
        assert answer.context["form"].errors.keys() == {"table"}
    assert not ResponseImport.objects.exists()


def test_columns_that_make_no_sense_are_told(client):
    wave = make_wave()
    job = ResponseImport.objects.get(pk=int(send(client, wave)["Location"].rsplit("/", 1)[1]))

    refused = client.post(page("city_import", job.pk), {"column-0": "q:bay", "column-1": "q:bay"})

    assert refused.status_code == 400
    assert "Two columns can't both be" in text_of(refused)
