"""The frame of the command line: commands are imported when they are called."""

import importlib
import importlib.util
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import pimsim
from pimsim.cli.faults import fail, interrupted, prepare_streams, reader_may_leave, tell

# In the order of the help page; a command whose module is not there is not shown.
COMMANDS = (
    "run", "evaluate", "report", "merge", "devices", "solve", "cost", "map", "eyexam", "scorecard", "sensitivity",
    "assign", "cite", "doctor",
)  # fmt: skip
_COMPLETION = {"install_completion", "show_completion"}  # typer adds them to every application


class Commands(TyperGroup):
    """Group whose commands live in modules of the same name."""

    def invoke(self, ctx: Any) -> Any:
        """Call the command; the frame knows two errors that it would answer with less than what happened."""
        try:
            return super().invoke(ctx)
        except EOFError as error:
            fail(error)
        except KeyboardInterrupt as stop:
            tell(interrupted(stop))
            raise  # becomes exit code 130

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands that are there."""
        return [name for name in COMMANDS if importlib.util.find_spec(f"pimsim.cli.{name}")]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None if there is no such command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: Any = typer.main.get_command(importlib.import_module(f"pimsim.cli.{cmd_name}").app)
        command.name = cmd_name
        command.rich_markup_mode = None  # plain help pages: half the start-up time, and they pipe well
        command.params = [param for param in command.params if param.name not in _COMPLETION]
        return command


app = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pimsim {pimsim.__version__}")
        raise typer.Exit


@app.callback()
def pimsim_(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Version.")] = False,
) -> None:
    """Simulate processing in memory, from measured devices to accuracy, energy, area and time.

    \b
    Examples:
      pimsim run adc_bits                      a whole experiment: table, figure, provenance
      pimsim devices list                      the cells that are shipped
      pimsim COMMAND --help                    options and examples of a command
    """


def main() -> None:
    """Run the command line; an error, of pimsim or not, is one line on stderr and exit code 1."""
    prepare_streams()
    with reader_may_leave():
        try:
            status = _status()
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except Exception as error:
            fail(error)
    sys.exit(status)


def _status() -> Any:
    """Exit code of the command."""
    try:
        app(prog_name="pimsim")
    except SystemExit as end:
        return end.code
