"""The supervisor, run as a process of its own over real children."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.embedded.owners import is_alive, python, wait_until

_SUPERVISOR = """
import os, sys
from pathlib import Path
from embedded.services import start_services
from embedded.supervisor import ChildProcess, Supervisor
PYTHON, FOLDER = sys.executable, Path(sys.argv[1])
def child(name, text, **options):
    return ChildProcess(name, [PYTHON, "-c", text], **options)
%s
"""
_SLEEP = "import time; print('up'); time.sleep(600)"
# Says good-bye and writes down when it was stopped.
_POLITE = """
import signal, sys, time
def stop(*_):
    print(f"bye {sys.argv[1:]}")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up")
while True:
    time.sleep(0.05)
"""


@contextmanager
def supervisor(folder: Path, text: str) -> Iterator[subprocess.Popen[str]]:
    program = _SUPERVISOR % f"SLEEP, POLITE = {_SLEEP!r}, {_POLITE!r}\n{text}"
    with python([program, str(folder)]) as process:
        yield process


def read_until(process: subprocess.Popen[str], *expected: str) -> str:
    """The output up to the line in which the last of the expected texts has come."""
    assert process.stdout is not None
    seen = ""
    while not all(text in seen for text in expected):
        line = process.stdout.readline()
        assert line, f"it ended, having said: {seen}"
        seen += line
    return seen


def rest(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.read()


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(found) for found in listed.stdout.split()]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda how: how.name)
def test_a_signal_stops_the_children_in_order_and_ends_with_success(tmp_path: Path, how: signal.Signals) -> None:
    with supervisor(tmp_path, "sys.exit(Supervisor([child('doors', POLITE), child('work', POLITE)]).run())") as process:
        read_until(process, "doors | up", "work  | up")
        pids = children_of(process.pid)
        assert len(pids) == 2
        process.send_signal(how)
        said = rest(process)
        assert process.wait(10) == 0
        assert said.index("doors | bye") < said.index("work is being stopped") < said.index("work  | bye")
        assert not any(is_alive(pid) for pid in pids)


def test_a_crashed_child_is_started_again(tmp_path: Path) -> None:
    text = "sys.exit(Supervisor([child('web', SLEEP, quick_seconds=0), child('work', SLEEP)]).run())"
    with supervisor(tmp_path, text) as process:
        started = read_until(process, "web started (process", "web  | up")
        pid = int(started.partition("web started (process ")[2].partition(")")[0])
        os.kill(pid, signal.SIGKILL)
        read_until(process, "web ended, by SIGKILL", "web started (process", "web  | up")
        process.terminate()
        assert "work is being stopped" in rest(process)
        assert process.wait(10) == 0


def test_a_child_that_cannot_start_stops_everything_and_says_why(tmp_path: Path) -> None:
    text = """
bad = child('bad', "import sys; sys.exit('port 25 is taken')")
sys.exit(Supervisor([child('web', POLITE), bad]).run())
"""
    with supervisor(tmp_path, text) as process:
        said = rest(process)
        assert process.wait(10) == 1
    assert said.count("bad started") == 3
    assert "bad ended 3 times right after its start, exit status 1." in said
    assert said.index("3 times") < said.index("web | bye")
    assert "    port 25 is taken" in said


def test_a_program_that_does_not_exist_stops_everything(tmp_path: Path) -> None:
    text = "sys.exit(Supervisor([child('web', POLITE), ChildProcess('bad', ['/nonexistent'])]).run())"
    with supervisor(tmp_path, text) as process:
        assert "bad cannot be started" in rest(process)
        assert process.wait(10) == 1


def test_a_child_that_does_not_stop_is_killed_with_all_it_started(tmp_path: Path) -> None:
    text = """
stubborn = '''
import os, signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
inside = subprocess.Popen(["sleep", "600"])
outside = subprocess.Popen(["setsid", "sleep", "600"])
time.sleep(0.2)
print("children", inside.pid, outside.pid)
time.sleep(600)
'''
sys.exit(Supervisor([child('stubborn', stubborn, stop_seconds=0.3)]).run())
"""
    with supervisor(tmp_path, text) as process:
        said = read_until(process, "children")
        pids = [int(word) for word in said.partition("children")[2].split()[:2]]
        process.terminate()
        assert "it has been killed" in rest(process)
        assert process.wait(10) == 0
    assert not any(is_alive(pid) for pid in pids)


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    text = """
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(600)"
sys.exit(Supervisor([child('stubborn', stubborn, stop_seconds=600)]).run())
"""
    with supervisor(tmp_path, text) as process:
        read_until(process, "| up")
        process.terminate()
        read_until(process, "is being stopped")
        process.terminate()
        assert process.wait(10) == 0


def test_orphans_are_collected_while_it_runs(tmp_path: Path) -> None:
    text = """
parent = '''
import subprocess, time
subprocess.run(["sh", "-c", "setsid sleep 0.2 & echo orphan $!"])
time.sleep(600)
'''
sys.exit(Supervisor([child('parent', parent)]).run())
"""
    with supervisor(tmp_path, text) as process:
        orphan = int(read_until(process, "orphan").partition("orphan")[2].split()[0])
        wait_until(lambda: not Path(f"/proc/{orphan}").exists())
        process.terminate()
        assert process.wait(10) == 0


def test_when_it_is_killed_its_children_and_services_stop_by_themselves(folder: Path) -> None:
    text = """
services = start_services(FOLDER, environ=os.environ, fast_and_unsafe=True)
sys.exit(Supervisor([child('web', SLEEP)], services=services).run())
"""
    with supervisor(folder, text) as process:
        read_until(process, "| up")
        pids = children_of(process.pid)
        assert len(pids) == 3
        process.kill()
        wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_services_are_started_again_and_stopped_last(tmp_path: Path) -> None:
    text = """
os.environ['DATABASE_URL'] = 'postgres://elsewhere/app'
services = start_services(FOLDER, environ=os.environ, fast_and_unsafe=True)
asks = '''
import os, redis, signal, sys, time
def stop(*_):
    print("still there:", redis.Redis.from_url(os.environ["REDIS_URL"]).ping())
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up")
while True:
    time.sleep(0.05)
'''
print("server", *services.pids, flush=True)
sys.exit(Supervisor([child('asks', asks)], services=services).run())
"""
    with supervisor(tmp_path, text) as process:
        server = int(read_until(process, "| up").partition("server")[2].split()[0])
        os.kill(server, signal.SIGKILL)
        read_until(process, "Valkey had ended; it has been started again")
        pids = children_of(process.pid)
        process.terminate()
        assert "still there: True" in rest(process)
        assert process.wait(10) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_long_and_unfinished_lines_are_passed_on_and_a_closed_output_stops_nothing(tmp_path: Path) -> None:
    text = """
talks = '''
import os, sys, time
sys.stdout.write("x" * 200_000 + "\\\\nend" )
sys.stdout.flush()
os.close(1), os.close(2)
time.sleep(600)
'''
sys.exit(Supervisor([child('talks', talks), child('other', POLITE)]).run())
"""
    with supervisor(tmp_path, text) as process:
        assert read_until(process, "talks | end", "other | up").count("x") == 200_000
        assert process.stdout is not None
        process.stdout.close()
        process.terminate()
        assert process.wait(10) == 0
