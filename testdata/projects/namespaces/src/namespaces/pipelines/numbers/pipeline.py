from kedro.pipeline import node, pipeline


def count(size):
    return list(range(size))


def create_pipeline(**kwargs):
    doubled = pipeline([
        node(lambda numbers: [2 * n for n in numbers], "numbers", "doubled"),
        node(sum, "doubled", "total", name="total"),
    ])
    return pipeline([node(count, "params:size", "numbers", name="count")]) + pipeline(
        doubled, namespace="even", inputs={"numbers"}
    )
