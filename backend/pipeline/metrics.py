"""What the backend counts, as Prometheus text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from backend.errors import TwinreadError
from backend.guarantee.claims import Claim
from backend.guarantee.decisions import ClaimState
from backend.page.lines import ReadPage
from backend.readers.prices import Prices
from backend.readers.usage import Usage

ROUTES = frozenset(
    {"/", "/health", "/setup", "/predict", "/versions", "/status", "/metrics", "/webhook", "/reload"}
)
"""Any other path counts as "other", so that a caller cannot make metrics grow."""


class Metrics:
    """Counters of one service, in a registry of its own so that two services never share one."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.pages = Counter(
            "twinread_pages",
            "Pages by outcome: done or the class of the failure",
            ["outcome"],
            registry=self.registry,
        )
        self.lines = Counter("twinread_lines", "Lines by verdict", ["verdict"], registry=self.registry)
        self.readings = Counter(
            "twinread_readings",
            "Readings by reader and outcome",
            ["reader", "outcome"],
            registry=self.registry,
        )
        self.calls = Counter(
            "twinread_calls", "Calls that a server answered, by reader", ["reader"], registry=self.registry
        )
        self.unmetered = Counter(
            "twinread_calls_unmetered",
            "Those of them whose answer named no tokens: they are in no cost",
            ["reader"],
            registry=self.registry,
        )
        self.call_seconds = Counter(
            "twinread_call_seconds",
            "Seconds that answered calls took, one by one",
            ["reader"],
            registry=self.registry,
        )
        self.tokens = Counter(
            "twinread_tokens",
            "Tokens by kind: input, cached (input that the server had at hand, not in input) or output",
            ["reader", "kind"],
            registry=self.registry,
        )
        self.cost = Counter(
            "twinread_cost",
            "What these tokens cost, where prices are set",
            ["reader", "currency"],
            registry=self.registry,
        )
        self.dropped = Counter(
            "twinread_dropped_quads", "Detected shapes that were no usable quads", registry=self.registry
        )
        self.page_seconds = Histogram(
            "twinread_page_seconds",
            "Wall seconds from reference to lines",
            buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300),
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "twinread_pages_in_flight", "Pages being worked on or waiting", registry=self.registry
        )
        self.waiting = Gauge(
            "twinread_pages_waiting",
            "Pages being worked on or waiting, by kind: urgent where an annotator opened them, else bulk",
            ["kind"],
            registry=self.registry,
        )
        self.downloads = Gauge(
            "twinread_downloads_in_flight", "Images being downloaded", registry=self.registry
        )
        self.refused = Counter(
            "twinread_pages_refused",
            "Pages refused because MAX_WAITING_PAGES waited already",
            registry=self.registry,
        )
        self.late = Counter(
            "twinread_tasks_late",
            "Tasks answered empty because the deadline came first",
            registry=self.registry,
        )
        self.webhooks = Counter("twinread_webhooks", "Webhooks by action", ["action"], registry=self.registry)
        self.ready = Gauge(
            "twinread_ready",
            "1 where pages can be read, 0 while models load or failed",
            registry=self.registry,
        )
        self.store_usable = Gauge(
            "twinread_store_usable", "0 where readings cannot be kept at the moment", registry=self.registry
        )
        self.answers = Counter(
            "twinread_http_requests", "HTTP answers", ["route", "status"], registry=self.registry
        )
        self.answer_seconds = Histogram(
            "twinread_http_seconds",
            "Wall seconds from a whole request to its answer",
            ["route"],
            buckets=(0.01, 0.1, 0.3, 1, 3, 10, 30, 100),
            registry=self.registry,
        )
        lot = ["project", "language", "version"]
        self.claim_state = Gauge(
            "twinread_claim_state",
            "What the audit says of agreed lines: 1 the claim holds, 0 not known yet, -1 it is broken",
            lot,
            registry=self.registry,
        )
        self.claim_at_most = Gauge(
            "twinread_claim_at_most",
            "Share of wrong lines among the agreed ones that the claim covers, at most, with 95 % confidence",
            lot,
            registry=self.registry,
        )
        self.audit_lines = Gauge(
            "twinread_audit_lines", "Audit lines that the claim rests on", lot, registry=self.registry
        )
        self.audit_wrong = Gauge(
            "twinread_audit_wrong",
            "Those of them that were wrong; lines that wait for an answer are not among them",
            lot,
            registry=self.registry,
        )
        self._claimed: dict[int, set[tuple[str, str, str]]] = {}
        ProcessCollector(registry=self.registry)

    def watch(
        self,
        pages: Callable[[], int],
        opened: Callable[[], int],
        downloads: Callable[[], int],
        ready: Callable[[], bool],
        store_usable: Callable[[], bool],
    ) -> None:
        """Let gauges be asked for when somebody reads them.

        Args:
            pages: how many are in work or wait.
            opened: how many of them annotators wait for.
            downloads: how many images are on their way.
            ready: whether pages can be read.
            store_usable: whether readings can be kept.
        """
        self.ready.set_function(ready)
        self.store_usable.set_function(store_usable)
        self.in_flight.set_function(pages)
        self.waiting.labels("urgent").set_function(opened)
        self.waiting.labels("bulk").set_function(lambda: pages() - opened())
        self.downloads.set_function(downloads)

    def count_answer(self, path: str, status: int, seconds: float | None = None) -> None:
        """Count an HTTP answer.

        Args:
            path: of the request; what follows its first word, which may be a secret, does not count.
            status: of the answer.
            seconds: how long it took; None for one that was refused by its header alone.
        """
        first = f"/{path.lstrip('/').partition('/')[0]}"
        route = first if first in ROUTES else "other"
        self.answers.labels(route, str(status)).inc()
        if seconds is not None:
            self.answer_seconds.labels(route).observe(seconds)

    def count_failure(self, error: TwinreadError) -> None:
        """Count a page, a task or a drawn box that failed."""
        self.pages.labels(type(error).__name__).inc()

    def count_page(self, page: ReadPage) -> None:
        """Count a page that was read to the end."""
        self.pages.labels("done").inc()
        self.dropped.inc(page.dropped)
        for line in page.lines:
            self.lines.labels(line.judgement.verdict.value).inc()
            for reading in line.readings:
                outcome = "error" if reading.failed else "no text" if reading.no_text else "text"
                self.readings.labels(reading.reader, outcome).inc()

    def count_usage(self, reader: str, usage: Usage, prices: Prices) -> None:
        """Count what calls of a reader took."""
        self.calls.labels(reader).inc(usage.calls)
        self.unmetered.labels(reader).inc(usage.unmetered)
        self.call_seconds.labels(reader).inc(usage.seconds)
        self.tokens.labels(reader, "input").inc(usage.input_tokens - usage.cached_tokens)
        self.tokens.labels(reader, "cached").inc(usage.cached_tokens)
        self.tokens.labels(reader, "output").inc(usage.output_tokens)
        if (cost := prices.cost(usage)) is not None:
            self.cost.labels(reader, prices.currency).inc(cost)

    def show_claims(self, project: int, claims: Iterable[Claim]) -> None:
        """Show what the audits of a project say now; of a lot that is gone nothing is shown any more.

        Args:
            project: its id.
            claims: of its lots.
        """
        gauges = (self.claim_state, self.claim_at_most, self.audit_lines, self.audit_wrong)
        shown: set[tuple[str, str, str]] = set()
        for made in claims:
            lot = (str(project), made.key.language, made.key.version)
            wrong = made.audited - made.right - made.waiting
            values = (_STATES[made.state], made.at_most, made.audited, wrong)
            for gauge, value in zip(gauges, values, strict=True):
                gauge.labels(*lot).set(value)
            shown.add(lot)
        for lot in self._claimed.get(project, set()) - shown:
            for gauge in gauges:
                gauge.remove(*lot)
        self._claimed[project] = shown

    def markdown_table(self) -> str:
        """All of ours with their kind, labels and meaning, for docs/operations.md."""
        rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
        for metric in vars(self).values():
            if isinstance(metric, (Counter, Gauge, Histogram)):
                (family,) = metric.describe()
                name = f"{family.name}_total" if family.type == "counter" else family.name
                labels = ", ".join(f"`{label}`" for label in metric._labelnames)
                rows.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
        return "\n".join(rows) + "\n"

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)


_STATES = {ClaimState.HOLDS: 1, ClaimState.NOT_YET: 0, ClaimState.BROKEN: -1}


@dataclass(frozen=True, slots=True)
class UsageCounter:
    """Counts what calls took; a `Ledger`.

    metrics: have the counters. Projects are not among their labels: there are too many.
    prices: of the server.
    """

    metrics: Metrics
    prices: Prices

    def note(self, project: str, reader: str, usage: Usage) -> None:
        """As `Ledger.note`."""
        self.metrics.count_usage(reader, usage, self.prices)

    def when_written(self, then: Callable[[], object]) -> None:
        """As `Ledger.when_written`: nothing is written."""
        then()
