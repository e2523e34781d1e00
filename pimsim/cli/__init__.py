"""The command line.

A command is one module here, listed in :data:`pimsim.cli.app.COMMANDS`, with a typer application called `app`:

    app = typer.Typer()

    @app.command()
    def hello(name: str, json: JsonOption = False) -> None:
        \"\"\"Say hello. One line, then an empty one, then details and examples.\"\"\"
        from pimsim.cells import load_device       # whatever takes time to import: inside the function

        show([{"device": name, "g_max_s": load_device(name).g_max}], json)

`show` prints a table, or JSON. Errors of pimsim need no handling: they become one line and exit code 1.
"""

from pimsim.cli.app import app, main

__all__ = ["app", "main"]
