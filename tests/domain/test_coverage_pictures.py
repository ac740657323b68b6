"""Words on drawings: Chinese ones wherever the system has a face for them, whatever its usual face is."""

import shutil
import subprocess

import pytest

from coverage.pictures import Sheet


def has_a_chinese_face() -> bool:
    lister = shutil.which("fc-list")
    if lister is None:
        return False
    listed = subprocess.run([lister, ":lang=zh-cn", "file"], capture_output=True, text=True, timeout=20, check=False)
    return any(name in listed.stdout for name in (".ttc", ".ttf", ".otf"))


def drawn(words: str) -> bytes:
    sheet = Sheet(200, 40)
    sheet.text(4, 4, words, size=20)
    return sheet.png()


@pytest.mark.skipif(not has_a_chinese_face(), reason="No face for Chinese is installed.")
def test_a_chinese_name_is_written():
    assert len({drawn(words) for words in ("12:00", "云桥市 · 12:00", "深圳市 · 12:00")}) == 3
