"""Reports on paper: Chinese that can be copied, and a clear sentence where a machine can't print."""

import io
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.urls import reverse
from django.utils import translation
from pypdf import PdfReader

from parking_share import clock
from parking_share.spaces.models import District, Role
from parking_share.web import printing
from parking_share.web.printing import PrintingRefused, as_pdf
from surveys.study import reproduction
from tests.factories import NOW, grant, make_user
from tests.interface.pages import client_of, text_of
from tests.survey_rows import make_responses, make_wave

pytestmark = pytest.mark.django_db


def client_in(city: str, language: str):
    user = make_user(language=language)
    grant(user, Role.CITY_STAFF, district=District.objects.get_or_create(city=city, name="南明")[0])
    return client_of(user)


def text_of_pdf(document: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages).replace("\n", "")


def test_a_report_in_chinese_can_be_read_back(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    found = reproduction.reproduce(now=NOW)
    wave = found.waves["owners"]

    response = client_in("贵阳", "zh-hans").get(reverse("web:city_wave_report", args=[wave.pk]))

    told = text_of_pdf(response.content)
    assert response["Content-Type"] == "application/pdf"
    assert "私家车位共享意愿调查" in told
    assert "您是否愿意对外共享车位？" in told
    assert "68.45" in told
    assert "未使用过但有使用意愿" in told


def test_every_font_of_a_report_is_embedded():
    with translation.override("zh-hans"):
        document = as_pdf("<p>车位共享 parking · 68.45 %</p>")

    page = PdfReader(io.BytesIO(document)).pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    described = [one["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object() for one in fonts]
    assert described
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(one) for one in described)


def test_a_report_fetches_nothing(tmp_path):
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    (tmp_path / "secret.css").write_text("p::after { content: 'from the disk' }")
    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        document = as_pdf(
            f'<img src="{address}/x.png"><link rel="stylesheet" href="{address}/x.css">'
            f'<link rel="stylesheet" href="file://{tmp_path}/secret.css"><p>text</p>'
        )
        server.shutdown()
        thread.join()

    assert asked == []
    assert text_of_pdf(document) == "text1 / 1"


@pytest.mark.parametrize("lack", ["library", "font"])
def test_a_machine_that_cannot_print_says_what_it_lacks(monkeypatch, lack):
    if lack == "library":
        monkeypatch.setitem(sys.modules, "weasyprint", None)
    else:
        monkeypatch.setattr(printing, "_has_chinese_font", lambda: False)
    wave = make_wave()
    make_responses(wave, *[{}] * 5)

    answer = client_in(wave.questionnaire.city, "en").get(reverse("web:city_wave_report", args=[wave.pk]), follow=True)

    assert answer.status_code == 200
    assert "No PDF can be made here" in text_of(answer)
    with pytest.raises(PrintingRefused):
        as_pdf("<p>text</p>")
