import pandas as pd
import pytest

from spaceflights.pipelines.data_processing.nodes import create_model_input_table, preprocess_shuttles


@pytest.fixture
def shuttles() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [1, 2],
            "company_id": [7, 8],
            "safety_check_complete": ["yes", "no"],
            "moon_clearance": ["no", "yes"],
            "price": ["$1,250.00", "$900.50"],
        }
    )


def test_prices_become_numbers(shuttles):
    assert preprocess_shuttles(shuttles)["price"].tolist() == [1250.0, 900.5]


def test_a_shuttle_without_a_company_is_left_out(shuttles):
    companies = pd.DataFrame({"id": [7], "company_rating": [0.5]})
    reviews = pd.DataFrame({"shuttle_id": [1, 2], "review_scores_rating": [90.0, 80.0]})
    table = create_model_input_table(shuttles, companies, reviews)
    assert table["shuttle_id"].tolist() == [1]
