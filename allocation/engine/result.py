"""A simulated day as a JSON document."""

from dataclasses import asdict

import numpy as np

from allocation.engine.instance import Instance
from allocation.engine.simulation import Mode, Outcome


def result_document(instance: Instance, outcome: Outcome, *, policy: str, mode: Mode) -> dict[str, object]:
    """Name the spaces and requests of an outcome as its instance does.

    Parameters
    ----------
    instance
        The day that was simulated.
    outcome
        What `simulate` returned for it.
    policy, mode
        What it was simulated with.

    Returns
    -------
    document
        Ready for `json.dumps`; all numbers are finite. Durations are in seconds, 0 where nothing was decided.
    """
    seconds = np.array(outcome.decide_seconds or (0.0,))
    return {
        "policy": policy,
        "mode": mode.value,
        "decisions": [
            {
                "id": name,
                "accepted": fate.space is not None,
                "tentative": _space_id(instance, fate.tentative),
                "space": _space_id(instance, fate.space),
                "reason": fate.reason,
            }
            for name, fate in zip(instance.request_ids, outcome.fates, strict=True)
        ],
        "metrics": asdict(outcome.metrics),
        "seconds": {
            "decide_median": float(np.median(seconds)),
            "decide_p99": float(np.quantile(seconds, 0.99)),
            "total": outcome.total_seconds,
        },
    }


def _space_id(instance: Instance, space: int | None) -> str | None:
    return None if space is None else instance.space_ids[space]
