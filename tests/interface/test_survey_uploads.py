"""Hostile tables: whatever is uploaded, the answer is a page; what comes in is whole or told; no cell runs.

`HYPOTHESIS_PROFILE=thorough` tries 2,000; `SURVEY_UPLOADS=10000` as many as that.
"""

import csv
import io
import os
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from parking_share.spaces.models import District, Role
from surveys import imports
from surveys.formulas import STARTS
from surveys.models import ResponseImport
from tests.factories import NOW, grant, make_user
from tests.interface.pages import client_of
from tests.survey_rows import make_wave

pytestmark = [pytest.mark.django_db, pytest.mark.fuzz]
MOST = int(os.environ.get("SURVEY_UPLOADS", "0"))
HEADER = ["reference", "bay", "share", "hours", "worries", "ease", "trust", "fee", "remarks"]
EVIL = [
    "=1+1",
    "+cmd|'/C calc'!A0",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "'=1",
    "＝1",
    '"',
    "\x00",
    "\r",
    "\n",
    "1e999",
    "NaN",
    "😀",
    "\u202e",
    "owned",
    "yes",
    "morning;noon",
    "4",
]

cells = st.one_of(st.sampled_from(EVIL), st.text(max_size=20))
rows = st.lists(st.lists(cells, max_size=11), max_size=6)
headers = st.one_of(st.just(HEADER), st.lists(st.text(max_size=8), max_size=11))


@st.composite
def csv_tables(draw) -> bytes:
    """Tables, most of them nearly right, in several encodings, some cut short or with a byte changed."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=draw(st.sampled_from(",;\t")), quoting=draw(st.sampled_from([0, 1])))
    writer.writerows([draw(headers), *draw(rows)])
    data = text.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"])), "replace")
    if draw(st.booleans()) and data:
        place = draw(st.integers(0, len(data) - 1))
        data = data[:place] + draw(st.binary(max_size=4)) + (b"" if draw(st.booleans()) else data[place + 1 :])
    return data


@st.composite
def workbooks(draw) -> bytes:
    """Workbooks with anything in their cells, some with a byte changed."""
    book, file = Workbook(), io.BytesIO()
    printable = st.text(st.characters(min_codepoint=32, codec="utf-8"), max_size=20)
    value = st.one_of(printable, st.integers(-(10**12), 10**12), st.booleans(), st.just("=1+1"), st.none())
    sheet = book.worksheets[0]
    for row in [HEADER, *draw(st.lists(st.lists(value, max_size=10), max_size=5))]:
        sheet.append(row)
    book.save(file)
    data = bytearray(file.getvalue())
    if draw(st.booleans()):
        data[draw(st.integers(0, 1 << 16)) % len(data)] ^= draw(
            st.integers(1, 255)
        )  # its length is not always the same
    return bytes(data)


@pytest.fixture
def staff():
    user = make_user()
    grant(user, Role.CITY_STAFF, district=District.objects.create(city="深圳", name="福田"))
    return client_of(user)


class Named(io.BytesIO):
    """A file under any name, as a hostile program would send it."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in range(5):
            archive.writestr(f"xl/{part}.xml", b"0" * (90 * 1024 * 1024))
    return packed.getvalue()


@settings(
    max_examples=MOST or settings().max_examples // 2, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.one_of(csv_tables(), workbooks(), st.binary(max_size=200)), name=st.text(min_size=1, max_size=30))
@example(content=b"PK\x03\x04", name="../../etc/passwd\u202egpj.xlsx")
@example(content=b"reference,remarks\n1,=1+1\n2,'=1\n", name="=1+1.csv")
@example(content=b"reference,bay\n\x00,owned\n", name="n\x00l.csv")
@example(content=b'reference,bay\n"1,owned\n2,rented\n', name="quote.csv")
def test_no_upload_breaks_a_page_runs_in_a_cell_or_loses_anything(staff, content, name):
    wave = make_wave()
    sent = staff.post(reverse("web:city_wave_import", args=[wave.pk]), {"table": Named(name, content)})
    assert sent.status_code in {200, 302}
    job = ResponseImport.objects.filter(wave=wave).first()
    if job is None:
        return
    shown = staff.get(reverse("web:city_import", args=[job.pk]))
    chosen = {column["field"]: column["chosen"] for column in shown.context["columns"]}
    assert staff.post(reverse("web:city_import", args=[job.pk]), chosen).status_code in {302, 400}
    imports.work_on(import_id=job.pk, now=NOW)
    staff.post(reverse("web:city_import_start", args=[job.pk]))
    imports.work_on(import_id=job.pk, now=NOW)
    assert staff.get(reverse("web:city_import", args=[job.pk])).status_code == 200

    job.refresh_from_db()
    assert wave.responses.count() == (job.created if job.state == "DONE" else 0)
    assert job.rows_done == job.created + job.already_there + job.refused
    assert job.refused == job.problems.count()
    assert_harmless(staff, wave, job)


def assert_harmless(staff, wave, job) -> None:
    """No cell of any download is a formula."""
    for route, pk in (("web:city_wave_csv", wave.pk), ("web:city_import_problems", job.pk)):
        table = b"".join(staff.get(reverse(route, args=[pk])).streaming_content).decode("utf-8-sig")
        assert not [cell for row in csv.reader(io.StringIO(table)) for cell in row if cell.startswith(STARTS)]
    book = b"".join(staff.get(reverse("web:city_wave_xlsx", args=[wave.pk])).streaming_content)
    sheet = load_workbook(io.BytesIO(book)).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}


def test_a_workbook_that_would_fill_the_memory_is_refused(staff):
    wave = make_wave()

    answer = staff.post(
        reverse("web:city_wave_import", args=[wave.pk]), {"table": SimpleUploadedFile("bomb.xlsx", bomb())}
    )

    assert "too large when unpacked" in answer.content.decode()
    assert not ResponseImport.objects.exists()


@pytest.mark.parametrize("size", [20, 3_000_000], ids=["in memory", "in a file"])
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\shares\\表.csv", "表.csv"),
        ("\u202egpj.csv", "gpj.csv"),
        ("n\x00l\n.csv", "nl.csv"),
        ("&#x2f;etc/", "table"),
    ],
)
def test_the_name_of_a_table_is_kept_as_text(staff, name, kept, size):
    wave = make_wave()

    sent = staff.post(reverse("web:city_wave_import", args=[wave.pk]), {"table": Named(name, table_of(size))})

    assert sent.status_code == 302
    assert ResponseImport.objects.get().file_name == kept


@pytest.mark.parametrize("size", [20, 3_000_000], ids=["in memory", "in a file"])
@pytest.mark.parametrize("name", ["a." + "x" * 300, "a." + "表" * 100, "表" * 250 + ".csv"])
def test_a_name_longer_than_a_path_can_be_is_answered_in_words(staff, name, size):
    wave = make_wave()

    sent = staff.post(reverse("web:city_wave_import", args=[wave.pk]), {"table": Named(name, table_of(size))})

    assert sent.status_code in {200, 302}
    assert [len(job.file_name) <= 200 for job in ResponseImport.objects.all()] == [True] * (sent.status_code == 302)


def table_of(size: int) -> bytes:
    return b"reference,bay\n" + b"1,owned\n" * (size // len(b"1,owned\n"))
