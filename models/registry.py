"""Tables of what there is, to which a user may add rows: families, effects, likelihoods."""

from collections.abc import Mapping
from typing import Any

TABLES: dict[str, "Registry[Any]"] = {}  # by the module that each is a table of


class Registry[Row](dict[str, Row]):
    """Rows by name, which know those that did not come with the package."""

    def __init__(self, module: str, rows: Mapping[str, Row]) -> None:
        super().__init__(rows)
        self._own = dict(rows)
        TABLES[module] = self

    @property
    def added(self) -> dict[str, Row]:
        """The rows that were added, or put in the place of the package's own."""
        return {name: row for name, row in self.items() if self._own.get(name) is not row}
