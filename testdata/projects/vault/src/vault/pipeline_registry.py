import os

from kedro.pipeline import node, pipeline


def look(source, password, token):
    """Tell what there is of secrets, and none of them."""
    return sorted([*source, *(name for name in ("TOKEN", "GREETING") if os.environ.get(name)), *filter(None, [password and "password parameter", token and "token parameter"])])


def tell(found):
    return ", ".join(found)


def register_pipelines():
    first = pipeline([node(look, ["source", "params:password", "params:token"], "found", name="look")])
    second = pipeline([node(tell, "found", "answer", name="tell")])
    return {"first": first, "second": second, "__default__": first + second}
