"""The control API's table: every path it has, and who may ask for it."""

from __future__ import annotations

from waypost.admin import audit, credits, keys, tokens, usage
from waypost.admin.credentials import Credentials
from waypost.admin.invitations import Invitations
from waypost.admin.me import Me
from waypost.admin.members import MachineAccounts, Members, Roles
from waypost.admin.org_routes import OrgRoutes
from waypost.admin.organizations import Organizations, Projects, Teams
from waypost.admin.route import Route
from waypost.admin.rules import Budgets, GatewayBudgets, GatewayLimits, Limits
from waypost.admin.sessions import Signing
from waypost.admin.signin import SignIn
from waypost.admin.users import Users


def routes(signin: SignIn) -> tuple[Route, ...]:
    """All rows."""
    users = Users(signin)
    resources = (
        Organizations(),
        Teams(),
        Projects(),
        Roles(),
        Members(),
        MachineAccounts(),
        Budgets(),
        Limits(),
        Credentials(),
        OrgRoutes(),
        users,
        GatewayBudgets(),
        GatewayLimits(),
    )
    rows = [row for resource in resources for row in resource.routes()]
    rows += users.more_routes()
    rows += credits.routes()
    rows += usage.routes()
    rows += audit.routes()
    rows += keys.routes()
    rows += tokens.routes()
    rows += Invitations(signin).routes()
    rows += Me(signin).routes()
    rows += Signing(signin).routes()
    return tuple(rows)
