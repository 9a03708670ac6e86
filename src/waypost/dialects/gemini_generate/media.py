"""Pictures, sounds, videos and documents: inline, or by reference.

https://ai.google.dev/api/caching#Blob, #FileData and https://ai.google.dev/gemini-api/docs/media-resolution
(2026-11-25).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from waypost.core.request import Media, MediaKind
from waypost.dialects.gemini_generate.own import Taking, with_extras
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.taking import TEXT, Json, object_or_none, put, text_or_none

#: What of the references is an id at Google and no address on the web.
_OURS = ("https://generativelanguage.googleapis.com/", "gs://", "files/")
_VIDEOS = ("https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/")
_KINDS: Mapping[str, MediaKind] = MappingProxyType({"image": "image", "audio": "audio", "video": "video"})
#: For references that do not say, by the ending: Google wants to be told.
_ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        "png": "image/png",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "webp": "image/webp",
        "gif": "image/gif",
        "heic": "image/heic",
        "pdf": "application/pdf",
        "txt": "text/plain",
        "mp3": "audio/mp3",
        "wav": "audio/wav",
        "mp4": "video/mp4",
        "webm": "video/webm",
        "mov": "video/mov",
    }
)
_DEFAULTS: Mapping[MediaKind, str] = MappingProxyType(
    {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "file": "application/octet-stream"}
)
_LEVELS = MappingProxyType({"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"})
_DETAILS = MappingProxyType({level: detail for detail, level in _LEVELS.items()})
#: The web alphabet of base64, which Google reads as well, in the usual one, which everybody reads.
_USUAL = str.maketrans("-_", "+/")


def parse_media(part: Taking) -> Media | None:
    """A part with `inlineData` or `fileData`; None when it has neither, or one of another shape, which then stays."""
    for name, parse in (("inlineData", _inline), ("fileData", _referred)):
        fields = object_or_none(part.rest.get(name))
        found = None if fields is None else parse(Taking(fields))
        if found is not None:
            del part.rest[name]
            detail = _take_detail(part)
            return msgspec.structs.replace(found, detail=detail, extras=part.extras())
    return None


def _inline(blob: Taking) -> Media | None:
    data, mime = blob.take("data", TEXT), blob.take("mimeType", TEXT)
    name = blob.take("displayName", TEXT)
    if data is None or blob.rest:
        return None
    kind = _kind(mime)
    return Media(kind, data=data.translate(_USUAL), mime=mime, name=name)


def _referred(file: Taking) -> Media | None:
    uri, mime = file.take("fileUri", TEXT), file.take("mimeType", TEXT)
    name = file.take("displayName", TEXT)
    if uri is None or file.rest:
        return None
    kind = "video" if mime is None and uri.startswith(_VIDEOS) else _kind(mime or _guess(uri))
    if uri.startswith(_OURS):
        return Media(kind, file_id=uri, mime=mime, name=name)
    return Media(kind, url=uri, mime=mime, name=name)


def _kind(mime: str | None) -> MediaKind:
    return _KINDS.get((mime or "").partition("/")[0], "file")


def _guess(uri: str) -> str | None:
    path = uri.partition("?")[0].partition("#")[0]
    return _ENDINGS.get(path.rpartition(".")[2].lower())


def _take_detail(part: Taking) -> str | None:
    fields = object_or_none(part.rest.get("mediaResolution"))
    if fields is None or fields.keys() != {"level"}:
        return None
    detail = _DETAILS.get(text_or_none(fields["level"]) or "")
    if detail is not None:
        del part.rest["mediaResolution"]
    return detail


def render_media(part: Media, where: str, rendering: Rendering) -> Json | None:
    """None for one that Google can not be shown, handed to `loss`."""
    out: Json
    reference = part.url if part.url is not None or not _is_known(part, rendering) else part.file_id
    if part.data is not None:
        mime = part.mime if rendering.native else part.mime or _DEFAULTS[part.kind]
        out = {"inlineData": put({}, mimeType=mime, data=part.data, displayName=part.name)}
    elif reference is not None:
        mime = part.mime if rendering.native else part.mime or _guess(reference)
        out = {"fileData": put({}, fileUri=reference, mimeType=mime, displayName=part.name)}
    else:
        rendering.loss.content(
            where,
            f"{where} refers to its {part.kind} by an id that Google does not know. Send it inline as base64.",
        )
        return None
    level = _LEVELS.get(part.detail or "")
    if level is not None and (rendering.traits.modern or rendering.native):
        out["mediaResolution"] = {"level": level}
    elif level is not None:
        rendering.loss.setting(f"{where}.detail")
    return with_extras(out, part.extras)


def _is_known(part: Media, rendering: Rendering) -> bool:
    return rendering.native or (part.file_id is not None and part.file_id.startswith(_OURS))
