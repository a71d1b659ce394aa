"""What must be known of a HEIC or AVIF file before a decoder sees it, read from its ISO media boxes."""

from __future__ import annotations

from faces.photo.formats import FileBytes

#: Outermost boxes that a picture is made of.
_PICTURE_BOXES = frozenset((b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip"))

#: Names of items stand before the pixels, within so many bytes.
_PROPERTIES_WITHIN = 65536


def bytes_missing(data: FileBytes) -> int:
    """How many bytes are cut off the end, by the sizes of the outermost boxes.

    libheif paints what is missing gray and says nothing. A box begins with its size and kind, 4 bytes each; size 1
    means that 8 bytes of size follow, size 0 that the box ends with the file (ISO/IEC 14496-12, 4.2). What
    follows the boxes that hold a picture is not needed.
    """
    start, end = 0, len(data)
    while start + 8 <= end and bytes(data[start + 4 : start + 8]) in _PICTURE_BOXES:
        size = int.from_bytes(data[start : start + 4], "big")
        if size == 1:
            size = int.from_bytes(data[start + 8 : start + 16], "big")
        if size < 8:
            return 0
        start += size
    return max(start - end, 0)


def has_garbled_names(data: FileBytes) -> bool:
    """Whether the type or name of an item is no text: pi-heif 1.4.0 ends the process over it.

    The box `infe` of version 2 or 3 has, behind its kind, 4 bytes of version and flags, the item's number (2 or 4),
    2 of protection, and then nothing but text to its end (ISO/IEC 14496-12, 8.11.6).
    """
    head = bytes(data[:_PROPERTIES_WITHIN])
    at = head.find(b"infe")
    while 4 <= at < len(head) - 4:
        size = int.from_bytes(head[at - 4 : at], "big")
        text = head[at + (14 if head[at + 4] == 3 else 12) : at - 4 + size]
        if not _is_text(text):
            return True
        at = head.find(b"infe", at + 4)
    return False


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
