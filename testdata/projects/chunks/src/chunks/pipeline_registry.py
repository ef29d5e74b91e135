import threading

from kedro.pipeline import node, pipeline


def measure():
    """Give lines in chunks, each of which is saved by itself."""
    yield ["3", "5"]
    yield ["8"]


def last():
    """Give values one after the other: in memory the last one stays."""
    yield 1
    yield 2


def rules(last):
    return {"double": lambda line: int(line) * last, "next": lambda line: int(line) + 1}


def apply(measured, rules):
    return {name: [rule(line) for line in measured] for name, rule in rules.items()}


def lock(applied):
    """Give what no other process could have."""
    return {"lock": threading.Lock(), "applied": applied}


def register_pipelines():
    make = pipeline([
        node(measure, None, "measured", name="measure"),
        node(last, None, "last", name="last"),
        node(rules, "last", "rules", name="rules"),
    ])
    use = pipeline([
        node(apply, ["measured", "rules"], "applied", name="apply"),
        node(lambda applied: sum(map(sum, applied.values())), "applied", "total", name="total"),
        node(lock, "applied", "locked", name="lock"),
    ])
    return {"make": make, "use": use, "__default__": make + use}
