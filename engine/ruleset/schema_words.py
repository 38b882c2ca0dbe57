"""What taxonomy.yaml and danger.yaml may say, field by field."""

from typing import Annotated, Literal

from pydantic import Field

from engine.model.reading import Matter
from engine.ruleset.schema_place import Id, Name
from engine.strictyaml import Strict

Sign = Literal["danger", "violence", "weapon", "threat", "injury"]
Phrase = Annotated[
    str,
    Field(pattern=r"^[^\s，。！？；,.!?;]{2,20}$", description="2 to 20 characters without spaces and clause marks"),
]
Context = Annotated[
    str,
    Field(
        pattern=r"^…?[^\s，。！？；,.!?;…]{1,20}$",
        description="1 to 20 characters without spaces and clause marks; ~ for the phrase, … first for `later`",
    ),
]


class CategoryRow(Strict):
    """A leaf of the taxonomy."""

    id: str = Field(pattern=r"^[a-z_]+(\.[a-z_]+){1,3}$", description="a dotted id such as crime.fraud")
    name: Name
    civil_group: str = ""
    examples: tuple[str, ...] = ()
    near: dict[str, str] = Field(default_factory=dict)


class GroupRow(Strict):
    """A top-level group."""

    id: str = Field(pattern=r"^[a-z_]+$")
    name: Name
    matter: Matter
    family: str = ""
    categories: tuple[CategoryRow, ...] = Field(min_length=1)


class TableRow(Strict):
    """A row of the matter table."""

    matter: Matter
    signs: tuple[Sign, ...] = ()
    category: str = ""
    family: str = ""


class TaxonomyFile(Strict):
    """taxonomy.yaml."""

    version: Literal[1] = 1
    groups: tuple[GroupRow, ...] = Field(min_length=1)
    matter_table: tuple[TableRow, ...] = ()


class DangerRow(Strict):
    """Phrases of one kind of danger."""

    name: Id
    reason: Name
    sign: Sign = "danger"
    phrases: tuple[Phrase, ...] = Field(min_length=1)
    contexts: tuple[str, ...] = ()
    unless: tuple[Context, ...] = ()
    insist: bool = False


class DangerTest(Strict):
    """A text and whether its words alone mean danger."""

    text: str
    danger: bool


class DangerFile(Strict):
    """danger.yaml."""

    version: Literal[1] = 1
    contexts: dict[str, tuple[Context, ...]] = Field(default_factory=dict)
    rules: tuple[DangerRow, ...] = Field(min_length=1)
    harmless: tuple[Phrase, ...] = ()
    tests: tuple[DangerTest, ...] = ()
