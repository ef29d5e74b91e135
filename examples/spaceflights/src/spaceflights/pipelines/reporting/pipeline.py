from kedro.pipeline import Node, Pipeline

from .nodes import compare_capacity_exp, compare_capacity_go, draw_ratings


def create_pipeline(**kwargs) -> Pipeline:
    """The nodes have no names here: Kedro gives them names from function, inputs and outputs."""
    return Pipeline(
        [
            Node(
                func=compare_capacity_exp,
                inputs="preprocessed_shuttles",
                outputs="shuttle_passenger_capacity_plot_exp",
            ),
            Node(
                func=compare_capacity_go,
                inputs="preprocessed_shuttles",
                outputs="shuttle_passenger_capacity_plot_go",
            ),
            Node(
                func=draw_ratings,
                inputs="companies",
                outputs="company_rating_heatmap",
            ),
        ]
    )
