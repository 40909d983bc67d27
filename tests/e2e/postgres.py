"""A PostgreSQL server of a test's own, by Debian's programs; root runs it as the user `postgres`."""

import os
import pwd
import signal
from pathlib import Path

from harness import Process, need, run, wait_for


def _programs():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else Path(need("initdb")).parent


def _as_user(command):
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    user = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]


def make_data_folder(path):
    path.mkdir(mode=0o700)
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(path, user.pw_uid, user.pw_gid)
    run(_as_user([_programs() / "initdb", "-D", path, "-U", "postgres", "-A", "trust", "--no-sync"]), cwd="/")
    return path


def command(data, **settings):
    return _as_user([_programs() / "postgres", "-D", data, *(f"--{key}={value}" for key, value in settings.items())])


class Server:
    """Reached by a Unix socket in its data folder, and by a TCP port of 127.0.0.1 if one is given."""

    def __init__(self, directory, tcp=None):
        self.tcp = tcp
        self.data = make_data_folder(directory / "pg")
        self.log = directory / "postgres.log"
        self.url = f"postgresql://postgres@/postgres?host={self.data}"
        self.process = None

    def start(self):
        listening = {"listen_addresses": "127.0.0.1", "port": self.tcp} if self.tcp else {"listen_addresses": ""}
        self.process = Process(command(self.data, unix_socket_directories=self.data, shared_buffers="32MB",
                                       **listening), self.log, cwd="/")
        ready = [_programs() / "pg_isready", "-q", "-h", self.data]
        wait_for("PostgreSQL\n" + self.log.read_text(),
                 lambda: Process(ready, self.log).wait() == 0, every=0.2)

    def kill(self):
        """As a loss of power would end it."""
        self.process.stop(signal.SIGQUIT)

    def sql(self, query):
        """The rows as text, columns parted by `|`."""
        return run(_as_user([_programs() / "psql", "-h", self.data, "-U", "postgres", "-Atc", query]),
                   cwd="/").stdout.strip()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.process.stop(signal.SIGINT)
