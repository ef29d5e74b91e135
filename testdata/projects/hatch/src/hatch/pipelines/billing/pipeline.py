from hatch.pipeline_registry import prices
from kedro.pipeline import node, pipeline


def bill(counts):
    return {day: sum(prices()[name] * int(number) for name, number in load().items()) for day, load in sorted(counts.items())}


def create_pipeline():
    return pipeline([
        node(bill, "counts", "bill", name="bill"),
        node(lambda bill: sum(bill.values()), "bill", "total", name="total"),
        node(len, "ballast", "weight", name="weight"),
    ])
