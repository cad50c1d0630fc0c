"""Suspending and reinstating accounts. The caller owns the transaction, except of `end_access`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet
from knox.models import AuthToken

from core.accounts.models import AccountLog, User
from core.inserting import insert_many
from core.lookups import AnyOf
from core.outbox.models import Lane
from core.outbox.writing import write
from core.prepared import prepared, prepared_update
from core.transactions import in_transaction

_LOG_COLUMNS = ("user_id", "action", "performed_by_id", "timestamp", "reason", "old_values", "new_values")


def suspend(user_id: int, *, reason: str, actor: User | None, now: datetime) -> bool:
    """End the account's access: tokens and sessions are gone; False when it was suspended already."""
    return bool(suspend_many([user_id], reason=reason, actor=actor, now=now))


def suspend_many(user_ids: Sequence[int], *, reason: str, actor: User | None, now: datetime) -> list[int]:
    """`suspend` for many in a handful of statements; returns those who were active until now."""
    active = _locked_active(user_ids)
    if not active:
        return []
    _end_access(active, reason, now)
    AuthToken.objects.filter(AnyOf("user_id", active)).delete()
    before, after = {"is_active": True}, {"is_active": False}
    actor_id = actor.pk if actor else None
    insert_many(AccountLog, _LOG_COLUMNS, [(pk, "disabled", actor_id, now, reason, before, after) for pk in active])
    return active


@prepared
def _locked_active(user_ids: Collection[int]) -> QuerySet[User, int]:
    rows = User.objects.select_for_update(no_key=True).filter(AnyOf("pk", user_ids), is_active=True)
    return rows.order_by("pk").values_list("pk", flat=True)


@prepared_update
def _end_access(user_ids: Collection[int], reason: str, now: datetime) -> tuple[QuerySet[User], dict[str, Any]]:
    suspended = {"is_active": False, "suspended_at": now, "suspension_reason": reason}
    return User.objects.filter(AnyOf("pk", user_ids)), suspended | {"session_epoch": F("session_epoch") + 1}


@in_transaction
def end_access(user_id: int, reason: str, actor: User, now: datetime) -> bool:
    """`suspend` by hand, whole by itself: open sockets close too. False when it was suspended already."""
    done = suspend(user_id, reason=reason, actor=actor, now=now)
    if done:
        fact = {"user": user_id, "token": None}
        write(Lane.REALTIME, "token_revoked", fact, stream=f"user:{user_id}", now=now)
    return done


def reinstate(user_id: int, *, actor: User | None, now: datetime) -> bool:
    """Give a suspended account its access back; False when it was not suspended."""
    changed = User.objects.filter(pk=user_id, is_active=False).update(
        is_active=True, suspended_at=None, suspension_reason=""
    )
    if changed:
        AccountLog.objects.create(
            user_id=user_id,
            action="enabled",
            performed_by=actor,
            timestamp=now,
            old_values={"is_active": False},
            new_values={"is_active": True},
        )
    return bool(changed)
