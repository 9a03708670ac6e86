"""Pictures, documents, videos and sounds: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html,
…_DocumentBlock.html, …_VideoBlock.html, …_AudioBlock.html (2026-11-25). Bytes are base64 on the wire."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from waypost.core.loss import Loss
from waypost.core.request import Media, MediaKind
from waypost.dialects.bedrock_converse.own import Taking, own_form, with_extras
from waypost.dialects.fields import Fields
from waypost.dialects.taking import TEXT, Json

#: What Converse calls each kind, and the core.
KINDS: Final[dict[str, MediaKind]] = {
    "image": "image",
    "document": "file",
    "video": "video",
    "audio": "audio",
}
_BLOCKS: Final[dict[MediaKind, str]] = {kind: block for block, kind in KINDS.items()}

_DOCUMENTS: Final = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
_VIDEOS: Final = {
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "flv": "video/x-flv",
    "mpeg": "video/mpeg",
    "mpg": "video/mpg",
    "wmv": "video/x-ms-wmv",
    "three_gp": "video/3gpp",
}
_IMAGES: Final = {name: f"image/{name}" for name in ("png", "jpeg", "gif", "webp")}
_SOUNDS: Final = {
    name: f"audio/{name}"
    for name in (
        "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm",
    )
}  # fmt: skip
_MIMES: Final[dict[str, dict[str, str]]] = {
    "image": _IMAGES,
    "document": _DOCUMENTS,
    "video": _VIDEOS,
    "audio": _SOUNDS,
}
_FORMATS: Final = {block: {mime: name for name, mime in mimes.items()} for block, mimes in _MIMES.items()}
#: Other names of the same types.
_ALIASES: Final = {
    "image/jpg": "image/jpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-m4a": "audio/m4a",
    "audio/l16": "audio/pcm",
    "video/mov": "video/quicktime",
    "text/x-markdown": "text/markdown",
}
_S3: Final = "s3://"
#: A name may hold letters, digits, single spaces, hyphens, parentheses and square brackets.
_UNNAMEABLE: Final = re.compile(r"[^0-9A-Za-z\-()\[\]]+")
_NAME_CAP: Final = 200
#: Forms of a document whose source is text, with and without a format.
_TEXT, _BARE_TEXT = "text", "bare text"


def parse_media(block: str, fields: Fields) -> Media | None:
    """A block's value; None when its source is not of a kind that the core has (S3, parts)."""
    taking = Taking(fields)
    name = taking.take("name", TEXT) if block == "document" else None
    written = taking.take("format", TEXT)
    mime = None if written is None else _MIMES[block].get(written)
    source = taking.take_object("source")
    if source is None or len(source) != 1 or (written is None) is not (mime is None):
        return None
    inner = Taking(source)
    data, text = inner.take("bytes", TEXT), inner.take("text", TEXT)
    form = ""
    if data is None:
        if text is None or block != "document":
            return None
        data = base64.b64encode(text.encode()).decode()
        form = _TEXT if mime else _BARE_TEXT
        mime = mime or "text/plain"
    elif mime is None and block != "document":
        return None
    return Media(KINDS[block], data=data, mime=mime, name=name, extras=taking.extras(form))


def render_media(part: Media, where: str, loss: Loss, number: int) -> Json | None:
    """The block, or None where it was dropped. `number` tells documents without a name apart. Raises
    Unrepresentable."""
    block = _BLOCKS[part.kind]
    form = own_form(part.extras)
    source = _source(part, form)
    if source is None:
        loss.content(
            where,
            f"{where} refers to its {part.kind} by a link or an id, and Bedrock takes base64 or an s3:// URI. Send it "
            "inline as base64.",
        )
        return None
    written = _format(part, block)
    out: Json = {"source": source}
    if written is not None and form != _BARE_TEXT:
        out["format"] = written
    elif written is None and (block != "document" or part.mime is not None):
        known = ", ".join(_MIMES[block])
        loss.content(
            where,
            f"{where} is a {part.kind} of the type {part.mime or 'unknown'}, and Bedrock takes {known}. Convert it.",
        )
        return None
    if block == "document":
        out["name"] = _name(part, written, number)
    elif part.name is not None:
        loss.setting(f"{where}.name")
    if part.detail not in (None, "auto"):
        loss.setting(f"{where}.detail")
    return {block: with_extras(out, part.extras)}


def _source(part: Media, form: str) -> Json | None:
    if part.data is not None:
        text = _plain(part.data) if form in (_TEXT, _BARE_TEXT) else None
        return {"bytes": part.data} if text is None else {"text": text}
    if part.url is not None and part.url.startswith(_S3):
        return {"s3Location": {"uri": part.url}}
    return None


def _plain(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _format(part: Media, block: str) -> str | None:
    mime = (part.mime or "").partition(";")[0].strip().lower()
    found = _FORMATS[block].get(_ALIASES.get(mime, mime))
    if found is None and part.name is not None:
        ending = part.name.rpartition(".")[2].lower()
        found = ending if ending in _MIMES[block] else None
    return found


def _name(part: Media, written: str | None, number: int) -> str:
    name = part.name or ""
    if written is not None:
        name = name.removesuffix(f".{written}")
    clean = " ".join(_UNNAMEABLE.sub(" ", name).split())[:_NAME_CAP].rstrip()
    return clean or f"document {number}"
