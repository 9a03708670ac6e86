"""Every provider Waypost knows, as data. A new OpenAI-compatible one is one row here and one recorded fixture.

`checked`: on that day the base URL and authentication were read in the provider's own documentation, or in a stored
copy of it. Other facts (which endpoints there are beside chat, the list of models, names of limit headers) may rest on
secondary sources where that does not tell.
"""

from __future__ import annotations

from typing import Final

from waypost.providers.rows.china import CHINA
from waypost.providers.rows.clouds import CLOUDS
from waypost.providers.rows.hosts import HOSTS
from waypost.providers.rows.labs import LABS
from waypost.providers.rows.local import LOCAL as LOCAL
from waypost.providers.rows.routers import ROUTERS
from waypost.providers.spec import ProviderSpec

#: Providers with an account. The order is that in which they are found and listed.
CLOUD: Final[tuple[ProviderSpec, ...]] = LABS + CLOUDS + HOSTS + CHINA + ROUTERS
