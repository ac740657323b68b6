"""Run a policy over an instance file: ``python -m allocation.engine run INSTANCE.json --policy two_stage``."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from allocation.engine.fields import InstanceError
from allocation.engine.instance import Instance, read_instance
from allocation.engine.registry import POLICIES
from allocation.engine.result import result_document
from allocation.engine.rules import Horizon
from allocation.engine.simulation import Mode, simulate
from allocation.engine.valuation import Valuation

MALFORMED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the result on stdout and return 0, or one sentence on stderr and return 2."""
    options = _parser().parse_args(arguments)
    try:
        instance = read_instance(_bytes_of(options.instance))
    except InstanceError as error:
        sys.stderr.write(f"{error}\n")
        return MALFORMED
    document = _run(instance, options.policy, Mode(options.mode), Horizon(options.horizon))
    sys.stdout.write(json.dumps(document, indent=1, allow_nan=False) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m allocation.engine", description=__doc__)
    run = parser.add_subparsers(required=True, metavar="COMMAND").add_parser("run", help="simulate one day")
    run.add_argument("instance", metavar="INSTANCE.json", help="the instance file, or - for standard input")
    run.add_argument("--policy", choices=list(POLICIES), required=True)
    run.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.SEQUENTIAL.value)
    run.add_argument("--horizon", choices=[horizon.value for horizon in Horizon], default=Horizon.WHOLE_DAY.value)
    return parser


def _bytes_of(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise InstanceError(f"{name}: cannot be read ({error.strerror}).") from error


def _run(instance: Instance, policy: str, mode: Mode, horizon: Horizon) -> dict[str, object]:
    rules = replace(instance.rules, horizon=horizon)
    valuation = Valuation.of(instance.importance, instance.rates, rules=rules)
    outcome = simulate(instance.free, instance.requests, POLICIES[policy](valuation), valuation=valuation, mode=mode)
    return result_document(instance, outcome, policy=policy, mode=mode)


if __name__ == "__main__":
    sys.exit(main())
