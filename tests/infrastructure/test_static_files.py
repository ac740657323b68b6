"""Scripts that import each other do so by names with digests, as the pages name them."""

import re
from pathlib import Path

from django.contrib.staticfiles import finders
from django.core.files.storage import FileSystemStorage

from parking_share.web.static_files import StaticFiles

IMPORTED = re.compile(r'from\s*"([./][^"]+)"')
DIGEST = re.compile(r"\.[0-9a-f]{12}\.mjs$")


def collected(folder: Path) -> StaticFiles:
    """The scripts of the map in a folder, under their digests."""
    storage = StaticFiles(location=str(folder), base_url="/static/")
    paths: dict[str, tuple[FileSystemStorage, str]] = {}
    for finder in finders.get_finders():
        for path, source in finder.list([]):
            name = f"{source.prefix}/{path}" if getattr(source, "prefix", None) else path
            if name.startswith("web/map/") or name.startswith("vendor/maplibre"):
                with source.open(path) as file:
                    storage.save(name, file)
                paths[name] = (storage, name)
    failed = [found for _, _, found in storage.post_process(paths) if isinstance(found, Exception)]
    assert failed == []
    return storage


def test_scripts_import_each_other_by_their_digests(tmp_path, settings):
    settings.WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["mjs", "css"]  # takes ten seconds, and says nothing here
    storage = collected(tmp_path)

    imported = {
        name
        for script in tmp_path.glob("web/map/*.mjs")
        if DIGEST.search(script.name)
        for name in IMPORTED.findall(script.read_text())
    }

    assert [name for name in imported if not DIGEST.search(name)] == []
    assert any("maplibre-gl." in name for name in imported)
    assert storage.stored_name("web/map/page.mjs") in {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("web/map/page.*.mjs")
    }
