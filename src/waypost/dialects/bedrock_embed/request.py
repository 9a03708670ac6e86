"""Bodies of Bedrock's embedding models, which are known by a part of their ids.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html,
…/model-parameters-embed-v3.html, …/model-parameters-embed-v4.html and
https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html (2026-11-25)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from waypost.core.embed import EmbedRequest, Purpose, Truncate
from waypost.core.loss import Loss
from waypost.dialects.cohere_embed.request import PICTURES, UNSAID, render_body
from waypost.dialects.embedding import name_lost, single, text_of
from waypost.dialects.taking import Json, put
from waypost.errors import Unrepresentable

_Render = Callable[[EmbedRequest, Loss], Json]

#: What Nova has to be told; texts are stored unless the client says what they are for.
_NOVA_UNSAID = "GENERIC_INDEX"
_NOVA_PURPOSES: Mapping[Purpose, str] = MappingProxyType(
    {
        "search_query": "GENERIC_RETRIEVAL",
        "search_document": "GENERIC_INDEX",
        "classification": "CLASSIFICATION",
        "clustering": "CLUSTERING",
    }
)
_NOVA_CUTS: Mapping[Truncate, str] = MappingProxyType({"none": "NONE", "start": "START", "end": "END"})
#: The fourth generation of Cohere's models has words of its own on Bedrock.
_V4_CUTS: Mapping[Truncate, str] = MappingProxyType({"none": "NONE", "start": "LEFT", "end": "RIGHT"})


def render_request(request: EmbedRequest, loss: Loss) -> Json:
    """Raises Unrepresentable: a model that is not known, several inputs to one that takes one, what is no text."""
    tail = request.model.rpartition("/")[2]
    for mark, render in _MODELS:
        if tail.startswith(mark) or f".{mark}" in tail:
            return render(request, loss)
    raise Unrepresentable(
        f"How {request.model[:64]!r} wants to be asked on Bedrock is not known: its id names none of the embedding "
        "models of Titan, Nova or Cohere. Choose one of those.",
        param="model",
    )


def _titan_v1(request: EmbedRequest, loss: Loss) -> Json:
    _refuse_dimensions(request, loss)
    return _titan(request, loss)


def _titan_v2(request: EmbedRequest, loss: Loss) -> Json:
    return put(_titan(request, loss), dimensions=request.dimensions)


def _titan(request: EmbedRequest, loss: Loss) -> Json:
    name_lost(request, loss, "purpose", "truncate", "user")
    return {"inputText": text_of(single(request), 0, loss)}


def _nova(request: EmbedRequest, loss: Loss) -> Json:
    name_lost(request, loss, "user")
    purpose = request.purpose
    if purpose is not None and purpose not in _NOVA_PURPOSES:
        loss.setting("purpose")
    params = put(
        {"embeddingPurpose": _NOVA_UNSAID if purpose is None else _NOVA_PURPOSES.get(purpose, _NOVA_UNSAID)},
        embeddingDimension=request.dimensions,
        text={
            "truncationMode": _NOVA_CUTS[request.truncate or "none"],
            "value": text_of(single(request), 0, loss),
        },
    )
    return {
        "schemaVersion": "nova-multimodal-embed-v1",
        "taskType": "SINGLE_EMBEDDING",
        "singleEmbeddingParams": params,
    }


def _cohere_v3(request: EmbedRequest, loss: Loss) -> Json:
    _refuse_dimensions(request, loss)
    out = render_body(request, loss)
    out.pop("output_dimension", None)
    if "inputs" in out:
        raise Unrepresentable(
            "This model takes texts, or pictures, and not both in one request. Send them apart, or choose Embed v4.",
            param="input",
        )
    return out


def _cohere_v4(request: EmbedRequest, loss: Loss) -> Json:
    out = render_body(request, loss, _V4_CUTS)
    if out["input_type"] == PICTURES:  # a word that it does not know here
        out["input_type"] = UNSAID
    return out


def _refuse_dimensions(request: EmbedRequest, loss: Loss) -> None:
    """Vectors of another size than was asked for are of no use to who asked, so this is no setting to leave out."""
    if request.dimensions is not None:
        loss.content(
            "dimensions",
            "This model's embeddings have one size, and another was asked for. Leave the setting out, or choose "
            "another model.",
        )


#: By a part of the id, the first that fits.
_MODELS: Final[tuple[tuple[str, _Render], ...]] = (
    ("amazon.titan-embed-text-v1", _titan_v1),
    ("amazon.titan-embed-g1-text", _titan_v1),
    ("amazon.titan-embed-text", _titan_v2),
    ("amazon.nova-2-multimodal-embeddings", _nova),
    ("cohere.embed-english-v3", _cohere_v3),
    ("cohere.embed-multilingual-v3", _cohere_v3),
    ("cohere.embed-v", _cohere_v4),
)
