"""Pictures and sound in a model's message, both ways.

`images`: https://openrouter.ai/docs/features/multimodal/image-generation; `audio`:
https://platform.openai.com/docs/api-reference/chat/object (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.core.request import Extras, Media
from waypost.dialects.openai_chat.own import NAME, Saying, Taking, own_form, with_extras
from waypost.dialects.openai_chat.parts import data_url, no_form, parse_part
from waypost.dialects.taking import TEXT, Json, object_or_none, put

IMAGES = "images"
AUDIO = "audio"


def take_media(taking: Taking) -> list[Media]:
    """`images`, where all of them can be read, and an `audio` with its data."""
    found: list[Media] = []
    items = taking.take_items(IMAGES)
    for item in items:
        part = parse_part(item)
        if isinstance(part, Media) and part.kind == "image":
            fields = {} if part.extras is None else part.extras.fields
            found.append(msgspec.structs.replace(part, extras=Extras(NAME, fields, IMAGES)))
    if len(found) != len(items):
        taking.rest[IMAGES] = msgspec.Raw(msgspec.json.encode(items))
        found = []
    spoken = object_or_none(taking.rest.get(AUDIO))
    if not spoken:
        return found
    sound = Taking(spoken)
    data = sound.take("data", TEXT)
    if data is not None:
        del taking.rest[AUDIO]
        sound_id = sound.take("id", TEXT)
        found.append(Media("audio", data=data, file_id=sound_id, extras=Extras(NAME, sound.rest, AUDIO)))
    return found


def image(part: Media) -> Json:
    """One of `images`. Its data or URL must be set."""
    inner = put({"url": data_url(part)}, detail=part.detail)
    return with_extras({"type": "image_url", "image_url": inner}, part.extras)


def sound(part: Media, created: int = 0) -> Json:
    """`audio` of an answer. What another dialect answers can not be referred to later: its id and time say nothing."""
    out: Json = put({"data": part.data}, id=part.file_id)
    if own_form(part.extras) == AUDIO:
        return with_extras(out, part.extras)
    return {"id": "audio", **out, "expires_at": created, "transcript": ""}


def put_media(out: Json, parts: Sequence[Media], say: Saying, where: str) -> None:
    """Raises Unrepresentable, naming `where`, for what has no form and may not be left out."""
    images: list[Json] = []
    for part in parts:
        own = own_form(part.extras) == AUDIO
        if part.kind == "image" and data_url(part) is not None and IMAGES in say.takes:
            images.append(image(part))
        elif part.kind == "audio" and part.data is not None and (own or (say.answer and AUDIO not in out)):
            out[AUDIO] = sound(part)
        else:
            no_form(where, f"the model's {part.kind}", say)
    if images:
        out[IMAGES] = images
