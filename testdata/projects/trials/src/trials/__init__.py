"""Random draws, and how far they spread: tracked with MLflow."""
