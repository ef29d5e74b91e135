"""Project settings. Kedro's documentation lists them all: https://docs.kedro.org/en/stable/configure/"""

# HOOKS = (ProjectHooks(),)
# CONF_SOURCE = "conf"

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
}
