"""A8: the client programs of Aegis' reference, as they were printed, against a live server."""

import base64
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from api.health.views import HEALTH
from tenants.models import Tenant
from tests.api.clients.cast import stored
from tests.api.clients.running import Served, run, run_script, served
from tests.api.limits_cast import empty_windows


@pytest.fixture
def aegis(live_tenant: Tenant) -> Iterator[Served]:
    with served(live_tenant, "/send") as server:
        yield server


def kept(message_id: str, tenant: Tenant) -> dict[str, Any]:
    connection.set_tenant(tenant)
    return stored(message_id)


def documents(said: str) -> list[Any]:
    """The JSON values that stand one behind the other."""
    found, rest = [], said
    while start := min((at for at in (rest.find("{"), rest.find("[")) if at >= 0), default=-1) + 1:
        value, end = json.JSONDecoder().raw_decode(rest[start - 1 :])
        found.append(value)
        rest = rest[start - 1 + end :]
    return found


@pytest.mark.parametrize("name", ["simple", "html", "several"])
def test_a08_curl(aegis: Served, live_tenant: Tenant, tmp_path: Path, name: str) -> None:
    (answer,) = documents(run_script(aegis.printed(f"aegis/{name}.sh"), within=tmp_path))
    assert (answer["success"], answer["message"]) == (True, "Email queued successfully")
    message = kept(answer["message_id"], live_tenant)
    expected = {
        "simple": ("Welcome!", [("to", "user@example.com", "")]),
        "html": ("Welcome to Our Platform!", [("to", "user@example.com", "")]),
        "several": (
            "Team Update",
            [
                ("to", "primary@example.com", ""),
                ("cc", "manager@example.com", "Manager"),
                ("cc", "lead@example.com", "Team Lead"),
                ("bcc", "archive@example.com", ""),
            ],
        ),
    }
    assert (message["subject"], message["people"]) == expected[name]
    assert bool(message["html"]) == (name == "html")


def test_a08_curl_with_an_attachment(aegis: Served, live_tenant: Tenant, tmp_path: Path) -> None:
    # The reference prints the beginning of the file only, and three dots.
    file = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
    script = aegis.printed("aegis/attachment.sh").replace("JVBERi0xLjQKJc...", file)
    (answer,) = documents(run_script(script, within=tmp_path))
    assert kept(answer["message_id"], live_tenant)["subject"] == "Your Invoice"
    with connection.cursor() as cursor:
        cursor.execute("SELECT filename, content_type FROM outbound_attachment")
        assert cursor.fetchall() == [("invoice-2024-001.pdf", "application/pdf")]


def test_a08_shell_follows_a_message(aegis: Served, tmp_path: Path) -> None:
    (answer,) = documents(run_script(aegis.printed("aegis/tracking.sh"), within=tmp_path, needs=("curl", "jq")))
    assert answer["status"] == "queued"


def test_a08_the_basic_test(aegis: Served, tmp_path: Path) -> None:
    said = run_script(aegis.printed("aegis/basic_test.sh"), within=tmp_path, needs=("curl", "jq"))
    health, sent, status = documents(said)
    assert set(health) == {"status", "timestamp", "version", "checks"}
    assert sent["success"] is True
    assert (status["message_id"], status["status"]) == (sent["message_id"], "queued")


def test_a08_limits_are_shown_to_a_call_without_a_body(aegis: Served, tmp_path: Path) -> None:
    with override_settings(API_LIMIT_AEGIS=100), empty_windows():
        said = run_script(aegis.printed("aegis/current_limits.sh"), within=tmp_path)
    headers = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    assert said.splitlines()[0].split()[1] == "400"
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("100", "99")
    assert "X-RateLimit-Reset" in headers


def test_a08_the_health_monitor_alerts(aegis: Served, tmp_path: Path) -> None:
    heard: list[Any] = []

    class Monitor(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Monitor) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        script = aegis.printed("aegis/health_monitor.sh").replace(
            "https://your-monitoring-service.com/webhook", f"http://127.0.0.1:{server.server_address[1]}/"
        )
        HEALTH.forget()
        with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            run_script(script, within=tmp_path)
        HEALTH.forget()
        server.shutdown()
        thread.join()
    assert heard == [{"alert": "Aegis Mailer health check failed", "status": "503"}]


_ORDER = """
async function storeEmailTracking(order, messageId) { console.log(JSON.stringify({order, messageId})); }
sendOrderConfirmation({
  id: 4711, total: 20, customerEmail: "ann@example.com", customerName: "Ann", deliveryDate: "tomorrow"
}).then(result => console.log(JSON.stringify(result)));
"""


def test_a08_javascript_order_confirmation(aegis: Served, live_tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "order.js").write_text(aegis.printed("aegis/order_confirmation.js") + _ORDER)
    tracked, result = documents(run("node", "order.js", within=tmp_path, AEGIS_API_KEY=aegis.key))
    assert result["success"] is True
    assert tracked == {"order": 4711, "messageId": result["message_id"]}
    message = kept(result["message_id"], live_tenant)
    assert (message["subject"], message["people"]) == ("Order Confirmation #4711", [("to", "ann@example.com", "Ann")])
    assert message["reply_to"] == [["support@yourstore.com", ""]]
    assert "<p>Total: $20</p>" in message["html"]


def test_a08_javascript_with_retries(aegis: Served, tmp_path: Path) -> None:
    program = aegis.printed("aegis/retrying.js").replace("'/send'", f"'{aegis.url}/send'")
    program = f"const API_KEY = '{aegis.key}';\n{program}"
    good = 'sendEmailWithRetry({to: "a@b.example", subject: "s", body: "b"}).then(r => console.log(JSON.stringify(r)));'
    bad = 'sendEmailWithRetry({to: "x"}, 1).catch(error => console.log(JSON.stringify({said: error.message})));'
    (tmp_path / "retry.js").write_text(f"{program}\n{good}")
    (tmp_path / "refused.js").write_text(f"{program}\n{bad}")
    (answer,) = documents(run("node", "retry.js", within=tmp_path))
    assert answer["success"] is True
    assert documents(run("node", "refused.js", within=tmp_path)) == [{"said": "Client error: 400"}]


_WELCOME = """
$series = new WelcomeEmailSeries($argv[1], $argv[2]);
echo json_encode($series->sendWelcomeEmail(['email' => 'ann@example.com', 'name' => 'Ann']));
try { $series->sendEmail(['to' => 'x']); } catch (Exception $e) { echo json_encode(['said' => $e->getMessage()]); }
"""


def test_a08_php_welcome_series(aegis: Served, live_tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "welcome.php").write_text(aegis.printed("aegis/welcome_series.php") + _WELCOME)
    sent, refused = documents(run("php", "welcome.php", aegis.key, aegis.url, within=tmp_path))
    assert kept(sent["message_id"], live_tenant)["priority"] == 2
    assert "Email send failed" in refused["said"]


def test_a08_php_wrapper(aegis: Served, live_tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "wrapper.php").write_text(aegis.printed("aegis/wrapper.php"))
    said = run("php", "wrapper.php", within=tmp_path)
    assert said.startswith("Email sent with ID: msg_")
    assert kept(said.split(": ")[1].strip(), live_tenant)["subject"] == "Test Email"


_RESET = """
import sys
print(json.dumps(PasswordResetService(sys.argv[1], sys.argv[2]).send_reset_email("ann@example.com", "abc")))
try:
    PasswordResetService("wrong", sys.argv[2]).send_reset_email("ann@example.com", "abc")
except Exception as error:
    print(json.dumps({"said": str(error)}))
"""


def test_a08_python_password_reset(aegis: Served, live_tenant: Tenant, tmp_path: Path) -> None:
    pytest.importorskip("requests")
    (tmp_path / "reset.py").write_text(aegis.printed("aegis/password_reset.py.txt") + _RESET)
    sent, refused = documents(run(sys.executable, "reset.py", aegis.key, aegis.url, within=tmp_path))
    message = kept(sent["message_id"], live_tenant)
    assert (message["subject"], message["priority"]) == ("Password Reset Request", 1)
    assert "reset-password?token=abc" in message["html"]
    assert "INVALID_API_KEY" in refused["said"]


def test_a08_python_batch(aegis: Served, tmp_path: Path) -> None:
    pytest.importorskip("requests")
    program = aegis.printed("aegis/batch.py.txt").replace("'/send'", f"'{aegis.url}/send'")
    calls = [{"to": f"a{number}@example.com", "subject": "s", "body": "b"} for number in range(3)] + [{"to": "x"}]
    (tmp_path / "batch.py").write_text(f"{program}\nsend_email_batch({calls!r}, {aegis.key!r})\n")
    said = run(sys.executable, "batch.py", within=tmp_path).splitlines()
    assert [line.partition(":")[0] for line in said] == ["Email sent"] * 3 + ["Failed to send email"]


_NEWSLETTER = """package main

import "os"

type Subscriber struct{ ID, Email, Name, UnsubscribeToken string }

func (es *EmailService) trackNewsletter(id, messageID string) { println(id, messageID) }

func main() {
	service := &EmailService{APIKey: os.Args[1], BaseURL: os.Args[2]}
	readers := []Subscriber{{"1", "ann@example.com", "Ann", "t1"}, {"2", "nobody", "No", "t2"}, {"3", "bo@example.com", "Bo", "t3"}}
	if err := service.SendNewsletter(readers, "<p>News</p>"); err != nil {
		panic(err)
	}
}
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a08_go_newsletter(aegis: Served, live_tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "newsletter.go").write_text(aegis.printed("aegis/newsletter.go.txt"))
    (tmp_path / "main.go").write_text(_NEWSLETTER)
    (tmp_path / "go.mod").write_text("module newsletter\n\ngo 1.20\n")
    # Without a cache the compiler reads Go's whole standard library first.
    run("go", "build", "-o", "newsletter", ".", within=tmp_path, patience=550, GOTOOLCHAIN="local", CGO_ENABLED="0")
    said = run(str(tmp_path / "newsletter"), aegis.key, aegis.url, within=tmp_path)
    assert said.strip() == "Failed to send to nobody: unexpected status: 400"
    connection.set_tenant(live_tenant)
    with connection.cursor() as cursor:
        cursor.execute("SELECT addresses[1], html FROM outbound_submission ORDER BY message_id")
        rows = cursor.fetchall()
    assert [address for address, _ in rows] == ["ann@example.com", "bo@example.com"]
    assert "unsubscribe?token=t1" in rows[0][1]
