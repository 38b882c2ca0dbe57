"""Model: frozen values and their changed copies.

Values on a call's way are `msgspec.Struct`s: an order is made in a seventh and copied in a fortieth of the time that a
frozen dataclass takes. Tables that are read once, such as the city, are dataclasses. `replace` copies either.
"""

import dataclasses
from typing import TYPE_CHECKING

from msgspec import Struct, structs

if TYPE_CHECKING:
    from dataclasses import replace as replace  # type checkers know the fields of both kinds by this name
else:

    def replace(value, /, **changes):
        """A copy of a Struct or dataclass with some fields changed; raises `TypeError` for a field it has not."""
        copied = structs.replace if isinstance(value, Struct) else dataclasses.replace
        return copied(value, **changes)
