"""Credentials that jobs get as secrets."""

import pytest

LAKE = "KEDROCTL_CREDENTIALS_lake"
SECRET = '{"username": "ann", "password": "hunter2"}'
SAVED = [{"name": "saved", "action": "move"}]
CATALOG = 'table: {type: demo.tables.Table, credentials: "lake"}\nsaved: {type: json.JSONDataset, filepath: data/saved.json}\n'


@pytest.fixture
def reading(project):
    """A project whose node tells the keys of the credentials that a dataset gets."""
    project.module("tables", """
        from kedro.io import AbstractDataset
        class Table(AbstractDataset):
            def __init__(self, credentials):
                self._credentials = credentials
            def _load(self):
                return sorted(self._credentials)
            def _save(self, data): pass
            def _describe(self):
                return {}
        """)
    return project.conf("base/catalog.yml", CATALOG).registry("def keys(table): return ' '.join(table)", 'node(keys, "table", "saved", name="read")')


@pytest.mark.parametrize(("entry", "variable"), [("lake", LAKE), ("dev-s3.Ü", "KEDROCTL_CREDENTIALS_dev_x2D_s3_x2E__xC3__x9C_")])
def test_secret_is_a_whole_entry(reading, jobs, bucket, entry, variable):
    reading.conf("base/catalog.yml", CATALOG.replace("lake", entry))
    ended = jobs.run(request=jobs.request(crossing=SAVED), **{variable: SECRET})
    assert ended.code == 0, ended.log
    assert bucket.get("saved.json") == '"password username"'
    assert "hunter2" not in ended.log + str(ended.record)


@pytest.mark.parametrize(("entry", "keys"), [("lake", '"password username"'), ("other", '"a"')])
def test_secret_takes_the_place_of_an_entry_beside_others(reading, jobs, bucket, entry, keys):
    reading.conf("base/credentials.yml", "{lake: {token: none}, other: {a: b}}").conf("base/catalog.yml", CATALOG.replace("lake", entry))
    ended = jobs.run(request=jobs.request(crossing=SAVED), **{LAKE: SECRET})
    assert ended.code == 0, ended.log
    assert bucket.get("saved.json") == keys


def test_hooks_of_the_project_see_and_replace_them(reading, jobs, bucket):
    reading.module("hooks", """
        from kedro.framework.hooks import hook_impl
        class Hooks:
            @hook_impl
            def after_context_created(self, context):
                own = context.config_loader["credentials"]
                context.config_loader["credentials"] = {"lake": {**own["lake"], "more": 1}}
        """).module("settings", "from demo.hooks import Hooks\nHOOKS = (Hooks(),)")
    ended = jobs.run(request=jobs.request(crossing=SAVED), **{LAKE: SECRET})
    assert ended.code == 0, ended.log
    assert bucket.get("saved.json") == '"more password username"'


def test_records_do_not_repeat_what_an_error_tells(reading, jobs):
    reading.registry("def keys(table): raise ValueError('no ' + SECRET)\nSECRET = 'hunter2'", 'node(keys, "table", "saved", name="read")')
    ended = jobs.run(request=jobs.request(crossing=SAVED), **{LAKE: SECRET})
    assert ended.code == 1
    assert ended.record["error"] == {"type": "ValueError", "message": "no ***", "node": "read"}


def test_records_do_not_repeat_other_secrets_either(reading, jobs):
    reading.registry("def keys(table): raise ValueError(f'{SECRET} is not {OTHER}')\nSECRET, OTHER = 'hunter2', 'plain'", 'node(keys, "table", "saved", name="read")')
    ended = jobs.run(request=jobs.request(crossing=SAVED), **{LAKE: '{"password": "another"}'}, KEDROCTL_SECRETS="ABSENT,TOKEN,WORD", TOKEN="hunter2", WORD="plain")
    assert ended.record["error"] == {"type": "ValueError", "message": "*** is not plain", "node": "read"}


@pytest.mark.parametrize("text", ['["hunter2"]', '{"password": "hunter2'])
def test_what_is_no_entry_is_named_and_not_told(reading, jobs, text):
    ended = jobs.run(request=jobs.request(crossing=SAVED), **{LAKE: text})
    assert ended.code == 1
    assert "credentials lake: the secret is not a JSON object" in ended.log
    assert "hunter2" not in ended.log + str(ended.record)
