import logging
from typing import Any

import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import max_error, mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split

logger = logging.getLogger(__name__)


def split_data(
    table: pd.DataFrame, options: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Split features and prices into a part to learn from and a part to test with.

    Args:
        table: The model's input table.
        options: ``features``, ``test_size`` and ``random_state``.
    Returns:
        Features to learn from and to test with, then the prices of each.
    """
    X_train, X_test, y_train, y_test = train_test_split(
        table[options["features"]],
        table["price"],
        test_size=options["test_size"],
        random_state=options["random_state"],
    )
    return X_train, X_test, y_train, y_test


def train_model(
    X_train: pd.DataFrame, y_train: pd.Series, options: dict[str, Any]
) -> RandomForestRegressor:
    """Learn prices from features.

    Args:
        X_train: Features.
        y_train: Prices.
        options: ``trees``, ``max_depth`` and ``random_state``.
    Returns:
        The trained model.
    """
    regressor = RandomForestRegressor(
        n_estimators=options["trees"],
        max_depth=options["max_depth"],
        random_state=options["random_state"],
    )
    return regressor.fit(X_train, y_train)


def evaluate_model(
    regressor: RandomForestRegressor, X_test: pd.DataFrame, y_test: pd.Series
) -> dict[str, float]:
    """Say how far predictions are off.

    Args:
        regressor: A trained model.
        X_test: Features that it has not seen.
        y_test: Their prices.
    Returns:
        Coefficient of determination, mean and largest error in dollars.
    """
    predicted = regressor.predict(X_test)
    metrics = {
        "r2_score": float(r2_score(y_test, predicted)),
        "mean_absolute_error": float(mean_absolute_error(y_test, predicted)),
        "max_error": float(max_error(y_test, predicted)),
    }
    logger.info("R^2 is %.3f on test data", metrics["r2_score"])
    return metrics
