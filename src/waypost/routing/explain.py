"""A decision for people: with what each candidate is expected to cost and how fast it is, and in sentences."""

from __future__ import annotations

import msgspec

from waypost.core.decision import Considered, Decision, Excluded, Reason, Rule
from waypost.routing.board import Board
from waypost.routing.expected import Expected
from waypost.routing.planned import Candidate, Plan
from waypost.routing.view import View

_RULES: dict[Rule, str] = {
    "only": "the only one",
    "order": "in the order it is written",
    "weight": "drawn by weight",
    "sticky": "drawn by weight, the same for the same client",
    "condition": "its condition held",
    "latency": "by its time to first token",
    "throughput": "by its tokens per second",
    "price": "by what the request is expected to cost",
    "least_busy": "by requests under way",
    "balanced": "drawn by health and price",
    "canary": "drawn for the canary",
    "stable": "not drawn for the canary",
    "quota": "by what is left of its quota",
    "preferred": "slower than the request prefers",
    "explore": "not measured lately, so it is tried",
}

_REASONS: dict[Reason, str] = {
    "operation": "it can not serve this operation",
    "conversation": "it does not know this conversation",
    "features": "it lacks what the request uses, and others have it",
    "context": "its context is too small",
    "max_output": "it can not answer at such length, and others can",
    "max_price": "it costs more than is allowed",
    "region": "it is not in an allowed region",
    "training": "it may train on what it is sent",
    "retention": "it may keep what it is sent",
    "quantization": "it is not quantized as is wanted",
    "not_allowed": "its provider is not among those that may be used",
    "ignored": "its provider may not be used",
    "parameters": "it does not take all that the request uses",
    "not_preferred": "the request does not want it",
    "branch": "another way was taken",
    "rolled_back": "the canary was rolled back",
    "parked": "its credential is not to be used now",
    "ejected": "its breaker is open",
    "busy": "it has as many requests under way as it takes",
    "key": "the client's key may not use it",
}


def enrich(plan: Plan, view: View, board: Board) -> Decision:
    """The plan's decision with expected costs and median times to first token. A plan without a decision has one
    candidate, and gets a decision of that."""
    decision = plan.decision
    candidates = plan.candidates
    if decision is None:
        order = tuple(_considered(candidate, candidate.target.label) for candidate in candidates)
        decision = Decision(order)
    expected = Expected(view)
    told = []
    for considered, candidate in zip(decision.order, candidates, strict=False):
        standing = board.of(candidate.target)
        told.append(
            msgspec.structs.replace(
                considered,
                cost_nusd=expected.cost(candidate.target),
                first_token_s=standing.measured("first_token", 50, view.asked.input_estimate, view.now),
            )
        )
    return msgspec.structs.replace(decision, order=tuple(told))


def _considered(candidate: Candidate, label: str) -> Considered:
    return Considered(label, candidate.rule, candidate.score)


def sentences(decision: Decision) -> tuple[str, ...]:
    """One for each candidate, in order, then one for each target left out or put last, then the notes."""
    return (
        *(_of_candidate(number, each) for number, each in enumerate(decision.order, 1)),
        *(_of_exclusion(each) for each in decision.excluded),
        *decision.notes,
    )


def _of_candidate(number: int, considered: Considered) -> str:
    told = f"{number}. {considered.target}: {_RULES[considered.rule]}"
    score = _score(considered)
    if score:
        told += f" ({score})"
    more = []
    if considered.cost_nusd is not None:
        more.append(f"expected to cost {considered.cost_nusd / 1e9:.6f} US dollars")
    if considered.first_token_s is not None:
        more.append(f"first token after {considered.first_token_s:.3g} s")
    return f"{told}; {', '.join(more)}." if more else f"{told}."


def _score(considered: Considered) -> str:
    score = considered.score
    if score is None:
        return ""
    match considered.rule:
        case "latency":
            return f"{score:.3g} s"
        case "throughput":
            return f"{score:.3g} tokens/s"
        case "price":
            return f"{score:.6f} US dollars"
        case "weight" | "sticky":
            return f"weight {score:g}"
        case "least_busy":
            return f"{score:g} under way"
        case "balanced":
            return f"{score:.1%} of the draw"
        case "canary":
            return f"{score:g} % of requests"
        case "quota":
            return f"{score:.0%} left"
        case _:
            return f"{score:.3g}"


def _of_exclusion(excluded: Excluded) -> str:
    place = "put last" if excluded.reason in ("busy", "ejected") else "left out"
    detail = f" ({excluded.detail})" if excluded.detail else ""
    return f"{excluded.target} was {place}: {_REASONS[excluded.reason]}{detail}."
