"""Files of other names than Kedro's, and a resolver of the project's own."""

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {
        "catalog": ["datasets*.yml", "datasets*/**"],
        "parameters": ["settings*.yml"],
    },
    "custom_resolvers": {"path": lambda rest: "data/" + rest},
}
