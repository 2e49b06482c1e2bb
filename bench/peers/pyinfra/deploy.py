"""A NATS server on one host: the work of ../ansible/playbook.yml, the pyinfra way."""

from pathlib import Path

from pyinfra.context import host
from pyinfra.operations import files, server, systemd
from pyinfra.operations.util import any_changed

FILES = Path(__file__).parent.parent / "files"
VERSION = host.data.get("nats_version")

server.user(name="User", user="nats", system=True, create_home=False, shell="/usr/sbin/nologin")
files.directory(name="Directory of the version", path=f"/opt/nats-server/{VERSION}", mode="755")
binary = files.put(
    name="Binary", src=host.data.get("nats_server"), dest=f"/opt/nats-server/{VERSION}/nats-server", mode="755"
)
link = files.link(name="Link to the current version", path="/opt/nats-server/current", target=VERSION)
files.directory(name="Data directory", path="/var/lib/nats", user="nats", mode="700")
files.directory(name="Config directory", path="/etc/nats", mode="755")
config = files.template(
    name="Config",
    src=str(FILES / "nats-server.conf.j2"),
    dest="/etc/nats/nats-server.conf",
    mode="644",
    max_connections=host.data.get("max_connections", 1000),
)
server.shell(
    name="Check of the config",
    commands=["/opt/nats-server/current/nats-server -t -c /etc/nats/nats-server.conf"],
    _if=config.did_change,
)
unit = files.put(
    name="Unit",
    src=str(FILES / "nats-server.service"),
    dest="/etc/systemd/system/nats-server.service",
    mode="644",
)
systemd.daemon_reload(name="Daemon reload", _if=unit.did_change)
systemd.service(
    name="Restart", service="nats-server", restarted=True, _if=any_changed(binary, link, config, unit)
)
systemd.service(name="Service", service="nats-server", running=True, enabled=True)
server.shell(
    name="Health",
    commands=["for i in $(seq 30); do curl -fsS http://127.0.0.1:8222/healthz && exit; sleep 1; done; exit 1"],
)
files.put(name="Command line tool", src=host.data.get("nats_cli"), dest="/usr/local/bin/nats", mode="755")
files.put(
    name="Context of the command line tool",
    src=str(FILES / "context.json"),
    dest="/root/.config/nats/context/local.json",
    mode="600",
)
