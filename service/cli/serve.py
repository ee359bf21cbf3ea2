"""The commands of the service: `serve`, and `keys` for those that it lets in."""

import errno
import functools
import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.messages import Text
from pipeline.terms import Field
from service.cli.options import config_option, named, of_service
from service.cli.progress import stoppable
from service.cli.say import say, tell

GRACE_S = 3  # for answers that are under way when the service is asked to stop


class FromSettings(click.Command):
    """A command with an option for each setting, read from where the settings are declared."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options; the settings are imported when they are needed, as they take a while."""
        if not any(param.name == "host" for param in self.params):
            self.params[:0] = _options()
        return super().get_params(ctx)


def _options() -> list[click.Parameter]:
    from service.core.settings import Settings, kind_of

    made: list[click.Parameter] = []
    for name, field in Settings.model_fields.items():
        flag, help_ = f"--{name.replace('_', '-')}", f"{field.description}."
        match kind_of(name):
            case "yes or no":
                made.append(click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=help_))
            case "several":
                more = f"{help_} Repeatable."
                made.append(click.Option([flag], multiple=True, metavar="TEXT", help=more))
            case kind:
                made.append(click.Option([flag], metavar=kind.upper(), help=help_))
    return [named(option) for option in made]


@click.command(cls=FromSettings, short_help="The service and its map, over HTTP.")
@config_option
@click.pass_context
def serve(ctx: click.Context, config: Path | None, **options: Any) -> None:
    """Serve the map, tiles, features and jobs over HTTP, until Ctrl-C or SIGTERM.

    Each option can stand in the file of --config, or in the environment as DAKLAAG_SERVE_NAME.
    Jobs that run when it stops are resumed by the next start.
    """
    from service.core.logs import logged
    from service.core.settings import read_settings

    settings = read_settings(config, **options)
    with stoppable() as stop, logged(ctx.obj["quiet"]):
        run(settings, stop, say)


def run(settings: Any, stop: Callable[[], bool], say: Callable[[str], Any]) -> None:
    """Serve until asked to stop. say: is told the address as soon as it answers.

    Raises InputError for settings that cannot be used.
    """
    from pipeline.engine.tasks import stop_flag
    from service.api.app import create_app, working

    app = create_app(settings, work=False)
    _check_keys(settings, app)
    if app.state.service.addresses:
        counts = app.state.service.addresses.counts
        tell(
            "{n:,} addresses, {without:,} of them without a building; left out {out:,} rows"
            " without a street, number or place",
            n=counts.addresses,
            without=counts.without_building,
            out=counts.incomplete,
        )
    with _listening(settings.host, settings.port) as listener, working(app):
        ready = functools.partial(say, _greeting(listener, settings))
        server = _server(app, settings, stop, ready)
        with stop_flag(lambda: server.should_exit):
            server.run([listener])


def _check_keys(settings: Any, app: Any) -> None:
    from pipeline.errors import InputError

    if settings.exposed and not app.state.service.keys.list():
        where = settings.public_url if settings.on_loopback else f"--host {settings.host}"
        raise InputError(
            where,
            "others can ask there, and there is no key yet",
            "make one by `daklaag keys add NAME`, with the same --state or --config",
        )


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens at an address. Raises InputError if there is none to be had."""
    from pipeline.errors import InputError

    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        text = Text("something listens there already") if taken else error.strerror
        raise InputError(
            Text("--host {host} --port {port}", host=host, port=port),
            "{said}",
            "give another, or --port 0 for a free one",
            said=text,
        ) from None
    except OverflowError:
        raise InputError(Field("port", port), "a port is at most 65535") from None


def _server(app: Any, settings: Any, stop: Callable[[], bool], ready: Callable[[], Any]) -> Any:
    import uvicorn
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    protocol: Any = AutoHTTPProtocol

    class Connection(protocol):
        """Closes at once when the service stops: uvicorn closes only those that it knew by then."""

        def connection_made(self, transport: Any) -> None:
            """Begin."""
            super().connection_made(transport)
            if server.should_exit:
                self.shutdown()

    class Server(uvicorn.Server):
        """Says that it is ready; heeds a signal that came before it listened."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Listen."""
            await super().startup(sockets)
            self.should_exit = self.should_exit or stop()
            if not self.should_exit:
                ready()

    server = Server(
        uvicorn.Config(
            app,
            http=Connection,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            lifespan="on",
            proxy_headers=bool(settings.proxies),
            forwarded_allow_ips=list(settings.proxies),
            timeout_keep_alive=30,  # s; a map is looked at for a while between two tiles
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    return server


def _greeting(listener: socket.socket, settings: Any) -> Text:
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        name = settings.hosts[0] if settings.hosts else "127.0.0.1"
    known = Text(", known as {url}", url=settings.public_url) if settings.public_url else ""
    return Text(
        "daklaag serves at http://{name}:{port}/{known} (Ctrl-C stops it)",
        name=name,
        port=port,
        known=known,
    )


@click.group(short_help="Who may ask the service for more than the map.")
def keys() -> None:
    """Who may ask the service for more than the map: keys, of which only hashes are kept."""


def _keys(state: str | None, config: Path | None, new: bool = False) -> Any:
    """The keys of a service; new: of one that need not have run yet."""
    from service.core.database import open_database
    from service.core.keys import Keys
    from service.core.settings import read_settings

    return Keys(open_database(read_settings(config, state=state), new))


@keys.command(short_help="Make a key.")
@click.argument("name")
@click.option("--operator", is_flag=True, help="It also moderates marks and reads the metrics.")
@of_service
@click.pass_context
def add(ctx: click.Context, name: str, operator: bool, **where: Any) -> None:
    """Make a key for NAME, and print it: this once, as only its hash is kept."""
    click.echo(_keys(**where, new=True).add(name, operator))
    if not ctx.obj["quiet"]:
        tell("keep it: it is not shown again (Authorization: Bearer KEY)")


@keys.command("list", short_help="The keys that there are.")
@of_service
def list_(**where: Any) -> None:
    """The keys that there are: name, since when, and whether it is an operator's."""
    for row in _keys(**where).list():
        click.echo(f"{row.name}\t{row.created}\t{'operator' if row.operator else 'client'}")


@keys.command(short_help="Let a key open nothing any more.")
@click.argument("name")
@of_service
def remove(name: str, **where: Any) -> None:
    """Let the key of NAME open nothing any more, at once; its jobs stay until they expire."""
    _keys(**where).remove(name)
