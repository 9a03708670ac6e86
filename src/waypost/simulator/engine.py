"""From a request to what is written and what it will cost. No sockets, no timers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from waypost.ports import Clock
from waypost.simulator.answers import ANSWER_ID, CHANCE, REQUEST_ID, Answer, compose
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.bill import Bill, Tokens
from waypost.simulator.cache import PromptCache
from waypost.simulator.dialect import JSON_TYPE, Dialect, Lock, Page, Request, Shelf, Stamp
from waypost.simulator.dialects import all_dialects
from waypost.simulator.dice import Dice
from waypost.simulator.fault_shapes import Bench
from waypost.simulator.faults import FAULTS, Fault, find_fault
from waypost.simulator.meter import Exchange, Meter
from waypost.simulator.models import MODELS, Behaviour, read_fault, read_pairs, resolve
from waypost.simulator.openai_dialect import PARSERS, OpenAI
from waypost.simulator.realtime import Conversation
from waypost.simulator.wire import Made, Piece, Script, Wire, Write, frame

#: What `sim-static` says it counted, whatever it was asked.
STATIC_PROMPT = 10
_STATIC_CACHE = 64


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Peek(msgspec.Struct):
    model: str = ""
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    simulate: msgspec.Raw | None = None


_PEEK = msgspec.json.Decoder(_Peek)


class Engine:
    """One simulated provider: its request counter, its faults' counters, its dialects, its bill."""

    def __init__(self, *, seed: int, clock: Clock, bill: Bill, lock: Lock | None = None) -> None:
        self._seed, self._clock, self.bill = seed, clock, bill
        self._lock = lock or Lock()
        self._openai = OpenAI()
        self._dialects = all_dialects(seed)
        self._cache = PromptCache()
        self._number = 0
        self._failed: dict[tuple[str, str], int] = {}
        self._static: dict[tuple[str, bool, bool], tuple[Script, Tokens]] = {}

    def answer(self, path: bytes, headers: Mapping[bytes, bytes], body: bytes) -> Exchange:
        """The answer to a POST on one of OpenAI's paths (`PARSERS`)."""
        self._number += 1
        self.bill.requests += 1
        number = self._number
        try:
            if path == b"/chat/completions" and b"sim-static" in body and not _overridden(headers):
                known = self._answer_static(body, number)
                if known is not None:
                    return known
            return self._answer(self._openai, PARSERS[path](body), headers, number)
        except Refused as refused:
            return Exchange(self.refuse(refused, number))

    def dialect_of(self, request: Request) -> Dialect | None:
        """The other dialect that this request is in, None for OpenAI's and for the simulator's own pages."""
        return next((dialect for dialect in self._dialects if dialect.owns(request)), None)

    def serve(self, dialect: Dialect, request: Request) -> Exchange:
        """The answer to any request in a dialect. Only what was meant for a model counts as a request."""
        number: int | None = None
        try:
            dialect.admit(request, self._lock, self._clock.wall())
            try:
                ask = dialect.parse(request)
            except Refused:
                number = self._count()
                raise
            if ask is not None:
                number = self._count()
                return self._answer(dialect, ask, request.headers, number)
            page = dialect.page(request, self._shelf())
            if page is None:
                raise Refused(404, "There is no such page.", code="unknown_url")
            if page.billed is None:
                return Exchange(_page(page))
            number = self._count()
            billed = page.billed
            request_id = "req_" + Dice(self._seed, number).name(REQUEST_ID)
            meter = Meter(self.bill, request_id, billed.model, billed.operation, billed.used)
            return Exchange(_page(page), meter)
        except Refused as refused:
            return Exchange(self.refuse(refused, number, dialect))

    def serve_openai(self, request: Request) -> Exchange:
        """The answer to what is no model's and no other dialect's: OpenAI's model list, or nothing."""
        return self.serve(self._openai, request)

    def converse(self, model: str) -> Conversation:
        """A realtime session. Raises Refused for an unknown model."""
        return Conversation(model, resolve(model, {}), self._seed, self._count(), self.bill)

    def _count(self) -> int:
        self._number += 1
        self.bill.requests += 1
        return self._number

    def refuse(self, refused: Refused, number: int | None = None, dialect: Dialect | None = None) -> Script:
        """An error answer, in OpenAI's form unless a dialect is given."""
        dialect = dialect or self._openai
        request_id = "req_" + Dice(self._seed, number or 0).name(REQUEST_ID)
        told = dialect.told(refused, request_id)
        pairs = [JSON_TYPE, *told.headers]
        if dialect.id_header:
            pairs.insert(1, (dialect.id_header, request_id.encode()))
        return frame(whole(told.status, told.body, pairs))

    def own_page(self, path: bytes, *, open_requests: int, lines: bool) -> Exchange:
        """The simulator's own pages."""
        if path == b"/bill":
            body = msgspec.json.encode(self.bill.show(open_requests=open_requests, lines=lines))
        elif path == b"/faults":
            body = msgspec.json.encode({name: [f.summary, f.billed, f.params] for name, f in FAULTS.items()})
        else:
            body = b'{"status":"ok"}'
        return Exchange(frame(whole(200, body, [JSON_TYPE])))

    def _shelf(self) -> Shelf:
        return Shelf((*MODELS, *[f"fault-{name}" for name in FAULTS]), int(self._clock.wall()))

    # --- a model's answer --------------------------------------------------------------------------------------

    def _answer(self, dialect: Dialect, ask: Ask, headers: Mapping[bytes, bytes], number: int) -> Exchange:
        behaviour = resolve(ask.model, {**_header_overrides(headers), **ask.simulate})
        dice = Dice(self._seed, number)
        stamp = self._stamp(dialect, ask, dice, number)
        fault = self._fault(ask.model, behaviour, dice)
        answer = self._compose(ask, behaviour, dice, fault)
        wire = dialect.render(ask, answer, behaviour, stamp, fault.usage if fault else "exact")
        prompt = _prompt_tokens(answer)
        if ask.searches:
            prompt = msgspec.structs.replace(prompt, searches=ask.searches)
        kept = Made(answer.output, answer.reasoning, answer.audio) if behaviour.keeps_on else None
        meter = Meter(self.bill, stamp.request_id, ask.model, ask.operation, prompt, kept)
        if fault is None:
            return Exchange(frame(wire), meter)
        if fault.shape is not None:
            wire = fault.shape(wire, Bench(behaviour, self._clock.wall(), dialect.odd(ask, stamp)))
        script = frame(wire) if fault.warp is None else fault.warp(wire, behaviour)
        if fault.billed == "none":
            return Exchange(script)
        return Exchange(script, meter, "cut" if fault.billed == "k" else "done")

    def _compose(self, ask: Ask, behaviour: Behaviour, dice: Dice, fault: Fault | None) -> Answer:
        """What is billed is in the cache afterwards; a request that failed for nothing was never there."""
        if not ask.marks or (fault is not None and fault.billed == "none"):
            return compose(ask, behaviour, dice)
        model = ask.model.partition("?")[0]
        return compose(ask, behaviour, dice, self._cache.look(model, ask.marks, self._clock.wall()))

    def _stamp(self, dialect: Dialect, ask: Ask, dice: Dice, number: int) -> Stamp:
        name = dice.name(ANSWER_ID)
        return Stamp(
            answer_id=dialect.stamp_id(ask, name),
            request_id="req_" + dice.name(REQUEST_ID),
            number=number,
            seed=self._seed,
            created=int(self._clock.wall()),
            name=name,
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
        stamp = self._stamp(self._openai, ask, dice, 0)
        answer = compose(ask, behaviour, dice)
        wire = self._openai.render(ask, answer, behaviour, stamp, "exact")
        script = frame(wire)
        made = Made(answer.output, answer.reasoning, answer.audio)
        data = b"".join([write.data for write in script.writes])
        return Script([Write(data, 0.0, made)]), _prompt_tokens(answer)


def whole(status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> Wire:
    """A complete answer that bills nothing."""
    return Wire(status, headers, [Piece("whole", body)])


def _page(page: Page) -> Script:
    made = None if page.billed is None else Made()
    return frame(Wire(page.status, list(page.headers), [Piece("whole", page.body, made=made)]))


def _prompt_tokens(answer: Answer) -> Tokens:
    return Tokens(
        answer.prompt,
        answer.cached,
        answer.audio_input,
        cache_write=answer.cache_write,
        cache_write_1h=answer.cache_write_1h,
    )


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
