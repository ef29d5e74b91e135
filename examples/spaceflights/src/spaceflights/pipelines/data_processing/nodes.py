import pandas as pd


def _yes(column: pd.Series) -> pd.Series:
    return column == "yes"


def _percent(column: pd.Series) -> pd.Series:
    return column.str.removesuffix("%").astype(float) / 100


def _money(column: pd.Series) -> pd.Series:
    return column.str.replace(r"[$,]", "", regex=True).astype(float)


def preprocess_companies(companies: pd.DataFrame) -> pd.DataFrame:
    """Turn ratings into fractions and answers into booleans.

    Args:
        companies: Raw companies.
    Returns:
        Companies, ``company_rating`` between 0 and 1.
    """
    return companies.assign(
        certified=_yes(companies["certified"]),
        company_rating=_percent(companies["company_rating"]),
    )


def preprocess_shuttles(shuttles: pd.DataFrame) -> pd.DataFrame:
    """Turn prices into numbers and answers into booleans.

    Args:
        shuttles: Raw shuttles.
    Returns:
        Shuttles, ``price`` in dollars.
    """
    return shuttles.assign(
        safety_check_complete=_yes(shuttles["safety_check_complete"]),
        moon_clearance=_yes(shuttles["moon_clearance"]),
        price=_money(shuttles["price"]),
    )


def create_model_input_table(
    shuttles: pd.DataFrame, companies: pd.DataFrame, reviews: pd.DataFrame
) -> pd.DataFrame:
    """Join what is known of each shuttle.

    Args:
        shuttles: Preprocessed shuttles.
        companies: Preprocessed companies.
        reviews: Raw reviews, one row for a shuttle.
    Returns:
        One row for each shuttle of which all is known.
    """
    rated = shuttles.merge(reviews, left_on="id", right_on="shuttle_id").drop(columns="id")
    owned = rated.merge(companies, left_on="company_id", right_on="id")
    return owned.dropna().reset_index(drop=True)
