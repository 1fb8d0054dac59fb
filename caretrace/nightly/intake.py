"""The deliveries of one source, read, judged, and laid over the state or held; nothing of a held one stays.

In: the next state and what is waiting. Out: what became of each delivery. A bad delivery holds what comes after it in
its own feed, for changes must not be laid over a gap; a later full delivery that is sound begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.nightly import judge
from caretrace.nightly.deliveries import Delivery, reading
from caretrace.nightly.leftovers import forget, objects
from caretrace.nightly.waiting import Waiting, without_numbers
from caretrace.pipeline import refuse_test_numbers
from connectors.files.opening import Opening
from connectors.source import FileFacts, ReadReport
from schemas import SOURCE_TABLES
from schemas.beside import beside
from schemas.errors import InputError, SettingsError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb

    from caretrace.run_settings import RunSettings
    from caretrace.warehouse.kept_out import Roots
    from caretrace.warehouse.store import State

ENDED = "the end of the source"
CHANGED = "it changed while it was read; it waits for the next run"
_HELD = "(SELECT source, source_org, record_id FROM state.record WHERE side = '{}' AND to_run IS NULL)"
"""Of whom changes need not say again who they are."""
OVERTAKEN = "a later full delivery, {}, took its place before it was applied"


@dataclass(frozen=True)
class Taken:
    """What became of one delivery."""

    delivery: Delivery
    outcome: str
    """applied, held, repeated or late; `waits` where it is left for the next run."""
    reason: str | None = None
    changes: dict[str, Any] | None = None
    """What it changed; of deliveries applied together the last has it."""
    facts: tuple[FileFacts, ...] = ()
    """What became of its records, file by file."""

    @property
    def files(self) -> list[dict[str, Any]]:
        """What the state keeps of each file."""
        return [_file_facts(file.name, file.sha256, file.bytes, file.modified, own) for file, own in self._by_file()]

    def _by_file(self) -> list[tuple[Any, list[FileFacts]]]:
        left: dict[str, list[FileFacts]] = {}
        for each in self.facts:
            left.setdefault(each.sha256, []).append(each)
        # Of two files with one content the first has their records.
        return [(file, left.pop(file.sha256, [])) for file in self.delivery.files]


def _file_facts(name: str, sha256: str, size: int, modified: int, facts: Sequence[FileFacts]) -> dict[str, Any]:
    counted = {each: sum(getattr(fact, each) for fact in facts) for each in ("records", "used", "rejected", "excluded")}
    return {"name": name, "sha256": sha256, "bytes": size, "modified": modified, **counted}


@dataclass
class Intake:
    """Reads the deliveries of one source into a state."""

    state: State
    waiting: Waiting
    settings: RunSettings
    opening: Opening
    progress: Progress = SILENT
    judge_only: bool = False
    """Read and judge, but lay nothing over the state."""
    roots: Roots | None = None
    """Where the keys come from that tell who is kept out."""

    used: set[str] = field(default_factory=set)
    """What files of use have been called so far, tonight's among them."""
    _ahead: ReadReport | Taken | None = field(default=None, init=False)
    """What came of the first delivery, where it was read ahead."""

    @contextmanager
    def reading_ahead(self) -> Iterator[None]:
        """Read the first delivery while the block is at work on the other side; the rest of `take` is as ever.

        Only changes are: a whole extract takes the memory that the block may need. What holds of one side does not
        depend on the other, so it makes no difference.
        """
        pending = self.waiting.pending
        if self.waiting.ending or not pending or any(each.told or each.mode == "full" for each in pending):
            yield
            return
        self.used |= self.waiting.used_before
        first = [pending[0]]
        with beside(
            self.state.connection,
            lambda second: self._read(replace(self.state, connection=second), first, first, whole=False),
        ) as read:
            yield
        self._ahead = read.result()

    def take(self) -> list[Taken]:
        """Read everything that is pending; what became of each, in order, notes last."""
        if self.waiting.ending:
            return self._end()
        self.used |= self.waiting.used_before
        told = any(delivery.told for delivery in self.waiting.pending)
        taken = self._take_told() if told else self._take_plain()
        taken += [Taken(note.delivery, note.outcome, note.reason) for note in self.waiting.notes]
        return taken

    def _end(self) -> list[Taken]:
        """A full delivery of nobody, for a source that has ended."""
        source, connection = self.waiting.source, self.state.connection
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {source.side}")
        connection.execute("; ".join(table.ddl(f"{source.side}.{table.name.lower()}") for table in SOURCE_TABLES))
        return self._applied([Delivery(source, ENDED, (), Path())], ReadReport((), {}), whole=True)

    def _take_plain(self) -> list[Taken]:
        """The newest sound full delivery, then the changes after it, up to the first that is held."""
        pending = self.waiting.pending
        taken: dict[str, Taken] = {}
        begin = 0
        for place in reversed([at for at, each in enumerate(pending) if each.mode == "full"]):
            found = self._one(pending[place], whole=True)
            taken[pending[place].name] = found
            if found.outcome == "applied":
                begin = place + 1
                for earlier in pending[:place]:
                    taken[earlier.name] = Taken(earlier, "late", OVERTAKEN.format(pending[place].name))
                break
        held: Delivery | None = None
        for delivery in pending[begin:]:
            if held and delivery.name not in taken:
                taken[delivery.name] = _after(taken[held.name], delivery)
            elif delivery.name not in taken:
                taken[delivery.name] = self._one(delivery, whole=False)
            if taken[delivery.name].outcome != "applied":
                held = held or delivery
        return [taken[delivery.name] for delivery in pending]

    def _one(self, delivery: Delivery, *, whole: bool) -> Taken:
        found, self._ahead = self._ahead or self._read(self.state, [delivery], [delivery], whole=whole), None
        return found if isinstance(found, Taken) else self._applied([delivery], found, whole=whole)[0]

    def _take_told(self) -> list[Taken]:
        """Everything at once; where that is held, one by one, so that only what is bad is held."""
        waiting = self.waiting
        if waiting.missing:
            reason = (
                f"{waiting.missing[0]}, which it is laid over, is no longer in the inbox; deliveries since the last"
                " full one must stay there"
            )
            return [Taken(delivery, "held", reason) for delivery in waiting.pending]
        sound, faulty = self._split()
        chain = list(waiting.chain)
        found = self._read(self.state, [*chain, *sound], sound, whole=True) if sound and not faulty else None
        if isinstance(found, ReadReport):
            return self._applied(sound, found, whole=True)
        taken: list[Taken] = []
        held: Delivery | None = None
        for delivery in waiting.pending:
            if held and delivery.mode != "full":
                taken.append(_after(next(each for each in taken if each.delivery is held), delivery))
                continue
            found = self._read(self.state, [*chain, delivery], [delivery], whole=True)
            if isinstance(found, Taken):
                taken.append(found)
                held = held or delivery
                continue
            # The next one is read together with this one; only the difference is written.
            taken += self._applied([delivery], found, whole=True)
            chain.append(delivery)
            held = None
        return taken

    def _split(self) -> tuple[list[Delivery], list[Delivery]]:
        pending = self.waiting.pending
        return [each for each in pending if not each.fault], [each for each in pending if each.fault]

    def _read(
        self, state: State, together: Sequence[Delivery], judged: Sequence[Delivery], *, whole: bool
    ) -> ReadReport | Taken:
        """Read into the store and judge; what is held has left nothing there."""
        import connectors
        from caretrace.warehouse.kept_out import leave_out, no_keys

        last, connection, side = judged[-1], state.connection, self.waiting.source.side
        if fault := next((each.fault for each in judged if each.fault), None):
            return Taken(last, "held", fault)
        before = objects(connection)
        try:
            report = connectors.read(
                connection,
                [reading(each, self.opening) for each in together],
                side=side,
                as_at=self.settings.as_at,
                progress=self.progress,
                held=None if whole else _HELD.format(side),
            )
            leave_out(state, side, self.roots or no_keys)
        except (InputError, SettingsError) as error:
            forget(connection, before, side)
            return Taken(last, "held", str(error))
        if self.settings.test_numbers == "refuse":
            refuse_test_numbers(connection, side)
        reason = self._reason(connection, report, judged, whole=whole)
        if reason is None:
            return report
        forget(connection, before, side)
        return Taken(last, "waits" if reason is CHANGED else "held", reason, facts=_own(report, last))

    def _reason(
        self, connection: duckdb.DuckDBPyConnection, report: ReadReport, judged: Sequence[Delivery], *, whole: bool
    ) -> str | None:
        read = {file.sha256 for file in report.files if file.sha256}
        wanted = {sha256 for each in judged for sha256 in each.content}
        if not wanted & read or any(not read & each.content for each in judged):
            return CHANGED
        if whole and not report.tables["PERSON"]:
            return (
                f"no record of it can be used as a person ({report.records:,} read, {report.rejected:,} rejected,"
                f" {report.excluded:,} excluded)"
            )
        if all(each.name in self.waiting.accepted for each in judged):
            return None
        return judge.judge(connection, report, judged, whole=whole, used_before=self.used)

    def _applied(self, deliveries: Sequence[Delivery], report: ReadReport, *, whole: bool) -> list[Taken]:
        """Lay what was read over the state, and write the deliveries down."""
        from caretrace.warehouse.apply import apply, clear_read
        from caretrace.warehouse.deliveries import note

        source = self.waiting.source
        self.used |= {without_numbers(file.name) for file in report.files if file.used}
        if self.judge_only:
            clear_read(self.state, source.side)
            return [Taken(each, "applied", facts=_own(report, each)) for each in deliveries]
        done = apply(self.state, side=source.side, feed=source.name, whole=whole)
        taken = [
            Taken(each, "applied", None, done.to_json() if each is deliveries[-1] else None, _own(report, each))
            for each in deliveries
        ]
        for each in taken:
            note(
                self.state,
                feed=source.name,
                side=source.side,
                name=each.delivery.name,
                mode=each.delivery.mode,
                outcome="applied",
                files=each.files,
                whole=whole,
                set_asides=each is taken[-1],
            )
        clear_read(self.state, source.side)
        return taken


def _after(held: Taken, delivery: Delivery) -> Taken:
    verb = "is held" if held.outcome == "held" else "waits"
    return Taken(delivery, held.outcome, f"it comes after {held.delivery.name}, which {verb}")


def _own(report: ReadReport, delivery: Delivery) -> tuple[FileFacts, ...]:
    return tuple(file for file in report.files if file.sha256 in delivery.content)
