import pandas as pd
import plotly.graph_objects as go
import seaborn as sns
from matplotlib.figure import Figure


def _capacity(shuttles: pd.DataFrame) -> pd.DataFrame:
    return shuttles.groupby("shuttle_type", as_index=False)["passenger_capacity"].mean()


def compare_capacity_exp(shuttles: pd.DataFrame) -> pd.DataFrame:
    """Return the seats of each type of shuttle; the catalog says how they are drawn."""
    return _capacity(shuttles)


def compare_capacity_go(shuttles: pd.DataFrame) -> go.Figure:
    """Draw the seats of each type of shuttle."""
    capacity = _capacity(shuttles)
    return go.Figure(
        go.Bar(x=capacity["shuttle_type"].tolist(), y=capacity["passenger_capacity"].tolist())
    )


def draw_ratings(companies: pd.DataFrame) -> Figure:
    """Draw how companies of each size are rated, as a heat map of counts."""
    rating = companies["company_rating"].str.removesuffix("%").astype(float)
    counts = pd.crosstab(
        pd.cut(companies["fleet_size"], [0, 2, 5, 10, 20], labels=["1-2", "3-5", "6-10", "11-20"]),
        pd.cut(rating, [0, 25, 50, 75, 100], labels=["0-25", "26-50", "51-75", "76-100"]),
    )
    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    sns.heatmap(counts, annot=True, fmt="d", cbar=False, ax=axes)
    axes.set(xlabel="Rating in %", ylabel="Shuttles of a company")
    return figure
