"""From a request to what is written and what it will cost. No sockets, no timers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from waypost.ports import Clock
from waypost.simulator import openai
from waypost.simulator.answers import ANSWER_ID, CHANCE, REQUEST_ID, Answer, compose
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.bill import Bill, End, Tokens
from waypost.simulator.dice import Dice
from waypost.simulator.fault_shapes import Bench
from waypost.simulator.faults import FAULTS, Fault, find_fault
from waypost.simulator.models import MODELS, Behaviour, read_fault, read_pairs, resolve
from waypost.simulator.openai_ask import parse_chat, parse_completions, parse_embeddings
from waypost.simulator.wire import Made, Piece, Script, Wire, Write, frame

#: What `sim-static` says it counted, whatever it was asked.
STATIC_PROMPT = 10
_STATIC_CACHE = 64

PARSERS: Mapping[bytes, Callable[[bytes], Ask]] = {
    b"/chat/completions": parse_chat,
    b"/completions": parse_completions,
    b"/embeddings": parse_embeddings,
}
_PREFIXES = {"chat": "chatcmpl-", "completions": "cmpl-", "embeddings": "embd-"}


class Meter:
    """Counts what one exchange has generated, and adds its line to the bill when it ends. Closing twice is harmless.

    `whole`, if given, is what a cancelled exchange generates all the same.
    """

    __slots__ = (
        "_audio",
        "_bill",
        "_billable",
        "_closed",
        "_output",
        "_prompt",
        "_reasoning",
        "_who",
        "_whole",
    )

    def __init__(
        self,
        bill: Bill,
        request_id: str,
        model: str,
        operation: str,
        prompt: Tokens,
        whole: Made | None = None,
    ) -> None:
        self._bill = bill
        self._who = (request_id, model, operation)
        self._prompt = prompt
        self._whole = whole
        self._output = self._reasoning = self._audio = 0
        self._billable = self._closed = False

    def add(self, made: Made) -> None:
        """These tokens were written."""
        self._billable = True
        self._output += made.output
        self._reasoning += made.reasoning
        self._audio += made.audio

    def close(self, end: End) -> None:
        """The exchange is over."""
        if self._closed:
            return
        self._closed = True
        if end == "cancelled" and self._whole is not None:
            self._output = self._reasoning = self._audio = 0
            self.add(self._whole)
        if self._billable:
            prompt = self._prompt
            tokens = Tokens(
                prompt.prompt, prompt.cached, prompt.audio_input, self._output, self._reasoning, self._audio
            )
            self._bill.add(*self._who, end, tokens)


class Exchange(msgspec.Struct, frozen=True):
    """A script and its meter (None for what is never billed: errors, lists, the bill itself). `end` is how the
    line closes when the script was written to its end."""

    script: Script
    meter: Meter | None = None
    end: End = "done"


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Peek(msgspec.Struct):
    model: str = ""
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    simulate: msgspec.Raw | None = None


_PEEK = msgspec.json.Decoder(_Peek)


class Engine:
    """One simulated provider: its request counter, its faults' counters, its bill."""

    def __init__(self, *, seed: int, clock: Clock, bill: Bill) -> None:
        self._seed, self._clock, self.bill = seed, clock, bill
        self._number = 0
        self._failed: dict[tuple[str, str], int] = {}
        self._static: dict[tuple[str, bool, bool], tuple[Script, Tokens]] = {}

    def answer(self, path: bytes, headers: Mapping[bytes, bytes], body: bytes) -> Exchange:
        """The answer to a POST on one of the model paths (`PARSERS`)."""
        self._number += 1
        self.bill.requests += 1
        number = self._number
        try:
            if path == b"/chat/completions" and b"sim-static" in body and not _overridden(headers):
                known = self._answer_static(body, number)
                if known is not None:
                    return known
            return self._answer(PARSERS[path](body), headers, number)
        except Refused as refused:
            return Exchange(self.refuse(refused, number))

    def refuse(self, refused: Refused, number: int | None = None) -> Script:
        """An error answer."""
        request_id = "req_" + Dice(self._seed, number or 0).name(REQUEST_ID)
        pairs = [openai.JSON_TYPE, (b"x-request-id", request_id.encode())]
        return frame(whole(refused.status, openai.render_error(refused), pairs))

    def page(self, path: bytes, *, open_requests: int, lines: bool) -> Exchange | None:
        """The answer to a GET, or None when there is no such page."""
        if path == b"/models":
            names = [*MODELS, *[f"fault-{name}" for name in FAULTS]]
            body = openai.render_models(names, int(self._clock.wall()))
        elif path == b"/bill":
            body = msgspec.json.encode(self.bill.show(open_requests=open_requests, lines=lines))
        elif path == b"/faults":
            body = msgspec.json.encode({name: [f.summary, f.billed, f.params] for name, f in FAULTS.items()})
        elif path == b"/healthz":
            body = b'{"status":"ok"}'
        else:
            return None
        return Exchange(frame(whole(200, body, [openai.JSON_TYPE])))

    # --- a model's answer --------------------------------------------------------------------------------------

    def _answer(self, ask: Ask, headers: Mapping[bytes, bytes], number: int) -> Exchange:
        behaviour = resolve(ask.model, {**_header_overrides(headers), **ask.simulate})
        dice = Dice(self._seed, number)
        stamp = self._stamp(ask, dice, number)
        answer = compose(ask, behaviour, dice)
        fault = self._fault(ask.model, behaviour, dice)
        wire = self._render(ask, answer, behaviour, stamp, fault.usage if fault else "exact")
        prompt = Tokens(answer.prompt, answer.cached, answer.audio_input)
        kept = Made(answer.output, answer.reasoning, answer.audio) if behaviour.keeps_on else None
        meter = Meter(self.bill, stamp.request_id, ask.model, ask.operation, prompt, kept)
        if fault is None:
            return Exchange(frame(wire), meter)
        if fault.shape is not None:
            bench = Bench(behaviour, self._clock.wall(), openai.render_error, openai.render_error_event)
            wire = fault.shape(wire, bench)
        script = frame(wire) if fault.warp is None else fault.warp(wire, behaviour)
        if fault.billed == "none":
            return Exchange(script)
        return Exchange(script, meter, "cut" if fault.billed == "k" else "done")

    def _stamp(self, ask: Ask, dice: Dice, number: int) -> openai.Stamp:
        return openai.Stamp(
            answer_id=_PREFIXES[ask.operation] + dice.name(ANSWER_ID),
            request_id="req_" + dice.name(REQUEST_ID),
            number=number,
            seed=self._seed,
            created=int(self._clock.wall()),
        )

    def _fault(self, model: str, behaviour: Behaviour, dice: Dice) -> Fault | None:
        """The fault for this request, if its probability and its counter say so."""
        if behaviour.fault is None:
            return None
        fault = find_fault(behaviour.fault)
        if dice.unit(CHANCE) >= behaviour.p:
            return None
        if behaviour.first is not None:
            counter = (model.partition("?")[0], behaviour.fault)
            failed = self._failed.get(counter, 0)
            if failed >= behaviour.first:
                return None
            self._failed[counter] = failed + 1
        return fault

    def _render(
        self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: openai.Stamp, form: openai.UsageForm
    ) -> Wire:
        if ask.operation == "embeddings":
            return openai.render_embeddings(ask, answer, stamp, behaviour.dimensions, form)
        if ask.stream:
            return openai.render_stream(ask, answer, stamp, form)
        return openai.render_whole(ask, answer, stamp, form)

    # --- sim-static --------------------------------------------------------------------------------------------

    def _answer_static(self, body: bytes, number: int) -> Exchange | None:
        """The same bytes for every request to this model; None when this is not a request for them."""
        try:
            peek = _PEEK.decode(body)
        except msgspec.MsgspecError:
            return None
        if not peek.model.startswith("sim-static") or peek.simulate is not None:
            return None
        stream = peek.stream is True
        usage = stream and peek.stream_options is not None and peek.stream_options.include_usage is True
        key = (peek.model, stream, usage)
        known = self._static.get(key)
        if known is None:
            known = self._make_static(*key)
            if known is None:
                return None
            if len(self._static) >= _STATIC_CACHE:
                self._static.clear()
            self._static[key] = known
        script, prompt = known
        return Exchange(script, Meter(self.bill, f"req_static_{number}", peek.model, "chat", prompt))

    def _make_static(self, model: str, stream: bool, usage: bool) -> tuple[Script, Tokens] | None:
        """Render once. Latency and faults would differ between requests, so those go the long way."""
        behaviour = resolve(model, {})
        if behaviour.act != "static" or behaviour.fault or behaviour.latency_s(0.999) or behaviour.tps:
            return None
        ask = Ask("chat", model, STATIC_PROMPT, stream=stream, wants_usage=usage, obfuscate=False)
        dice = Dice(self._seed, 0)
        stamp = self._stamp(ask, dice, 0)
        answer = compose(ask, behaviour, dice)
        wire = self._render(ask, answer, behaviour, stamp, "exact")
        script = frame(wire)
        made = Made(answer.output, answer.reasoning, answer.audio)
        data = b"".join([write.data for write in script.writes])
        return Script([Write(data, 0.0, made)]), Tokens(answer.prompt, answer.cached, answer.audio_input)


def whole(status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> Wire:
    """A complete answer that bills nothing."""
    return Wire(status, headers, [Piece("whole", body)])


def _overridden(headers: Mapping[bytes, bytes]) -> bool:
    return b"x-simulate" in headers or b"x-simulate-fault" in headers


def _header_overrides(headers: Mapping[bytes, bytes]) -> dict[str, object]:
    overrides: dict[str, object] = {}
    pairs = headers.get(b"x-simulate")
    if pairs is not None:
        overrides.update(read_pairs(pairs.decode("latin-1"), ";"))
    fault = headers.get(b"x-simulate-fault")
    if fault is not None:
        overrides.update(read_fault(fault.decode("latin-1")))
    return overrides
