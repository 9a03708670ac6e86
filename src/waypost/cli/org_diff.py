"""A plan as it is shown: a readable diff for people, one document for scripts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from waypost.cli.output import people, visible
from waypost.config.org_text import render_flow
from waypost.config.route_schema import BranchConfig, NeedConfig, NodeConfig

if TYPE_CHECKING:
    import msgspec

    from waypost.policy.org_plan import Plan, Step

_SIGNS: Final = {"create": ("+", "green"), "change": ("~", "yellow"), "delete": ("-", "red")}
#: What deleting is called for keys: they stay for the history.
_DONE: Final = {"create": "to make", "change": "to change", "delete": "to delete"}


def print_plan(plan: Plan) -> None:
    """Each step with its fields, and how many there are."""
    from rich.text import Text

    console = people()
    for step in plan.steps:
        sign, style = _SIGNS[step.action]
        what = "revoke " if step.action == "delete" and step.part == "key" else ""
        console.print(Text.assemble((f"{sign} ", style), what, (word(step), style)))
        for change in step.fields:
            new = visible(shown(change.new))
            line = Text.assemble(f"    {change.field}: ")
            if step.action == "change":
                line.append_text(visible(shown(change.old))).append(" → ", style="dim")
            console.print(line.append_text(new))
    if plan.left:
        names = ", ".join(f"{part.replace('_', ' ')} {home}/{name}" for part, home, name in plan.left[:5])
        more = f" and {len(plan.left) - 5} more" if len(plan.left) > 5 else ""
        console.print(Text.assemble(("• ", "dim"), "not in the file, and left: ", visible(names + more)))
    console.print(f"{counted(plan)}.", markup=False)


def counted(plan: Plan, words: dict[str, str] = _DONE) -> str:
    """`2 to make, 1 to change, 5 unchanged`."""
    actions = (
        f"{count} {words[action]}"
        for action in ("create", "change", "delete")
        if (count := plan.count(action))
    )
    return ", ".join((*actions, f"{plan.unchanged} unchanged"))


def plan_view(plan: Plan) -> dict[str, object]:
    """The plan for scripts."""
    return {
        "changes": [_step_view(step) for step in plan.steps],
        "create": plan.count("create"),
        "change": plan.count("change"),
        "delete": plan.count("delete"),
        "unchanged": plan.unchanged,
        "left": [
            {"kind": part, "organization": organization or None, "name": name}
            for part, organization, name in plan.left
        ],
    }


def word(step: Step) -> str:
    """What a step is about: `team acme/web`."""
    name = "/".join(part for part in (step.organization, step.name) if part)
    return visible(f"{step.part.replace('_', ' ')} {name}").plain


def shown(value: object) -> str:
    """One value of the file, on one line."""
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(shown(each) for each in value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict | NodeConfig | BranchConfig | NeedConfig):
        return render_flow(value)
    fields = getattr(value, "__struct_fields__", None)
    return str(value) if fields is None else ":".join(str(getattr(value, field)) for field in fields)


def _step_view(step: Step) -> dict[str, object]:
    fields: list[msgspec.Struct] = list(step.fields)
    return {
        "action": step.action,
        "kind": step.part,
        "organization": step.organization or None,
        "name": step.name or step.organization,
        "fields": fields,
    }
