import time

from kedro.pipeline import node, pipeline


def train(raw, who, pause):
    time.sleep(pause)
    return who, who


def wait(notes, pause):
    time.sleep(pause)
    return notes


def compare(model, notes, waited, who):
    """Fail where data of another run was loaded."""
    assert {model, notes, waited} == {who}, f"{model}, {notes} and {waited} in a run of {who}"
    return who


def tabulate(raw, who):
    return f"{raw} of {who}"


def read(table, who):
    assert table == f"raw of {who}", f"the table is {table} in a run of {who}"
    return table


def register_pipelines():
    apart = pipeline([
        node(train, ["raw", "params:who", "params:pause"], ["model", "notes"], name="train"),
        node(wait, ["notes", "params:pause"], "waited", name="wait"),
        node(compare, ["model", "notes", "waited", "params:who"], "seen", name="compare"),
    ])
    tables = pipeline([
        node(tabulate, ["raw", "params:who"], "table", name="tabulate"),
        node(read, ["table", "params:who"], "told", name="read"),
    ])
    return {"apart": apart, "tables": tables, "__default__": apart + tables}
