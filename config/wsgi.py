"""The web application, for granian or any WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

# Needs Django's settings and models, which are there from here on.
from viewer.tile_door import tile_door  # noqa: E402

application = tile_door(django_application)
