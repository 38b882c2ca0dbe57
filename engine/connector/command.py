"""`fenliu connect FILE`: joins Fenliu and a work-order system by a table of fields."""

from pathlib import Path
from typing import Annotated

import typer


def connect(
    file: Annotated[Path, typer.Argument(help="The connector's YAML file.")],
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8120,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Join a work-order system whose interface is another one, by a table of fields in YAML."""
    import uvicorn

    from engine import strictyaml
    from engine.bounds import Limits, bounded
    from engine.connector.schema import ConnectorFile
    from engine.connector.serving import Connector

    connector = Connector(strictyaml.read(file, ConnectorFile).value)
    http = bounded(Limits())
    uvicorn.run(connector.app(), host=host, port=port, http=http, log_level="warning", access_log=False)
