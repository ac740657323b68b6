import re

import pytest
from django.core import mail
from django.urls import reverse

from parking_share.accounts.models import User
from parking_share.web.phones import normalise_phone
from tests.factories import PASSWORD, make_user
from tests.interface.pages import client_of, text_of

pytestmark = pytest.mark.django_db
PUBLIC_PAGES = ["web:landing", "web:search", "account_login", "account_signup", "account_reset_password"]
PERSONAL_PAGES = [
    "web:landing",
    "web:reservations",
    "web:vehicles",
    "web:notices",
    "account_email",
    "account_change_password",
    "account_logout",
]


@pytest.fixture
def visitor(client):
    client.cookies["django_language"] = "en"
    return client


def sign_up(client, contact):
    return client.post(reverse("account_signup"), {"contact": contact, "password1": PASSWORD})


def log_in(client, login, password=PASSWORD, **fields):
    return client.post(reverse("account_login"), {"login": login, "password": password} | fields)


@pytest.mark.parametrize(
    ("contact", "email", "phone"),
    [
        ("New.Person@Example.org", "new.person@example.org", None),
        ("138 0013 8000", None, "+8613800138000"),
        ("+65 9123-4567", None, "+6591234567"),
    ],
)
def test_person_signs_up_with_an_address_or_a_phone_number(visitor, contact, email, phone):
    response = sign_up(visitor, contact)

    person = User.objects.get()
    assert response.status_code == 302
    assert (person.email, person.phone, person.phone_verified, person.language) == (email, phone, False, "en")
    assert visitor.get(reverse("web:reservations")).status_code == 200


@pytest.mark.parametrize(
    ("contact", "sentence"),
    [
        ("nonsense", "Write the number with its country code"),
        ("a@b", "Enter a valid email address."),
        ("taken@example.org", "A user is already registered with this email address."),
        ("13800138000", "Somebody is registered with this phone number already."),
        ("", "This field is required."),
    ],
)
def test_sign_up_is_refused_beside_the_field(visitor, contact, sentence):
    make_user(email="taken@example.org")
    make_user(phone="+8613800138000")

    page = sign_up(visitor, contact)

    assert list(page.context["form"].errors) == ["contact"]
    assert sentence in text_of(page)


@pytest.mark.parametrize("login", ["Driver@Example.org", "+8613800138000", "138-0013-8000"])
def test_person_logs_in_with_either_name(visitor, login):
    make_user(email="driver@example.org", phone="+8613800138000")

    assert log_in(visitor, login).url == "/"


def test_log_in_leads_back_to_where_it_was_asked_for(visitor):
    make_user(email="driver@example.org")

    assert log_in(visitor, "driver@example.org", next="/vehicles").url == "/vehicles"
    assert log_in(visitor, "driver@example.org", next="//elsewhere.example/").url == "/"


def test_wrong_password_is_refused_in_a_sentence(visitor):
    make_user(email="driver@example.org")

    page = log_in(visitor, "driver@example.org", "wrong")

    assert page.status_code == 200
    assert "not correct" in text_of(page)


def test_many_wrong_passwords_are_stopped(visitor):
    make_user(email="driver@example.org")

    answers = [text_of(log_in(visitor, "driver@example.org", "wrong")) for _ in range(12)]

    assert "Too many failed login attempts" in answers[-1]


def test_admin_log_in_goes_through_the_sites_own(visitor):
    response = visitor.get(reverse("admin:index"), follow=True)

    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))


def test_lost_password_is_reset_by_mail(visitor):
    person = make_user(email="driver@example.org")

    visitor.post(reverse("account_reset_password"), {"email": person.email})
    link = re.search(r"/account/password/reset/key/\S+", mail.outbox[0].body).group()
    form = visitor.get(link, follow=True)
    visitor.post(form.redirect_chain[-1][0], {"password1": "another-street-48", "password2": "another-street-48"})

    assert log_in(visitor, person.email, "another-street-48").status_code == 302


@pytest.mark.parametrize(("language", "words"), [("en", "Sign in"), ("zh-hans", "简体中文")])
@pytest.mark.parametrize("name", PUBLIC_PAGES)
def test_public_pages_render_in_both_languages(client, name, language, words):
    client.cookies["django_language"] = language

    page = client.get(reverse(name))

    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.content.decode()
    assert (words in text_of(page)) == (language == "en")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("name", PERSONAL_PAGES)
def test_personal_pages_render_in_both_languages(name, language):
    page = client_of(make_user(language=language)).get(reverse(name))

    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.content.decode()


@pytest.mark.parametrize("name", [name for name in PERSONAL_PAGES if name not in {"web:landing", "account_logout"}])
def test_personal_pages_ask_for_the_log_in(client, name):
    assert client.get(reverse(name)).url.startswith(reverse("account_login"))


def test_language_switch_keeps_the_page_and_the_choice(visitor):
    person = make_user(language="en")
    client = client_of(person)

    response = client.post(reverse("web:set_language"), {"language": "zh-hans", "next": "/vehicles"})
    person.refresh_from_db()

    assert response.url == "/vehicles"
    assert (person.language, client.cookies["django_language"].value) == ("zh-hans", "zh-hans")


@pytest.mark.parametrize(("language", "following"), [("xx", "/"), ("en", "//elsewhere.example/")])
def test_language_switch_takes_no_nonsense(language, following):
    person = make_user(language="zh-hans")

    response = client_of(person).post(reverse("web:set_language"), {"language": language, "next": following})
    person.refresh_from_db()

    assert response.url == "/"
    assert person.language in {"zh-hans", "en"}


def test_log_in_brings_the_language_along(client):
    make_user(email="driver@example.org", language="zh-hans")
    client.cookies["django_language"] = "en"

    log_in(client, "driver@example.org")

    assert '<html lang="zh-hans">' in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("13800138000", "+8613800138000"),
        ("86 138 0013 8000", "+8613800138000"),
        ("0086-13800138000", "+8613800138000"),
        ("+86 (138) 0013.8000", "+8613800138000"),
        ("0065 9123 4567", "+6591234567"),
        ("91234567", "91234567"),
    ],
)
def test_phone_number_has_one_spelling(typed, number):
    assert normalise_phone(typed) == number
