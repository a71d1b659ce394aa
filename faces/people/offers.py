"""A person who is offered for a face or a group, and how that is written: Ada? 87 %."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offer:
    """A person's name, or id where there is no name, and how likely it is; None where only that it is offered is known.

    What the app's own job suggests comes without a probability.
    """

    name: str
    probability: float | None

    @property
    def percent(self) -> str:
        """Such as `87 %`. Never 100: what is offered is not certain."""
        return "" if self.probability is None else f"{min(round(self.probability * 100), 99)} %"

    def __str__(self) -> str:
        return f"{self.name}? {self.percent}".rstrip()
