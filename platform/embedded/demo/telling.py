"""What the demo says: progress while it works, then the report as a table, the addresses and the log-ins."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from campaigns.reports import CampaignReport
from common.progress import Progress
from contacts.models import Import
from embedded.demo.cast import ACME, GLOBEX, OPERATOR, Company
from embedded.demo.surroundings import Ports

_REDRAW_SECONDS = 0.2


class Output(Protocol):
    """What Django's commands write to."""

    def write(self, msg: str = ..., /) -> object: ...


class Teller:
    """Reports go to `out`, progress to the terminal, failures to `err`."""

    def __init__(self, out: Output, err: Output) -> None:
        self._out, self._err = out, err

    @contextmanager
    def counting(self, label: str, total: int, unit: str = "") -> Iterator[Progress]:
        """A bar for work that says how far it is."""
        with Progress(label, total=total, unit=unit, always=True) as bar:
            yield bar

    @contextmanager
    def working(self, label: str) -> Iterator[None]:
        """Shows the passing seconds of work that does not say how far it is."""
        done = threading.Event()
        with Progress(label, always=True) as bar:
            clock = threading.Thread(target=_redraw, args=(bar, done), daemon=True)
            clock.start()
            try:
                yield
            finally:
                done.set()
                clock.join()

    def say(self, *lines: str) -> None:
        for line in lines:
            self._out.write(line)

    def fail(self, sentence: str) -> None:
        self._err.write(f"\n{sentence}")

    def imported(self, run: Import) -> None:
        """What became of the file's rows."""
        self._table(
            f"Import of {run.file_name}",
            [
                ("rows", run.rows_total, ""),
                ("new contacts", run.created, ""),
                ("known, changed", run.updated, ""),
                ("known, unchanged", run.unchanged, ""),
                ("address twice", run.duplicates, ""),
                ("no address", run.invalid, ""),
            ],
        )

    def report(self, name: str, report: CampaignReport) -> None:
        """The campaign's figures, with shares of what was delivered, and its links."""
        figures = report.figures
        told = [
            ("recipients", figures.total, ""),
            ("taken by the provider", figures.sent, _share(figures.sent, figures.total)),
            ("bounced", figures.bounced_hard + figures.bounced_soft, f"{figures.bounce_rate:.1%}"),
            ("delivered", figures.delivered, f"{figures.delivery_rate:.1%}"),
            ("opened", figures.opened, f"{figures.open_rate:.1%}"),
            ("clicked", figures.clicked, f"{figures.click_rate:.1%}"),
            ("unsubscribed", figures.unsubscribed, f"{figures.unsubscribe_rate:.1%}"),
            ("in doubt", figures.in_doubt, ""),
        ]
        self._table(name, told)
        self._table("Clicks", [(link.url, link.clicks, "") for link in report.links if link.clicks])

    def single(self, recipient: str, message_id: str, status: str) -> None:
        """What became of the message that a program sent."""
        self.say("", "Single message", f"  {recipient}  {status}  {message_id}")

    def program(self, curl: str) -> None:
        """How to send one's own; it comes to the caught mails."""
        self.say("Send one yourself", f"  {curl}")

    def addresses(self, ports: Ports, password: str) -> None:
        """Where to look, and as whom."""
        desks = [
            ("operators", f"http://localhost:{ports.web}/admin/", OPERATOR),
            *(self._desk(company, ports) for company in (ACME, GLOBEX)),
        ]
        self.say("", "Desks (password for all: " + password + ")")
        self.say(*(f"  {who:<12} {address:<36} {login}" for who, address, login in desks))
        self.say("Caught mails", f"  {'inbox':<12} http://localhost:{ports.inbox}/")

    def farewell(self, data_dir: str, *, stays: bool) -> None:
        """How it ends, and how it begins again."""
        self.say(
            "", f"The data stays in {data_dir}: the next demo goes on from there. To start afresh: rm -rf {data_dir}"
        )
        if stays:
            self.say("Everything runs until Ctrl-C.")

    def _table(self, title: str, rows: Sequence[tuple[str, int, str]]) -> None:
        """Name, figure, share."""
        width = max((len(name) for name, _, _ in rows), default=0)
        self.say("", title, "─" * (width + 20))
        self.say(*(f"{name:<{width}}  {figure:>8,}  {share:>8}".rstrip() for name, figure, share in rows))

    def _desk(self, company: Company, ports: Ports) -> tuple[str, str, str]:
        return company.name, f"http://{company.host}:{ports.web}/admin/", company.person


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _redraw(bar: Progress, done: threading.Event) -> None:
    while not done.wait(_REDRAW_SECONDS):
        bar.update(bar.done)
