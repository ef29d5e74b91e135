"""Settings as Kedro has them."""
