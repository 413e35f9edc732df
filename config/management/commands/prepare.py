"""Bring an installation up to date before its processes start."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from config.celery import app
from config.demo.accounts import ensure_accounts
from config.heartbeats import forget_heartbeats
from config.standalone.redelivery import give_back_unacknowledged

# Any number will do, as long as every server of the site uses the same.
MIGRATION_LOCK = 0x434F554E


class Command(BaseCommand):
    help = "Migrate the database (one process at a time); in production also collect the static files."
    requires_system_checks: list[str] = []  # they import every page; the web server does that in a moment

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--alone",
            action="store_true",
            help="no worker lives anywhere: let what killed workers held go on at once",
        )
        parser.add_argument("--demo-accounts", action="store_true", help="make the demo's accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            # Held by this session: a crash frees it.
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            try:
                call_command("migrate", interactive=False, verbosity=options["verbosity"])
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
        if settings.PRODUCTION:
            call_command("collectstatic", interactive=False, verbosity=0)
        if options["alone"]:
            forgotten, given_back = forget_heartbeats(), give_back_unacknowledged(app)
            self.stdout.write(
                f"of killed workers: {forgotten} tasks to take up again, {given_back} messages given back"
            )
        if options["demo_accounts"]:
            ensure_accounts()
