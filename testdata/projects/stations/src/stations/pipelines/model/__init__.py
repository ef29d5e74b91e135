"""Says what the readings mean."""

from kedro.pipeline import Node, Pipeline


def judge(harbour, summit, limits):
    """Names each station by its mean."""

    def word(mean):
        if mean < limits["cold"]:
            return "cold"
        return "warm" if mean > limits["warm"] else "mild"

    return {"harbour": word(harbour), "summit": word(summit)}


def summarise(both, hours, facts, words):
    """Gives all of it, rounded so that it is the same everywhere."""
    return {
        "hours": [int(h) for h in hours],
        "highest": round(float(both["degrees_harbour"].max()), 3),
        "words": words,
        **facts,
    }


def create_pipeline(**_):
    """What the ingest pipeline keeps in memory is wanted here."""
    return Pipeline(
        [
            Node(judge, ["mean_harbour", "mean_summit", "params:limits"], "words", name="judge"),
            Node(summarise, ["both_table", "hours", "facts", "words"], "summary", name="summarise"),
        ]
    )
