from kedro.pipeline import node, pipeline


def count(size):
    return list(range(size))


def total(numbers):
    return sum(numbers)


def register_pipelines():
    return {
        "__default__": pipeline([
            node(count, "params:size", "numbers", name="count"),
            node(total, "numbers", "total", name="total"),
        ])
    }
