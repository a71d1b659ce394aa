"""Where the API listens, read from the settings once: two addresses, and which one wants a key."""

from __future__ import annotations

from dataclasses import dataclass

from faces.settings import Settings
from faces.system.address import Address


@dataclass(frozen=True, slots=True)
class Addresses:
    """The first address and, if set, the outside one."""

    first: Address
    outside: Address | None

    @classmethod
    def of(cls, settings: Settings) -> Addresses:
        """Read both settings.

        Raises:
            SettingsError: one of them is no address; the sentence names the variable.
        """
        outside = settings.api_outside_address
        return cls(
            Address.parse(settings.api_address, "FACE_API_ADDRESS"),
            Address.parse(outside, "FACE_API_OUTSIDE_ADDRESS") if outside else None,
        )

    def all(self) -> list[Address]:
        """Every address to listen on."""
        return [self.first, self.outside] if self.outside else [self.first]
