"""lakehouse docs"""

from __future__ import annotations

from typing import Annotated

import typer

from spark_app.cli.options import Root, zones

app = typer.Typer(help="Data Docs: what the rules found, run by run.", no_args_is_help=True)


@app.command("build")
def build(root: Root) -> None:
    """Write the pages of all runs that have none yet."""
    from spark_app.review.site import build as build_site

    built = build_site(zones(root))
    print(f"{built.pages} pages, {built.written} of them new · {built.index}")


@app.command("serve")
def serve(
    root: Root, port: Annotated[int, typer.Option("--port", help="0 takes any that is free.", min=0)] = 8000
) -> None:
    """Build, then show the pages on this machine alone, until Ctrl-C."""
    from spark_app.review.serve import serve as serve_site
    from spark_app.review.site import build as build_site

    built = build_site(zones(root))
    with built.index.parent.fetched() as folder:
        serve_site(folder, port, lambda url: print(f"{url} · stop with Ctrl-C", flush=True))
