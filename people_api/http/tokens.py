"""Tokens (JWT) signed by another service: which are accepted, and what each allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from faces.answers.answer import is_actor
from faces.errors import SettingsError
from faces.http.errors import KeyNeeded
from faces.http.scopes import WORDS, Allowed
from faces.settings import Settings

#: RFC 7518, section 3.2: a secret shorter than the hash can be guessed from one token.
_SHORTEST_SECRET = 32

#: Bits of an RSA key: RFC 7518, section 3.3.
_SHORTEST_RSA = 2048

#: Seconds by which another machine's clock may be wrong.
_LEEWAY = 30

#: What each token must have.
_CLAIMS = ["exp", "aud"]


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who asks: what is allowed, and who a token says it is; a key has no subject."""

    allowed: Allowed
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """One key, and the one algorithm that it is for: what a token's own header names never chooses either."""

    key: str | RSAPublicKey = field(repr=False)
    algorithm: str
    audience: str

    @classmethod
    def of(cls, settings: Settings) -> Tokens | None:
        """Read the settings; None where no token is accepted.

        Raises:
            SettingsError: a secret that is too short, a file that is no public RSA key, or both of them.
        """
        secret, file, audience = (
            settings.people_jwt_shared_key,
            settings.people_jwt_public_key_file,
            settings.people_jwt_audience,
        )
        if secret is not None and file is not None:
            raise SettingsError(
                "found FACE_PEOPLE_JWT_SHARED_KEY beside FACE_PEOPLE_JWT_PUBLIC_KEY_FILE, needed one of the two"
            )
        if file is not None:
            return cls(_public_key(file), "RS256", audience)
        if secret is None:
            return None
        if len(secret.get_secret_value().encode()) < _SHORTEST_SECRET:
            raise SettingsError(f"FACE_PEOPLE_JWT_SHARED_KEY is shorter than {_SHORTEST_SECRET} characters")
        return cls(secret.get_secret_value(), "HS256", audience)

    def bearer(self, token: str) -> Bearer:
        """Who a token says that asks.

        Raises:
            KeyNeeded: it is none that is accepted; the sentence says why.
        """
        try:
            claims = jwt.decode(
                token,
                self.key,
                algorithms=[self.algorithm],
                audience=self.audience,
                leeway=_LEEWAY,
                options={"require": _CLAIMS},
            )
        except jwt.PyJWTError as error:
            raise KeyNeeded(f"the token is not accepted: {error}; needed one signed with {self.algorithm}") from error
        subject = claims.get("sub")
        if subject is not None and not is_actor(subject):
            raise KeyNeeded("the token's sub is no name in one line that the ledger takes, needed one, or no sub")
        return Bearer(_allowed(claims), subject)


def _allowed(claims: dict[str, Any]) -> Allowed:
    """The widest scope of the claim `scope`, which has words with blanks between: RFC 8693, section 4.2."""
    scope = claims.get("scope")
    words = scope.split() if isinstance(scope, str) else []
    found = [WORDS[word] for word in words if word in WORDS]
    if not found:
        raise KeyNeeded(f"the token allows nothing here: its scope needs one of {', '.join(WORDS)}")
    return max(found)


def _public_key(file: Path) -> RSAPublicKey:
    variable = "FACE_PEOPLE_JWT_PUBLIC_KEY_FILE"
    try:
        key = load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise SettingsError(f"{variable}: {file} cannot be read ({error})") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{variable}: {file} is no public key, needed one in PEM") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _SHORTEST_RSA:
        raise SettingsError(f"{variable}: {file} is another key, needed RSA of {_SHORTEST_RSA} bits or more")
    return key
