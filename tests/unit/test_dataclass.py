"""Records behave as the standard library's dataclasses, and their methods wait until they are called."""

import copy
import dataclasses
import pickle
import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from threading import Barrier, Thread
from typing import Any, ClassVar

import pytest
from pydantic import TypeAdapter

import provider_hub
from provider_hub.domain.dataclass import dataclass

LIBRARY = Path(provider_hub.__path__[0])
# One with an order has more methods than a record's are.
_RECORD = re.compile(r"^ *@dataclass\(frozen=True, slots=True(, kw_only=True)?\)$", re.MULTILINE)
_STANDARD = re.compile(r"^from dataclasses import .*\bdataclass\b", re.MULTILINE)


def _declared(decorated: Callable[[Any], Any]) -> Any:
    class Declared:
        """The same for both decorators."""

        kind: ClassVar = "declared"

        name: str
        secret: str = field(repr=False)
        seen: int = field(default=0, compare=False)
        tags: list[str] = field(default_factory=list, hash=False)
        length: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.name))

    return decorated(Declared)


@dataclass(frozen=True, slots=True)
class Kept:
    """At the top of a module, where pickle finds it."""

    name: str
    count: int = 1


OURS = _declared(dataclass(frozen=True, slots=True))
STANDARD = _declared(dataclasses.dataclass(frozen=True, slots=True))
CALLS: tuple[Callable[[Any], Any], ...] = (
    lambda kind: kind("a", "b").length,
    lambda kind: repr(kind("a", secret="hidden")),
    lambda kind: kind("a", "b", 1) == kind("a", "b", 2),
    lambda kind: kind("a", "b") == kind("a", "c"),
    lambda kind: kind("a", "b") == "a",
    lambda kind: hash(kind("a", "b")) == hash(kind("a", "b", 9)),
    lambda kind: dataclasses.asdict(dataclasses.replace(kind("a", "b"), name="longer")),
    lambda kind: kind("a", "b").tags is kind("a", "b").tags,
    lambda kind: kind.__match_args__,
    lambda kind: kind.__slots__,
    lambda kind: [(part.name, part.init, part.repr, part.default) for part in dataclasses.fields(kind)],
    lambda kind: kind("a"),
    lambda kind: kind("a", "b", unknown=1),
    lambda kind: setattr(kind("a", "b"), "name", "c"),
    lambda kind: delattr(kind("a", "b"), "name"),
)


def _outcome(call: Callable[[Any], Any], kind: Any) -> Any:
    try:
        return call(kind)
    except (TypeError, AttributeError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_a_record_answers_as_the_standard_librarys_does(number: int) -> None:
    assert _outcome(CALLS[number], OURS) == _outcome(CALLS[number], STANDARD)


def test_a_record_can_be_copied_pickled_and_matched() -> None:
    kept = Kept("a", 2)
    assert copy.deepcopy(kept) == copy.copy(kept) == kept
    assert pickle.loads(pickle.dumps(kept)) == kept  # noqa: S301 - what it has just written
    match kept:
        case Kept(name, count):
            assert (name, count) == ("a", 2)


def test_a_record_that_pydantic_makes_compares_hashes_and_prints_before_any_was_constructed() -> None:
    @dataclass(frozen=True, slots=True)
    class Read:
        name: str

    adapter = TypeAdapter(Read)
    read, again = adapter.validate_python({"name": "a"}), adapter.validate_json('{"name": "a"}')
    assert read == again
    assert {read: 1}[again] == 1
    assert repr(read).endswith("Read(name='a')")


def test_a_method_of_a_record_is_made_once_and_no_sooner_than_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = dataclasses.make_dataclass

    def counted(name: str, *args: Any, **kwargs: Any) -> type:
        made.append(name)
        return make(name, *args, **kwargs)

    monkeypatch.setattr(dataclasses, "make_dataclass", counted)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Waiting:
        name: str

    assert made == []
    assert [Waiting(name="a").name, Waiting(name="b").name] == ["a", "b"]
    assert made == ["Waiting"]


def test_threads_that_meet_at_a_records_first_use_all_get_theirs() -> None:
    @dataclass(frozen=True, slots=True)
    class Met:
        number: int

    together, found = Barrier(8), list[int]()

    def use(number: int) -> None:
        together.wait(10)
        found.append(Met(number).number)

    threads = [Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(8))


def test_another_kind_of_dataclass_is_refused() -> None:
    with pytest.raises(ValueError, match="standard library"):
        dataclass(frozen=False, slots=True)


def test_no_module_of_the_hub_has_a_records_methods_compiled_while_it_is_imported() -> None:
    texts = {str(path.relative_to(LIBRARY)): path.read_text() for path in LIBRARY.rglob("*.py")}
    assert [name for name, text in texts.items() if _RECORD.search(text) and _STANDARD.search(text)] == []
