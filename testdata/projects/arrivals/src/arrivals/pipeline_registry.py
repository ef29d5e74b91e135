from kedro.pipeline import node, pipeline


def take(arrivals):
    days = {day: text.strip() for day, text in arrivals.items()}
    return days, list(days.values()), {day: text.upper() for day, text in days.items()}


def confirm(days):
    return len(days)


def measure(days, lines, each, count):
    return {"days": days, "characters": len(lines), "each": {name: load() for name, load in each.items()}, "count": count}


def register_pipelines():
    intake = pipeline([
        node(take, "arrivals", ["days", "lines@json", "each"], name="take"),
        node(confirm, "days", "count", name="confirm", confirms="arrivals"),
    ])
    report = pipeline([node(measure, ["days", "lines@text", "each", "count"], "size", name="measure")])
    return {"intake": intake, "report": report, "__default__": intake + report}
