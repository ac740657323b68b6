import polib
import pytest

from scripts import marked_strings, translations
from scripts.refusal import StartRefused


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project with a page, a module and a catalogue."""
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(marked_strings, "ROOT", tmp_path)
    (tmp_path / "page.html").write_text(
        "{% load i18n %}{% translate 'Book' %}{% blocktranslate count n=n %}{{ n }} bay{% plural %}{{ n }} bays"
        "{% endblocktranslate %}{% translate 'May' context 'month' %}"
    )
    (tmp_path / "module.py").write_text('from x import gettext as _\n_("Cancel")\n_(variable)\n')
    monkeypatch.setattr(
        marked_strings, "_files", lambda _domain: [marked_strings.Path("page.html"), marked_strings.Path("module.py")]
    )
    catalogue = tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    catalogue.parent.mkdir(parents=True)
    file = polib.POFile()
    file.metadata = {"Content-Type": "text/plain; charset=utf-8", "Plural-Forms": "nplurals=1; plural=0;"}
    file.append(polib.POEntry(msgid="Book", msgstr="预订"))
    file.append(polib.POEntry(msgid="Gone", msgstr="没了"))
    file.save(str(catalogue))
    return catalogue


def test_every_way_of_marking_a_string_is_found(project):
    assert set(marked_strings.marked_for("django")) == {
        ("", "Book", ""), ("", "%(n)s bay", "%(n)s bays"), ("month", "May", ""), ("", "Cancel", ""),
    }  # fmt: skip


def test_missing_and_unused_translations_are_named(project):
    found = list(translations.complaints(project, set(marked_strings.marked_for("django"))))

    where = "locale/zh_Hans/LC_MESSAGES/django.po"
    assert found == [
        f"{where}: missing: '%(n)s bay'",
        f"{where}: missing: 'Cancel'",
        f"{where}: missing: 'May'",
        f"{where}: no longer used: 'Gone'",
    ]


def test_update_adds_what_is_new_and_keeps_what_is_translated(project):
    translations.update()

    entries = {entry.msgid: entry.msgstr for entry in polib.pofile(str(project))}
    assert entries == {"Book": "预订", "%(n)s bay": "", "Cancel": "", "May": ""}


def test_an_absent_catalogue_is_told_and_update_begins_it(project):
    project.unlink()

    with pytest.raises(StartRefused, match=r"absent; \./run generate makes it"):
        translations.check()
    translations.update()

    assert {entry.msgid for entry in polib.pofile(str(project))} == {"Book", "%(n)s bay", "Cancel", "May"}


def test_compiled_translations_can_be_read(project):
    translations.compile_all()

    assert {entry.msgid: entry.msgstr for entry in polib.mofile(str(project.with_suffix(".mo")))} == {
        "Book": "预订", "Gone": "没了",
    }  # fmt: skip
