"""Real brokers, each on free loopback ports, for a `with` statement that leaves nothing running."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from simulated_board import ROOT
from tests.mosquitto import Mosquitto, free_port, wait_listening
from tests.tls import Certificates

BROKERS = ROOT / "build" / "brokers"
RABBITMQ = Path("/usr/lib/rabbitmq/lib")
# Seconds, which only bound a hang; RabbitMQ takes ten on an idle machine, 40 on a busy one.
READY = 600.0
# Whom each broker knows by name and password. Who gives no name is let in, too, but by ejabberd.
ACCOUNT = ("pupil", "chalk")


def one_path(folder: Path, pattern: str) -> Path:
    """Return the one path that matches. Fails with how to get it."""
    found = sorted(folder.glob(pattern))
    assert found, f"{folder}/{pattern} is missing; type: make test-brokers"
    return found[-1]


class Broker:
    """A broker's process. Start it by `with`; `stop` and `start` do so in between."""

    name = ""
    login = ("", "")  # of everybody; the empty one is none
    max_qos = 2  # of what is published to it
    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port(self.host)
        self.tls_port = free_port(self.host)
        self.certificates = Certificates(folder)
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.configure()

    def configure(self) -> None:
        """Write its configuration."""

    def command(self) -> Sequence[str | Path]:
        """Return what starts it, in the foreground."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return what it finds in its environment beside the test's own."""
        return {}

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment()},
                start_new_session=True,  # a group of its own: what it starts ends with it
            )
        try:
            self.wait_ready()
        except BaseException:
            self.stop(kill=True)
            raise

    def wait_ready(self) -> None:
        """Wait until it listens for MQTT, without TLS and with it."""
        for port in (self.port, self.tls_port):
            wait_listening(self.process, self.host, port, self.log, READY)

    def stop(self, kill: bool = False) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        if not kill:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait(60)


class DebianMosquitto(Mosquitto):
    """The Mosquitto of this machine, or another Debian's, for `with`."""

    name = "mosquitto"
    login = ("", "")
    max_qos = 2

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.certificates = Certificates(folder)
        self.tls_port = free_port("127.0.0.1")
        accounts = folder / "accounts"
        subprocess.run(["mosquitto_passwd", "-b", "-c", accounts, *ACCOUNT], check=True)
        super().__init__(
            folder,
            f"password_file {accounts}\n"
            f"listener {self.tls_port} 127.0.0.1\n{self.certificates.settings()}",
        )


class TrixieMosquitto(DebianMosquitto):
    name = "mosquitto-trixie"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.program = str(one_path(BROKERS, "mosquitto-trixie/mosquitto"))


class Amqtt(Broker):
    """Python's."""

    name = "amqtt"
    PASSWORD_HASH = (  # of ACCOUNT's
        "$argon2id$v=19$m=65536,t=3,p=4$HEcDfGE2CM45X8A+EMG6sg"
        "$f1ksNwItHkBSRSNKDldrqsseTrMSfHBLU+tFU+lQHTA"
    )

    def configure(self) -> None:
        accounts = self.folder / "accounts"
        accounts.write_text(f"{ACCOUNT[0]}:{self.PASSWORD_HASH}\n")
        (self.folder / "amqtt.yaml").write_text(
            "listeners:\n  default:\n    type: tcp\n"
            f"    bind: {self.host}:{self.port}\n"
            f"  tls:\n    type: tcp\n    bind: {self.host}:{self.tls_port}\n    ssl: true\n"
            f"    certfile: {self.certificates.certificate}\n"
            f"    keyfile: {self.certificates.key}\n"
            "plugins:\n"
            "  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n"
            f"  amqtt.plugins.authentication.FileAuthPlugin:\n    password_file: {accounts}\n"
            "  amqtt.plugins.sys.broker.BrokerSysPlugin:\n    sys_interval: 20\n"
        )

    def command(self) -> Sequence[str | Path]:
        # By our Python: the path in its first line is that of a folder which may have been moved.
        program = Path(sys.executable).with_name("amqtt")
        return (sys.executable, program, "-c", self.folder / "amqtt.yaml")


class Aedes(Broker):
    """Node's."""

    name = "aedes"

    def command(self) -> Sequence[str | Path]:
        node = shutil.which("node", path=str(Path(sys.executable).parent))
        assert node, "the pinned Node is missing; type: make test-brokers"
        settings = {
            "host": self.host,
            "port": self.port,
            "tlsPort": self.tls_port,
            "certificate": str(self.certificates.certificate),
            "key": str(self.certificates.key),
            "account": ACCOUNT,
        }
        return (node, one_path(BROKERS, "aedes/server.mjs"), json.dumps(settings))


class Ejabberd(Broker):
    """Erlang's XMPP server, whose module mod_mqtt is a broker. It lets nobody in without a name."""

    name = "ejabberd"
    login = ("board", "any")

    def configure(self) -> None:
        pair = [str(self.certificates.certificate), str(self.certificates.key)]
        (self.folder / "ejabberd.yml").write_text(
            "hosts: [localhost]\nauth_method: [internal, anonymous]\n"
            "allow_multiple_connections: true\nanonymous_protocol: both\n"
            f"certfiles: {json.dumps(pair)}\n"
            f'listen:\n  - port: {self.port}\n    ip: "{self.host}"\n    module: mod_mqtt\n'
            f'  - port: {self.tls_port}\n    ip: "{self.host}"\n    module: mod_mqtt\n    tls: true\n'
            "modules:\n  mod_mqtt:\n"
            '    access_publish: {"#": [allow: all]}\n'
            '    access_subscribe: {"#": [allow: all]}\n'
        )

    def command(self) -> Sequence[str | Path]:
        # Without a node's name, so without epmd.
        database = self.folder / "mnesia"
        name, password = ACCOUNT
        register = f'ejabberd_auth:try_register(<<"{name}">>,<<"localhost">>,<<"{password}">>)'
        return (
            "erl",
            "-noinput",
            "+S",
            "1:1",
            "-mnesia",
            "dir",
            f'"{database}"',
            "-s",
            "ejabberd",
            "-eval",
            f"{register}.",
        )

    def environment(self) -> dict[str, str]:
        libraries = one_path(Path("/usr/lib"), "*/ejabberd-*/ebin").parent.parent
        return {
            "EJABBERD_CONFIG_PATH": str(self.folder / "ejabberd.yml"),
            "EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"),
            "ERL_LIBS": str(libraries),
            "HOME": str(self.folder),
        }


class Nats(Broker):
    """NATS with its MQTT listener, of which a server has one, with TLS or without it: so two of them."""

    name = "nats"
    max_qos = 1

    def configure(self) -> None:
        pair = {"cert_file": self.certificates.certificate, "key_file": self.certificates.key}
        tls = "tls { " + "".join(f'{key}: "{path}", ' for key, path in pair.items()) + "}"
        user, password = ACCOUNT
        for name, port, more in (("plain", self.port, ""), ("tls", self.tls_port, tls)):
            (self.folder / f"{name}.conf").write_text(
                f'server_name: {name}\nlisten: "{self.host}:{free_port(self.host)}"\n'
                f'jetstream {{ store_dir: "{self.folder / name}" }}\n'
                "accounts { A { jetstream: enabled, users: [\n"
                f"  {{ user: {user}, password: {password} }}\n  {{ user: guest, password: any }}\n"
                "] } }\nno_auth_user: guest\n"
                f'mqtt {{ host: "{self.host}", port: {port}, {more} }}\n'
            )

    def command(self) -> Sequence[str | Path]:
        program = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin")
        assert program, "nats-server is missing; type: make test-brokers"
        # Both end with their group.
        both = '"$0" -c "$1"/tls.conf & exec "$0" -c "$1"/plain.conf'
        return ("sh", "-c", both, program, self.folder)


class PortMapper:
    """epmd, which tells Erlang's nodes of each other's ports; one for a cluster, by `with`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port("127.0.0.1")
        self.cookie = secrets.token_hex(10)
        self.log = folder / "epmd.log"

    def __enter__(self) -> PortMapper:
        program = one_path(Path("/usr/lib/erlang"), "erts-*/bin/epmd")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-address", "127.0.0.1", "-port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_listening(self._process, "127.0.0.1", self.port, self.log, READY)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(60)


class RabbitMQ(Broker):
    """A node of RabbitMQ with its MQTT plugin; one is a cluster of itself."""

    name = "rabbitmq"
    max_qos = 1
    mqtt_port = 0  # 0: a free one; the nodes of a cluster share theirs

    def __init__(
        self, folder: Path, mapper: PortMapper | None = None, number: int = 1, others: int = 1
    ) -> None:
        """`number` of `others` nodes that share `mapper`; its address is 127.0.0.<number>."""
        self.own_mapper = None if mapper else PortMapper(folder)
        self.mapper = mapper or self.own_mapper
        self.node = f"node{number}@localhost"
        self.nodes = [f"node{each}@localhost" for each in range(1, others + 1)]
        self.host = f"127.0.0.{number}"
        super().__init__(folder)

    def configure(self) -> None:
        self.port = self.mqtt_port or self.port
        self.home = one_path(RABBITMQ, "rabbitmq_server-*")
        (self.folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
        cookie = self.folder / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        cookie.write_text(self.mapper.cookie)
        cookie.chmod(0o400)
        nodes = "".join(
            f"cluster_formation.classic_config.nodes.{number} = {node}\n"
            for number, node in enumerate(self.nodes, 1)
        )
        (self.folder / "rabbitmq.conf").write_text(
            "listeners.tcp = none\n"
            f"mqtt.listeners.tcp.1 = {self.host}:{self.port}\n"
            f"mqtt.listeners.ssl.1 = {self.host}:{self.tls_port}\n"
            f"ssl_options.cacertfile = {self.certificates.ca}\n"
            f"ssl_options.certfile = {self.certificates.certificate}\n"
            f"ssl_options.keyfile = {self.certificates.key}\n"
            "mqtt.allow_anonymous = true\n"
            f"default_user = {ACCOUNT[0]}\nmqtt.default_user = {ACCOUNT[0]}\n"
            f"default_pass = {ACCOUNT[1]}\nmqtt.default_pass = {ACCOUNT[1]}\n"
            "loopback_users = none\n"
            # A node that sees the others no more goes on.
            "cluster_partition_handling = ignore\n"
            "cluster_formation.peer_discovery_backend = classic_config\n" + nodes
        )

    def command(self) -> Sequence[str | Path]:
        return (self.home / "sbin" / "rabbitmq-server",)

    def environment(self) -> dict[str, str]:
        folder = self.folder
        names = {
            "NODENAME": self.node,
            "DIST_PORT": str(free_port("127.0.0.1")),
            "MNESIA_BASE": str(folder / "mnesia"),
            "LOG_BASE": str(folder / "logs"),
            "CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "GENERATED_CONFIG_DIR": str(folder / "config"),
            "PID_FILE": str(folder / "pid"),
            # Loopback alone, and no core kept busy by waiting.
            "SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} "
            "+S 1:1 +sbwt none -start_epmd false",
        }
        return {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self.mapper.port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            **{f"RABBITMQ_{name}": value for name, value in names.items()},
        }

    def __enter__(self) -> RabbitMQ:
        with contextlib.ExitStack() as stack:
            if self.own_mapper:
                stack.enter_context(self.own_mapper)
            self.start()
            stack.callback(self.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


# The slow ones first, so that two processes end together.
KINDS = (Amqtt, RabbitMQ, Ejabberd, Nats, DebianMosquitto, TrixieMosquitto, Aedes)
