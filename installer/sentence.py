"""What the installer says: English sentences with fields, shown in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from installer.russian import RUSSIAN


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English template, and what stands in its braces; a field may be a sentence itself."""

    template: str
    fields: Mapping[str, object]


def say(template: str, **fields: object) -> Sentence:
    """A sentence; every template stands in `installer/russian.py`, too."""
    return Sentence(template, fields)


@dataclass(frozen=True, slots=True)
class Language:
    """`en` or `ru`."""

    name: str = "en"

    def render(self, sentence: Sentence) -> str:
        """The sentence as this person reads it."""
        template = RUSSIAN[sentence.template] if self.name == "ru" else sentence.template
        fields = {
            name: self.render(value) if isinstance(value, Sentence) else value
            for name, value in sentence.fields.items()
        }
        return template.format(**fields)


class Refusal(Exception):
    """The installer ends here; each sentence says what was found and what is needed."""

    def __init__(self, *sentences: Sentence) -> None:
        super().__init__(*sentences)
        self.sentences = sentences

    def __str__(self) -> str:
        return "; ".join(Language().render(sentence) for sentence in self.sentences)
