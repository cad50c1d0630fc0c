from argparse import ArgumentParser
from io import StringIO
from typing import Any

import segno
from django.core.management.base import BaseCommand, CommandError
from django_otp.plugins.otp_totp.models import TOTPDevice

from core.accounts.models import User


class Command(BaseCommand):
    help = "Give somebody a new second factor for Django admin, in place of the one they had; shows its QR code here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"], is_staff=True).first()
        if user is None:
            raise CommandError("There is nobody of this name who may enter Django admin.")
        TOTPDevice.objects.filter(user=user).delete()
        device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
        picture = StringIO()
        segno.make(device.config_url).terminal(out=picture, compact=True)
        self.stdout.write(picture.getvalue())
        self.stdout.write(device.config_url)
        self.stdout.write("Scan it with an authenticator now; it is shown this once.")
