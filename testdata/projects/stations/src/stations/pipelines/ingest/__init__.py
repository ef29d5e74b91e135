"""Reads what the stations have sent."""

from kedro.pipeline import Node, Pipeline


def clean(readings):
    """Leaves out hours without a value."""
    return readings.dropna()


def join(harbour, summit):
    """Gives one table, and four things that stay in memory."""
    both = harbour.merge(summit, on="hour", suffixes=("_harbour", "_summit"))
    return both, both["degrees_harbour"].mean(), both["degrees_summit"].mean(), list(both["hour"]), {"stations": 2}


def create_pipeline(**_):
    """Two stations, and what they have in common."""
    return Pipeline(
        [
            Node(clean, "harbour_readings", "harbour_clean", name="clean_harbour"),
            Node(clean, "summit_readings", "summit_clean", name="clean_summit"),
            Node(join, ["harbour_clean", "summit_clean"], ["both_table", "mean_harbour", "mean_summit", "hours", "facts"], name="join"),
        ]
    )
