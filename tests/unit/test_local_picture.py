"""The picture of a run."""

import io
from xml.etree import ElementTree

from local_stack.picture import Copied, picture, styled

STEP = " 3/10 its runtime checks in                            1.04 s  1.0.0 ready, healthy"


def test_a_picture_is_an_svg_of_what_was_printed_and_loads_nothing() -> None:
    svg = picture("make demo", [STEP, "", "All 10 steps <came> out as they should"])
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    text = "".join(root.itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert "$ make demo" in text
    assert "1.0.0 ready, healthy" in text
    assert "All 10 steps <came> out as they should" in text
    assert "url(http" not in svg


def test_the_parts_of_a_step_have_their_own_colours_and_other_lines_have_none() -> None:
    spans = {STEP[span.start : span.end]: span.style for span in styled(STEP).spans}
    assert spans["1.04 s"] == "cyan"
    assert spans["1.0.0 ready, healthy"] == "green"
    assert styled("      1.2.0 failed: no module").spans == []


def test_what_is_copied_is_written_and_kept_without_the_moves_of_a_terminal() -> None:
    stream = io.StringIO()
    copied = Copied(stream)
    print("one", file=copied, flush=True)
    assert stream.getvalue() == copied.getvalue() == "one\n"
    assert not copied.isatty()
