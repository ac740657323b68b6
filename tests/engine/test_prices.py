import numpy as np
import pytest

from allocation.engine.forecast import outlook_from
from allocation.engine.policies.foresight import Appetite, Foresight
from allocation.engine.policies.revenue import Revenue
from allocation.engine.prices import Outlook, slot_prices
from allocation.engine.request import Reason
from allocation.engine.rules import Rules
from allocation.engine.valuation import Valuation
from tests.engine.pictures import RULES, flat, occupied, wish

TWO_SLOTS = np.array([0.0, 1.0])


def outlook(*arrivals: float, stays: np.ndarray = TWO_SLOTS) -> Outlook:
    return Outlook(arrivals=np.array(arrivals), stays=stays)


def test_slots_are_free_of_charge_while_there_is_room_for_everybody():
    prices = slot_prices(occupied("....", "...."), outlook(1, 0, 1, 0), flat(4))

    assert prices.tolist() == [0, 0, 0, 0]


def test_a_full_period_is_worth_what_the_next_to_ask_would_pay():
    prices = slot_prices(occupied("...."), outlook(3, 0, 0, 0), flat(4))

    assert prices[:2].sum() == pytest.approx(2)
    assert prices[2:].tolist() == [0, 0]


def test_a_slot_in_which_nothing_can_be_sold_has_no_price():
    """Who is expected there can't be served, so nobody need make room."""
    prices = slot_prices(occupied("..##"), outlook(0, 3, 0, 0), flat(4))

    assert prices.tolist() == [0, 0, 0, 0]


def test_prices_are_the_dual_of_the_best_expected_sale():
    """Two want slots 0 and 1, one wants 1 and 2: selling [0, 2) and nothing else is best, or [1, 3) alone as well."""
    valuation = Valuation.of(np.array([0.5, 1.0, 0.25]), np.array([0.5, 1.0, 0.25]), rules=RULES)

    prices = slot_prices(occupied("..."), outlook(2, 1, 0), valuation)

    assert prices[:2].sum() == pytest.approx(1.5)
    assert prices[1:].sum() >= 1.25 - 1e-9
    assert prices.sum() == pytest.approx(1.5)


def test_nobody_expected_prices_nothing():
    assert slot_prices(occupied("...."), outlook(0, 0, 0, 0), flat(4)).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("arrivals", "stays", "words"),
    [
        ([-1.0], [1.0], "arrivals"),
        ([np.nan], [1.0], "arrivals"),
        ([1.0], [0.5], "add up"),
        ([1.0], [-1.0, 2.0], "stays"),
    ],
)
def test_an_outlook_refuses(arrivals, stays, words):
    with pytest.raises(ValueError, match=words):
        Outlook(arrivals=np.array(arrivals), stays=np.array(stays))


def test_an_outlook_over_another_horizon_is_refused():
    with pytest.raises(ValueError, match="covers 2 slots, the lot's state 4"):
        slot_prices(occupied("...."), outlook(1, 1), flat(4))


def test_arrivals_explain_the_demand():
    stays = np.array([0.5, 0.25, 0.25])
    arrivals = np.array([2.0, 0.0, 3.0, 1.0, 0.0])
    demand = np.convolve(arrivals, [1.0, 0.5, 0.25])[:5]

    assert Outlook.of_demand(demand, stays).arrivals == pytest.approx(arrivals)


def test_the_outlook_knows_that_the_past_is_over_and_the_far_future_still_to_come():
    expected = np.full(48, 10.0)

    later = outlook_from(expected, (), now=20, rules=Rules())
    before = outlook_from(expected, (), now=-200, rules=Rules())

    assert not later.arrivals[:21].any()
    assert later.arrivals[21] < before.arrivals[21]
    assert before.stays @ np.arange(1, before.stays.size + 1) == pytest.approx(12)


def test_the_outlook_learns_stays_and_leads_from_what_was_asked():
    expected = np.full(48, 10.0)
    asked = [wish(5, 6, requested_at=4)] * 200

    learned = outlook_from(expected, asked, now=10, rules=Rules())
    unlearned = outlook_from(expected, (), now=10, rules=Rules())

    assert learned.stays[0] > 0.9
    assert learned.arrivals[14] / learned.arrivals[40] > unlearned.arrivals[14] / unlearned.arrivals[40]


def test_of_a_lead_that_has_not_run_out_only_what_has_passed_counts():
    """A request for much later tells of long leads only by how long ago it was made: shorter ones are yet unseen."""
    expected = np.full(48, 10.0)

    for_later = outlook_from(expected, [wish(30, 31, requested_at=6)] * 200, now=10, rules=Rules())
    for_now = outlook_from(expected, [wish(10, 11, requested_at=6)] * 200, now=10, rules=Rules())

    assert for_later.arrivals.tolist() == for_now.arrivals.tolist()


def test_revenue_declines_what_displaces_more():
    policy = Revenue(flat(4))
    state = occupied("....")

    busy = policy.looking_ahead(state, lambda: outlook(0, 5, 0, 0))

    assert policy.decide(state, wish(1, 2)).space == 0
    assert busy.decide(state, wish(1, 2)).reason in {None, Reason.EXPECTED_DEMAND_OUTWEIGHS_REVENUE}
    assert busy.decide(state, wish(1, 3)).space == 0
    assert busy.decide(occupied("####"), wish(1, 3)).reason is Reason.NO_FREE_SPACE
    declined = [busy.decide(state, wish(slot, slot + 1)).space is None for slot in range(4)]
    assert declined in ([False, True, False, False], [False, False, True, False])


def test_foresight_prices_fragments_and_displaced_demand():
    state = occupied("........")
    patient = Foresight(flat(8), Appetite(discount=0.0, fragment_price=0.0))
    busy = patient.looking_ahead(state, lambda: outlook(0, 0, 9, 0, 0, 0, 0, 0, stays=np.array([0, 0, 0, 1.0])))
    tidy = Foresight(flat(8), Appetite(discount=0.0, fragment_price=1.0))

    assert patient.decide(state, wish(3, 4)).space == 0
    assert tidy.decide(state, wish(3, 4)).reason is Reason.EXPECTED_DEMAND_OUTWEIGHS_REVENUE
    assert tidy.decide(state, wish(0, 8)).space == 0
    assert not all(busy.decide(state, wish(slot, slot + 1)).space == 0 for slot in range(2, 6))


def test_foresight_breaks_what_nobody_is_expected_to_want_for():
    """Where one short stay is expected in three spaces, whoever comes is taken; where nine long ones are, gaps cost."""
    state = occupied(*["........"] * 3)
    tidy = Foresight(flat(8), Appetite(discount=0.0, fragment_price=1.0))
    quiet = tidy.looking_ahead(state, lambda: outlook(0, 0, 1, 0, 0, 0, 0, 0))
    busy = tidy.looking_ahead(state, lambda: outlook(0, 0, 9, 0, 0, 0, 0, 0, stays=np.array([0, 0, 0, 1.0])))

    assert quiet.decide(state, wish(3, 4)).space is not None
    assert busy.decide(state, wish(3, 4)).reason is Reason.EXPECTED_DEMAND_OUTWEIGHS_REVENUE


def test_foresight_waits_with_the_price_of_fragments_that_others_may_fill():
    state = occupied("................")
    policy = Foresight(flat(16), Appetite(discount=0.0, fragment_price=1.0, patience_h=1.0))

    assert policy.decide(state, wish(10, 12, requested_at=10)).space is None
    assert policy.decide(state, wish(10, 12, requested_at=-20)).space == 0


def test_foresight_in_a_large_lot_looks_at_few_spaces():
    rows = ["####" + "." * 8] * 150 + ["####....####"]

    decision = Foresight(flat(12)).decide(occupied(*rows), wish(4, 8))

    assert decision.space == 150
