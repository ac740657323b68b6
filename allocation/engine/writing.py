"""An instance as a JSON document."""

from allocation.engine.instance import Instance
from allocation.engine.request import Request
from allocation.engine.state import LotState


def instance_document(instance: Instance) -> dict[str, object]:
    """Write an instance so that `read_instance` makes the same of it.

    Returns
    -------
    document
        Ready for `json.dumps`.
    """
    free: dict[int, list[list[int]]] = {space: [] for space in range(len(instance.space_ids))}
    for space, start, end in LotState.from_free(instance.free).runs():
        free[space].append([start, end])
    document: dict[str, object] = {
        "slot_minutes": instance.rules.slot_minutes,
        "opens_at": instance.opens_at,
        "slots": instance.importance.size,
        "importance": instance.importance.tolist(),
        "peak_rate": instance.peak_rate,
        "mode_hours": instance.rules.mode_hours,
        "threshold": instance.rules.threshold,
        "weights": list(instance.rules.weights),
        "spaces": [{"id": name, "free": free[space]} for space, name in enumerate(instance.space_ids)],
        "requests": [
            _request(instance, name, request)
            for name, request in zip(instance.request_ids, instance.requests, strict=True)
        ],
    }
    if instance.expected_demand is not None:
        document["expected_demand"] = instance.expected_demand.tolist()
    return document


def _request(instance: Instance, name: str, request: Request) -> dict[str, object]:
    wish: dict[str, object] = {
        "id": name,
        "start": request.start,
        "end": request.end,
        "requested_at": request.requested_at,
    }
    if request.eligible is not None:
        wish["eligible"] = [
            space for space, admits in zip(instance.space_ids, request.eligible.tolist(), strict=True) if admits
        ]
    return wish
