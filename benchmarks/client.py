"""Clients that keep their connection and count what they got."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Call = tuple[str, str, dict[str, Any] | None, dict[str, str]]
PATIENCE_S = 30


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    took_s: float


class Client:
    """One keep-alive connection."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE_S)

    def send(self, call: Call) -> Answer:
        method, path, data, headers = call
        began = time.perf_counter()
        body = None if data is None else json.dumps(data)
        self._connection.request(method, path, body, {"Content-Type": "application/json"} | headers)
        reply = self._connection.getresponse()
        content = reply.read()
        is_json = reply.headers.get_content_type().endswith("json")
        return Answer(reply.status, json.loads(content) if is_json else {}, time.perf_counter() - began)

    def close(self) -> None:
        self._connection.close()


def send_all(address: str, calls: list[Call], *, clients: int) -> list[Answer]:
    """Let the clients take the calls in turn, each its next as soon as it has its answer."""
    waiting: Iterator[tuple[int, Call]] = iter(enumerate(calls))
    lock = threading.Lock()
    answers: list[Answer | None] = [None] * len(calls)

    def work(_number: int) -> None:
        client = Client(address)
        try:
            while True:
                with lock:
                    place, call = next(waiting, (-1, ("", "", None, {})))
                if place < 0:
                    return
                answers[place] = client.send(call)
        finally:
            client.close()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, range(clients)))
    return [answer for answer in answers if answer is not None]


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
