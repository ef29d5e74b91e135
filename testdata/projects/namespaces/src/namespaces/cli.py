import click
from kedro.framework.cli.project import run


@click.group(name=__file__)
def cli():
    """Commands of the project."""


cli.add_command(run)
