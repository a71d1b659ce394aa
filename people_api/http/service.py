"""What the routes work with: one value, made once in `create_app`, in `app.state.service`."""

from __future__ import annotations

from dataclasses import dataclass

from faces.http.accepted_keys import AcceptedKeys
from faces.http.figures import Figures
from people_api.asked_face_api import AskedFaceApi
from people_api.http.access import PeopleAccess
from people_api.opened_library import OpenedLibrary


@dataclass(frozen=True, slots=True)
class PeopleService:
    """The parts of the API. Made in the master before the fork: the library is opened by each process behind it."""

    figures: Figures
    access: PeopleAccess
    library: OpenedLibrary
    face_api: AskedFaceApi
    idle_seconds: float

    @property
    def keys(self) -> AcceptedKeys:
        """The accepted keys."""
        return self.access.keys
