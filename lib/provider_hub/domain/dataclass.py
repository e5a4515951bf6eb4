"""`dataclass` for records: the standard library's, except that each method is made when it is first called.

The standard library compiles the methods of a class from text while its module is imported. That is most of a
millisecond for a frozen class, and a function imports a hundred of them for the dozen that a request needs.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

T = TypeVar("T")

__all__ = ["dataclass"]
_METHODS = ("__init__", "__repr__", "__eq__", "__hash__")


def _refuse_change(_record: object, name: str, _value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_record: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _restore(record: object, state: tuple[None, Mapping[str, Any]]) -> None:
    """What `copy` and `pickle` call with what they read of the slots."""
    for name, value in state[1].items():
        object.__setattr__(record, name, value)


def _with_late_methods(cls: type[T], *, kw_only: bool) -> type[T]:
    own = {name for name in _METHODS if cls.__dict__.get(name) is not None}
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    for name in _METHODS:
        if name not in own:
            setattr(made, name, _made_when_called(made, name))
    made.__setattr__, made.__delattr__, made.__setstate__ = _refuse_change, _refuse_deletion, _restore
    record: type[T] = made
    return record


def _made_when_called(cls: Any, name: str) -> Callable[..., Any]:
    """Two threads may both make it: they make the same."""

    def method(record: object, *args: Any, **kwargs: Any) -> Any:
        standard = _standard(cls, name)
        setattr(cls, name, standard)
        return standard(record, *args, **kwargs)

    return method


def _standard(cls: Any, name: str) -> Callable[..., Any]:
    """The method as the standard library makes it, taken from a class with the same fields."""
    parts = [(field.name, field.type, field) for field in dataclasses.fields(cls)]
    after = {"__post_init__": cls.__post_init__} if hasattr(cls, "__post_init__") else {}
    model = dataclasses.make_dataclass(
        cls.__name__,
        parts,
        namespace=after,
        frozen=True,
        init=name == "__init__",
        repr=name == "__repr__",
        eq=name in ("__eq__", "__hash__"),
    )
    method: Callable[..., Any] = vars(model)[name]
    method.__qualname__ = f"{cls.__qualname__}.{name}"
    return method


if TYPE_CHECKING:
    # Type checkers know this one by its name, and the classes are the same.
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
        """As `dataclasses.dataclass(frozen=True, slots=True)`, the one kind that there is here.

        Fields of the kind `InitVar` are not supported. Raises ValueError for another kind.
        """
        if not (frozen and slots):
            raise ValueError("a record is frozen and has slots: take another kind from the standard library")
        return lambda cls: _with_late_methods(cls, kw_only=kw_only)
