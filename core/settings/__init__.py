"""Settings, one file per concern; every variable is read through `core.settings.env`."""

from core.settings import env
from core.settings.admin import *
from core.settings.api import *
from core.settings.base import *
from core.settings.database import *
from core.settings.logs import *
from core.settings.mail import *
from core.settings.queues import *
from core.settings.realtime import *
from core.settings.rules import *
from core.settings.security import *

env.refuse_mistakes()
