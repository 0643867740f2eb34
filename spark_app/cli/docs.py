"""lakehouse docs"""

from __future__ import annotations

from typing import Annotated

import typer

from spark_app.cli.lake import Lake, on_lake

app = typer.Typer(help="Data Docs: what the rules found, run by run.", no_args_is_help=True)


@app.command("build")
@on_lake
def build(lake: Lake) -> None:
    """Write the pages of all runs that have none yet."""
    from spark_app.review.site import build as build_site

    built = build_site(lake.zones())
    print(f"{built.pages} pages, {built.written} of them new · {built.index}")


@app.command("serve")
@on_lake
def serve(
    lake: Lake, port: Annotated[int, typer.Option("--port", help="0 takes any that is free.", min=0)] = 8000
) -> None:
    """Build, then show the pages on this machine alone, until Ctrl-C."""
    from spark_app.config.settings import docs_address
    from spark_app.review.serve import serve as serve_site
    from spark_app.review.site import build as build_site

    built = build_site(lake.zones())
    with built.index.parent.fetched() as folder:
        serve_site(folder, docs_address(), port, lambda url: print(f"{url} · stop with Ctrl-C", flush=True))
