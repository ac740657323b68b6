"""Translations without GNU gettext: compile *.po, and compare them with what the code marks.

python -m scripts.translations compile    make the *.mo files that are older than their *.po
python -m scripts.translations check      every marked string has a finished translation, and no other has
python -m scripts.translations update     add new strings to the *.po files and drop those no longer used
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import polib

from scripts.places import ROOT
from scripts.refusal import StartRefused, run_or_explain

Key = tuple[str, str, str]  # context, singular, plural

WANTED = (Path("locale/zh_Hans/LC_MESSAGES/django.po"),)
HEADER = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Transfer-Encoding": "8bit",
    "Language": "zh_Hans",
    "Plural-Forms": "nplurals=1; plural=0;",
}


def catalogues() -> Iterator[Path]:
    """All translation files of the project."""
    yield from sorted(ROOT.glob("locale/*/LC_MESSAGES/django*.po"))


def compile_all() -> int:
    """Compile what has changed; the result is not kept in the repository."""
    for source in catalogues():
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            half_made = target.with_suffix(f".{os.getpid()}.mo")
            polib.pofile(str(source)).save_as_mofile(str(half_made))
            half_made.replace(target)
    return 0


def key_of(entry: polib.POEntry) -> Key:
    return (entry.msgctxt or "", entry.msgid, entry.msgid_plural or "")


def is_finished(entry: polib.POEntry) -> bool:
    return bool(entry.translated()) and not entry.fuzzy


def complaints(catalogue: Path, marked: set[Key]) -> Iterator[str]:
    """One line for each string that is missing, unfinished or no longer used."""
    entries = {key_of(entry): entry for entry in polib.pofile(str(catalogue)) if not entry.obsolete}
    where = catalogue.relative_to(ROOT)
    yield from (f"{where}: missing: {key[1]!r}" for key in sorted(marked - entries.keys()))
    yield from (f"{where}: no longer used: {key[1]!r}" for key in sorted(entries.keys() - marked))
    yield from (
        f"{where}: not translated: {entry.msgid!r}"
        for key, entry in entries.items()
        if key in marked and not is_finished(entry)
    )


def check() -> int:
    """Compare every catalogue with the strings that code and templates mark."""
    from scripts.marked_strings import marked_for  # noqa: PLC0415 -- needs Babel, which only developers install

    absent = [str(path) for path in WANTED if not (ROOT / path).is_file()]
    if absent:
        raise StartRefused(f"{', '.join(absent)}: absent; ./run generate makes it, then translate.")
    found = [line for catalogue in catalogues() for line in complaints(catalogue, set(marked_for(catalogue.stem)))]
    if found:
        print("\n".join(found))
        raise StartRefused(f"{len(found)} translations to mend: ./run generate updates the files, then translate.")
    return 0


def update() -> int:
    """Bring the strings of every catalogue up to date, leaving translations as they are."""
    from scripts.marked_strings import marked_for  # noqa: PLC0415 -- needs Babel, which only developers install

    for catalogue in sorted({*catalogues(), *(ROOT / path for path in WANTED)}):
        if not catalogue.exists():
            _begin(catalogue)
        marked = marked_for(catalogue.stem)
        file = polib.pofile(str(catalogue), wrapwidth=100)
        kept = {key_of(entry): entry for entry in file if not entry.obsolete}
        file[:] = [kept.get(key) or _new_entry(key) for key in sorted(marked)]
        for entry in file:
            entry.occurrences = [(path, "") for path in marked[key_of(entry)]]
        file.save()
    return 0


def _begin(catalogue: Path) -> None:
    catalogue.parent.mkdir(parents=True, exist_ok=True)
    file = polib.POFile()
    file.metadata = HEADER
    file.save(str(catalogue))


def _new_entry(key: Key) -> polib.POEntry:
    context, singular, plural = key
    entry = polib.POEntry(msgid=singular, msgctxt=context or None)
    if plural:
        entry.msgid_plural, entry.msgstr_plural = plural, {0: ""}
    return entry


COMMANDS = {"compile": compile_all, "check": check, "update": update}


def main() -> int:
    command = COMMANDS.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if command is None:
        raise StartRefused(f"Say one of: {', '.join(COMMANDS)}.")
    return command()


if __name__ == "__main__":
    run_or_explain(main)
