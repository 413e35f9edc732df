"""What all configurations share: reading them from JSON, refusing nonsense, describing themselves to a form."""

import ast
import inspect
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple, Self, get_args, get_origin, get_type_hints

from training.learning.errors import ConfigError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16"]


class Option(NamedTuple):
    """One key as a form shows it. `type` is int, float, bool, str, "a|b|c" for a choice, or "int,…" for a list."""

    key: str
    default: Any
    type: str
    doc: str


@dataclass(frozen=True)
class RunConfig:
    """Keys that every kind of run has."""

    kind: ClassVar[str] = ""

    seed: int = 0
    """Seed of every random draw; the same seed on the same machine gives the same result. The paper names none."""

    device: Device = "auto"
    """Where to compute: auto takes a CUDA device if there is one."""

    precision: Precision = "auto"
    """Number format of the forward passes: auto takes bfloat16 where the device computes it fast, else float32.
    The paper trained in float32."""

    threads: int = 0
    """CPU threads; 0 takes as many as there are cores."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from JSON values; keys left out take their default.

        Raises:
            ConfigError: a key is unknown, or a value has the wrong type or makes no sense.
        """
        types = get_type_hints(cls)
        known = {field.name for field in fields(cls)}
        for key in values:
            if key not in known:
                raise ConfigError(f"A {cls.kind} run has no key {key!r}; it knows {', '.join(sorted(known))}.")
        return cls(**{key: _checked(key, value, types[key]) for key, value in values.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return all keys as JSON values, defaults filled in."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def describe(cls) -> list[Option]:
        """Return the keys in the order of the form."""
        types, docs = get_type_hints(cls), _field_docs(cls)
        return [
            Option(
                field.name,
                list(field.default) if isinstance(field.default, tuple) else field.default,
                _type_name(types[field.name]),
                docs[field.name],
            )
            for field in fields(cls)
        ]

    def _require(self, holds: bool, key: str, expected: str) -> None:
        if not holds:
            raise ConfigError(f"{key} is {getattr(self, key)!r}; expected {expected}.")

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        self._require(self.seed >= 0, "seed", "0 or more")
        self._require(self.threads >= 0, "threads", "0 (all cores) or more")


def _checked(key: str, value: Any, expected: Any) -> Any:
    """Return the JSON value as the field's type, or refuse it."""
    if get_origin(expected) is Literal:
        if value in get_args(expected):
            return value
        raise ConfigError(f"{key} is {value!r}; expected one of {', '.join(get_args(expected))}.")
    if get_origin(expected) is tuple:
        if isinstance(value, list | tuple) and all(type(item) is int for item in value):
            return tuple(value)
        raise ConfigError(f"{key} is {value!r}; expected a list of whole numbers.")
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:
        raise ConfigError(f"{key} is {value!r}; expected {expected.__name__}.")
    return value


def _type_name(expected: Any) -> str:
    if get_origin(expected) is Literal:
        return "|".join(get_args(expected))
    if get_origin(expected) is tuple:
        return "int,…"
    return str(expected.__name__)


def _field_docs(cls: type[Any]) -> dict[str, str]:
    """Return the string under each field, parents' fields included. Read from the source file, once."""
    docs: dict[str, str] = {}
    for part in reversed(cls.__mro__[:-1]):
        (body,) = [node.body for node in ast.parse(inspect.getsource(part)).body if isinstance(node, ast.ClassDef)]
        for field, text in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
                value = text.value
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    docs[field.target.id] = inspect.cleandoc(value.value).replace("\n", " ")
    return docs
