CONF_SOURCE = "settings"
CONFIG_LOADER_ARGS = {"base_env": "shared", "default_run_env": "shared"}
