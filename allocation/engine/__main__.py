"""Allocate the spaces of an instance file, without a database.

python -m allocation.engine run INSTANCE.json --policy two_stage --mode online
python -m allocation.engine bound INSTANCE.json --objective revenue
python -m allocation.engine generate --seed 7 --spaces 50 --requests 212
python -m allocation.engine compare INSTANCE.json ...
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

import numpy as np

from allocation.engine.bound import Objective, clairvoyant_bound
from allocation.engine.comparison import compare_policies, run_policy, table_of
from allocation.engine.fields import InstanceError
from allocation.engine.generator import generate_instance
from allocation.engine.instance import Instance, read_instance
from allocation.engine.registry import ALL_POLICIES
from allocation.engine.result import result_document
from allocation.engine.rules import Horizon
from allocation.engine.simulation import Mode
from allocation.engine.valuation import Valuation
from allocation.engine.writing import instance_document

MALFORMED = 2
PATIENCE_S, EVERY_S = 2.0, 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answer on stdout and return 0, or one sentence on stderr and return 2."""
    options = _parser().parse_args(arguments)
    try:
        answer: str = options.answer(options)
    except InstanceError as error:
        sys.stderr.write(f"{error}\n")
        return MALFORMED
    sys.stdout.write(answer + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    description, _, examples = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m allocation.engine",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="simulate one day under a policy")
    _add_instance(run)
    run.add_argument("--policy", choices=ALL_POLICIES, required=True)
    _add_mode(run)
    run.add_argument("--horizon", choices=[horizon.value for horizon in Horizon], default=Horizon.WHOLE_DAY.value)
    run.set_defaults(answer=_run)

    bound = commands.add_parser("bound", help="the best that anybody could do who knew all requests")
    _add_instance(bound)
    bound.add_argument("--objective", choices=[objective.value for objective in Objective], default=Objective.REVENUE)
    bound.set_defaults(answer=_bound)

    generate = commands.add_parser("generate", help="print a random instance")
    generate.add_argument("--seed", type=_natural, required=True)
    generate.add_argument("--spaces", type=_natural, default=50)
    generate.add_argument("--requests", type=_natural, default=212)
    generate.set_defaults(answer=_generate)

    compare = commands.add_parser("compare", help="a table of all policies; means over several instances")
    _add_instance(compare, several=True)
    _add_mode(compare)
    compare.set_defaults(answer=_compare)
    return parser


def _add_instance(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    sentence = "the instance file, or - for standard input"
    parser.add_argument("instance", metavar="INSTANCE.json", help=sentence, nargs="+" if several else None)


def _add_mode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.SEQUENTIAL.value)


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"must not be negative, got {number}.")
    return number


def _run(options: argparse.Namespace) -> str:
    instance = _read(options.instance)
    mode = Mode(options.mode)
    outcome = run_policy(
        instance, options.policy, mode=mode, horizon=Horizon(options.horizon), progress=_progress("requests")
    )
    return _json(result_document(instance, outcome, policy=options.policy, mode=mode))


def _bound(options: argparse.Namespace) -> str:
    instance = _read(options.instance)
    valuation = Valuation.of(instance.importance, instance.rates, rules=instance.rules)
    best = clairvoyant_bound(instance.free, instance.requests, valuation, objective=Objective(options.objective))
    accepted = [name for name, space in zip(instance.request_ids, best.spaces, strict=True) if space is not None]
    return _json({"objective": str(options.objective), "value": best.worth, "accepted": accepted})


def _generate(options: argparse.Namespace) -> str:
    generator = np.random.default_rng(options.seed)
    return _json(instance_document(generate_instance(generator, spaces=options.spaces, requests=options.requests)))


def _compare(options: argparse.Namespace) -> str:
    instances = [_read(name, named=len(options.instance) > 1) for name in options.instance]
    return table_of(compare_policies(instances, mode=Mode(options.mode), progress=_progress("days")))


def _read(name: str, *, named: bool = False) -> Instance:
    try:
        text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise InstanceError(f"{name}: cannot be read ({error.strerror}).") from error
    try:
        return read_instance(text)
    except InstanceError as error:
        if named:
            raise InstanceError(f"{name}: {error}") from error
        raise


def _progress(what: str) -> Callable[[int, int], None]:
    """Report on stderr, but only what takes longer than a moment."""
    began = shown = monotonic()

    def report(done: int, everything: int) -> None:
        nonlocal shown
        now = monotonic()
        if now - began > PATIENCE_S and (now - shown > EVERY_S or done == everything):
            sys.stderr.write(f"\r{done} of {everything} {what}" + ("\n" if done == everything else ""))
            sys.stderr.flush()
            shown = now

    return report


def _json(document: object) -> str:
    return json.dumps(document, indent=1, allow_nan=False)


if __name__ == "__main__":
    sys.exit(main())
