from kedro.pipeline import node, pipeline


def rows(text):
    return [line.split(";") for line in text.splitlines()]


def count(rows, least):
    return {name: int(number) for name, number in rows if int(number) >= least}


def total(counts):
    return sum(counts.values())


def register_pipelines():
    """No default pipeline: what runs must be named."""
    first = pipeline([node(rows, "stalls_text", "rows", name="rows"), node(count, ["rows", "params:least"], "counts", name="count")])
    second = pipeline([node(total, "counts", "total", name="total")])
    return {"first": first, "second": second, "everything": first + second}
