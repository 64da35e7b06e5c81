"""What the model library has to say about a scenario, told in the words of a scenario."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from vmfailover.scenario.errors import KeyPath, MisfitError, Problem, dotted, shown, suggestion
from vmfailover.scenario.keys import children, choices, fields_at, paths_of_leaf, section_at


def problems_of(model: type[BaseModel], error: ValidationError) -> Iterator[Problem]:
    """Yield each problem that kept data from becoming a `model`."""
    for detail in error.errors(include_url=False):
        yield from _problems(model, detail)


@dataclass(frozen=True)
class _Finding:
    """One error of validation: where, on what value, and the particulars of its kind."""

    model: type[BaseModel]
    path: KeyPath
    value: Any
    message: str
    context: dict[str, Any]


def _problems(model: type[BaseModel], detail: ErrorDetails) -> Iterator[Problem]:
    path = detail["loc"]
    context = detail.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, MisfitError):
        for problem in cause.problems:
            yield Problem((*path, *problem.path), problem.message, problem.on_key)
    else:
        finding = _Finding(model, path, detail["input"], detail["msg"], context)
        if detail["type"] == "extra_forbidden":
            yield _about_key(finding)
        else:
            explain = _EXPLANATIONS.get(detail["type"], _verbatim)
            yield Problem(path, explain(finding))


def _verbatim(finding: _Finding) -> str:
    return str(finding.context.get("error", finding.message))


def _about_key(finding: _Finding) -> Problem:
    """Return what is wrong with a key where there is none of its name: it is of another kind, or of none."""
    section = section_at(finding.model, finding.path[:-1])
    if section is not None and (owners := section.kinds.owners(str(finding.path[-1]))):
        choice = section.choice_of(owners[0])
        return Problem(
            finding.path, f"belongs to {' and '.join(owners)}; leave it out, or write '{choice}'", on_key=True
        )
    return Problem(finding.path, _unknown_key(finding), on_key=True, no_such_key=True)


def _unknown_key(finding: _Finding) -> str:
    key = str(finding.path[-1])
    elsewhere = [dotted(known) for known in paths_of_leaf(finding.model, key)]
    if elsewhere:
        return f"unknown key here; did you mean {' or '.join(map(repr, elsewhere))}?"
    return f"unknown key; {suggestion(key, children(finding.model, finding.path[:-1]))}"


def _missing(finding: _Finding) -> str:
    field = fields_at(finding.model, finding.path)[0]
    words = choices(field.annotation)
    if words:
        return f"is missing; it is one of {', '.join(words)}"
    schemas = [item.json_schema or {} for item in field.metadata if isinstance(item, WithJsonSchema)]
    for example in (schema["examples"][0] for schema in schemas if "examples" in schema):
        return f"is missing; write for example '{finding.path[-1]}: {example}'"
    return f"is missing: {str(field.description).splitlines()[0]}"


def _unknown_word(finding: _Finding) -> str:
    words = {word for field in fields_at(finding.model, finding.path) for word in choices(field.annotation)}
    return f"{shown(finding.value)} is unknown; {suggestion(str(finding.value), words)}"


def _not_mapping(finding: _Finding) -> str:
    keys = ", ".join(children(finding.model, finding.path)) or "NAME: VALUE"
    given = "is empty" if finding.value is None else f"{shown(finding.value)} is not a mapping"
    return f"{given}; write a mapping of keys ({keys})"


def _not(expected: str) -> Callable[[_Finding], str]:
    return lambda finding: f"{shown(finding.value)} is not {expected}"


def _beyond(relation: str, bound: str) -> Callable[[_Finding], str]:
    return lambda finding: f"{shown(finding.value)} is out of range; it must be {relation} {finding.context[bound]}"


_EXPLANATIONS: dict[str, Callable[[_Finding], str]] = {
    "missing": _missing,
    "literal_error": _unknown_word,
    "model_type": _not_mapping,
    "model_attributes_type": _not_mapping,
    "dict_type": _not_mapping,
    "int_type": _not("a whole number"),
    "float_type": _not("a number"),
    "finite_number": _not("a finite number"),
    "bool_type": _not("true or false"),
    "string_type": _not("text; if it should be, put it in quotes"),
    "tuple_type": _not("a list; write items in [brackets] or with '- ' before each"),
    "greater_than": _beyond("more than", "gt"),
    "greater_than_equal": _beyond("at least", "ge"),
    "less_than": _beyond("less than", "lt"),
    "less_than_equal": _beyond("at most", "le"),
    "too_short": _beyond("a list with a length of at least", "min_length"),
    "string_too_short": _beyond("a text with a length of at least", "min_length"),
    "string_too_long": _beyond("a text with a length of at most", "max_length"),
}
