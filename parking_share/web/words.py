from django.http import HttpRequest

LONGEST = 80


def typed_words(request: HttpRequest, name: str) -> str:
    """What was typed into a field for searching, without what no text in PostgreSQL can hold."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:LONGEST]
