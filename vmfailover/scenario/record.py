"""What the models of a scenario have in common."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict


class Record(BaseModel):
    """An immutable record that refuses unknown keys and takes its defaults in the notation of scenario files."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


#: A whole number, never text and never a truth value.
Integer = Annotated[int, Strict()]
#: A whole number above zero, small enough to count things with.
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]
#: A number, never text and never a truth value.
Number = Annotated[float, Strict(), Field(ge=0, le=1e9)]
#: `true` or `false`, never text such as `yes`.
Flag = Annotated[bool, Strict()]


def written(default: str) -> Any:
    """Return a default that is given in the notation of scenario files, such as `5 ms`, for a field of any type."""
    return default
