"""What a process remembers for a while."""

from datetime import timedelta

from tests.fakes import START

from provider_hub.actions.short_memory import ShortMemory

MINUTE = timedelta(minutes=1)


def full() -> ShortMemory[int, str]:
    memory: ShortMemory[int, str] = ShortMemory(MINUTE, most=3)
    for key in range(3):
        memory.keep(key, "kept", START)
    return memory


def test_a_full_one_keeps_what_it_has_and_takes_nothing_new() -> None:
    memory = full()
    memory.keep(3, "new", START)
    assert [memory.find(key, START) for key in range(4)] == ["kept", "kept", "kept", None]


def test_a_full_one_renews_what_it_has() -> None:
    memory = full()
    memory.keep(2, "renewed", START + MINUTE / 2)
    assert [memory.find(key, START + MINUTE) for key in range(3)] == [None, None, "renewed"]


def test_what_is_too_old_makes_room() -> None:
    memory = full()
    memory.keep(3, "new", START + MINUTE)
    assert memory.find(3, START + MINUTE) == "new"


def test_a_full_one_takes_new_values_again_soon_after_it_refused_one() -> None:
    memory = full()
    memory.keep(3, "too early", START + MINUTE * 0.99)
    memory.keep(3, "new", START + MINUTE * 1.1)
    assert memory.find(3, START + MINUTE * 1.1) == "new"


def test_what_is_forgotten_is_not_found() -> None:
    memory = full()
    memory.forget(1)
    memory.forget(7)
    assert [memory.find(key, START) for key in range(3)] == ["kept", None, "kept"]
