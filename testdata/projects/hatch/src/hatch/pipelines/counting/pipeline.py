from kedro.pipeline import node, pipeline


def count(days):
    return {day: dict(line.split(";") for line in load().splitlines()) for day, load in days.items()}


def ballast():
    return bytes(range(256)) * (40 << 12)


def create_pipeline():
    return pipeline([node(count, "days", "counts", name="count"), node(ballast, None, "ballast", name="ballast")])
