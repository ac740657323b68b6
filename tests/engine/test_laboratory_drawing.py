from defusedxml import ElementTree

from allocation.laboratory_drawing import Bar, Curve, Gantt, curves, gantt, round_ticks, standing_alone

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str) -> ElementTree:
    return ElementTree.fromstring(svg)


def words(svg: str) -> list[str]:
    return [text.text or "" for text in drawn(svg).iter(f"{SVG}text")]


def test_ticks_are_round_and_reach_around_the_values():
    assert round_ticks(131, 198) == [120, 140, 160, 180, 200]
    assert round_ticks(0.72, 0.85) == [0.7, 0.75, 0.8, 0.85]
    assert round_ticks(0, 1) == [0, 0.25, 0.5, 0.75, 1]


def test_ticks_of_one_value_have_room_around_it():
    ticks = round_ticks(5, 5)

    assert ticks[0] < 5 < ticks[-1]
    assert round_ticks(0, 0)[0] < 0 < round_ticks(0, 0)[-1]


def test_curves_differ_without_colour():
    first, second = (Curve(name=name, xs=[1, 2, 3], ys=[3, 2, 4], half_widths=[0.1, 0.1, 0.1]) for name in "ab")

    svg = curves([first, second], title="Both", x_label="x", y_label="y")

    lines = [path for path in drawn(svg).iter(f"{SVG}path") if path.get("stroke-width") == "1.5"]
    assert {path.get("stroke-dasharray") for path in lines if "L" in (path.get("d") or "")} == {None, "7 4"}
    assert {"a", "b", "x", "y"} <= set(words(svg))
    assert drawn(svg).find(f"{SVG}title").text == "Both"


def test_a_higher_value_is_drawn_higher_and_a_larger_one_further_right():
    svg = curves([Curve(name="one", xs=[1, 10], ys=[0, 1])], title="t", x_label="x", y_label="y", is_log=True)

    (left, low), (right, high) = [
        (float(mark.get("cx")), float(mark.get("cy"))) for mark in drawn(svg).iter(f"{SVG}circle")
    ][:2]
    assert left < right
    assert high < low


def test_curves_of_nothing_are_an_empty_frame():
    assert drawn(curves([Curve(name="none", xs=[], ys=[])], title="t", x_label="x", y_label="y")) is not None


def test_spaces_over_time_show_what_is_shared_and_what_is_taken():
    picture = Gantt(
        names=["A1", "<B>"],
        slots=8,
        shared=[(0, 0, 4), (1, 2, 8)],
        bars=[Bar(row=1, start=3, end=5, name="r7 & more")],
        hours=[(0, "08:00"), (4, "09:00")],
    )

    svg = gantt(picture, title="A day", key="k")

    assert words(svg) == ["A1", "<B>", "08:00", "09:00"]
    taken = [box for box in drawn(svg).iter(f"{SVG}rect") if box.find(f"{SVG}title") is not None]
    assert [(box.find(f"{SVG}title").text, box.get("width")) for box in taken] == [("r7 & more", "14")]


def test_a_file_has_its_own_ink_and_ground():
    svg = standing_alone(curves([Curve(name="a", xs=[1, 2], ys=[1, 2])], title="t", x_label="x", y_label="y"))

    assert drawn(svg).get("color") == "#1a1a1a"
    assert drawn(svg)[1].get("fill") == "#fff"
