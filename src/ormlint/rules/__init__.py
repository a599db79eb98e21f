"""Every rule, in the order of its code: one file each, one line here."""

from __future__ import annotations

from ormlint.rules import (
    orm101_orm_import_in_domain,
    orm103_mapped_class_in_domain,
    orm201_commit_in_loop,
    orm202_commit_hidden_in_loop,
    orm301_session_not_closed,
    orm302_global_session,
    orm305_session_used_after_scope,
    orm401_lazy_load_in_loop,
    orm402_lazy_load_behind_property,
    orm403_lazy_load_after_scope,
    orm404_lazy_load_in_async,
    orm405_load_undone,
    orm408_query_in_loop,
    orm409_invariant_query_in_loop,
    orm413_joined_collection_without_unique,
)
from ormlint.rules.rule import Rule

ALL_RULES: tuple[Rule, ...] = (
    orm101_orm_import_in_domain.RULE,
    orm103_mapped_class_in_domain.RULE,
    orm201_commit_in_loop.RULE,
    orm202_commit_hidden_in_loop.RULE,
    orm301_session_not_closed.RULE,
    orm302_global_session.RULE,
    orm305_session_used_after_scope.RULE,
    orm401_lazy_load_in_loop.RULE,
    orm402_lazy_load_behind_property.RULE,
    orm403_lazy_load_after_scope.RULE,
    orm404_lazy_load_in_async.RULE,
    orm405_load_undone.RULE,
    orm408_query_in_loop.RULE,
    orm409_invariant_query_in_loop.RULE,
    orm413_joined_collection_without_unique.RULE,
)
