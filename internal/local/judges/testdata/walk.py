"""Makes the calls of steps.py with boto3 or awscli and prints them with their answers, a JSON object a line; says on stderr what is not as expected.

usage: walk.py boto3|awscli [any]        endpoint and credentials by the environment; with any nothing is expected
"""

import contextlib
import datetime
import io
import json
import os
import re
import sys
import tempfile
import time

from steps import ANY, STEPS, WRONG_KEY


class Refused(Exception):
    """An error of the service, by its code."""


def boto3():
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
    from botocore.parsers import ResponseParserError
    from botocore import xform_name

    clients = {}

    def call(service, operation, parameters):
        wrong = parameters is WRONG_KEY
        if (service, wrong) not in clients:
            key = {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "wrong"} if wrong else {}
            clients[service, wrong] = boto3.client(service, config=Config(retries={"total_max_attempts": 1}), **key)
        try:
            answer = getattr(clients[service, wrong], xform_name(operation))(**({} if wrong else parameters))
        except ClientError as e:
            raise Refused(e.response["Error"]["Code"]) from e
        except ResponseParserError as e:
            raise Refused(type(e).__name__) from e
        answer.pop("ResponseMetadata")
        if hasattr(answer.get("Body"), "read"):
            answer["Body"] = answer["Body"].read().decode()
        return answer

    return call


def awscli():
    from awscli.clidriver import create_clidriver
    from botocore import xform_name

    driver, stranger = create_clidriver(), create_clidriver()
    stranger.session.set_credentials(os.environ["AWS_ACCESS_KEY_ID"], "wrong")

    def call(service, operation, parameters):
        wrong = parameters is WRONG_KEY
        words = ["s3api" if service == "s3" else service, xform_name(operation, "-"), "--output", "json", "--no-paginate"]
        parameters = {} if wrong else dict(parameters)
        out, err, body = io.StringIO(), io.StringIO(), None
        with tempfile.NamedTemporaryFile() as file, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            if "Body" in parameters:
                file.write(parameters.pop("Body").encode())
                file.flush()
                words += ["--body", file.name]
            if operation == "GetObject":  # takes no JSON, and writes the object to a file
                words += [file.name, *(word for name, value in parameters.items() for word in (f"--{name.lower()}", value))]
            else:
                words += ["--cli-input-json", json.dumps(parameters)]
            code = (stranger if wrong else driver).main(words)
            if operation == "GetObject":
                body = file.read().decode()
        if code:
            said = re.search(r"An error occurred \((.+?)\) when calling", err.getvalue())
            raise Refused(said[1] if said else err.getvalue().strip())
        answer = json.loads(out.getvalue() or "{}")
        return answer if body is None else {**answer, "Body": body}

    return call


def fill(value, kept):
    """The value with what is kept in place of "$name"."""
    if isinstance(value, dict):
        return value if value is WRONG_KEY else {k: fill(v, kept) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v, kept) for v in value]
    if isinstance(value, str):
        return re.sub(r"\$([a-z]+)", lambda m: str(kept.get(m[1], m[0])), value)
    return value


def find(answer, path):
    for step in path.split("."):
        answer = answer[int(step) if step.isdigit() else step]
    return answer


def fits(expected, got):
    if expected is ANY:
        return got is not None
    if isinstance(expected, re.Pattern):
        return isinstance(got, str) and expected.search(got) is not None
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(k in got and fits(v, got[k]) for k, v in expected.items())
    if isinstance(expected, list):
        return isinstance(got, list) and len(got) == len(expected) and all(map(fits, expected, got))
    return got == expected


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(type(value))


def attempt(call, service, operation, parameters, expected):
    """One call: its answer or error, and whether that fits."""
    wants_error = isinstance(expected, (str, re.Pattern))
    try:
        answer = call(service, operation, parameters)
        return {"answer": answer}, not wants_error and fits(expected, answer)
    except Refused as e:
        return {"error": str(e)}, wants_error and fits(expected, str(e))


def walk(call, judged):
    """Yields each step with its answer, whether that is what was expected, and what was."""
    kept = {}
    for service, steps in STEPS:
        for operation, parameters, expected, *keep in steps:
            parameters, expected = fill(parameters, kept), fill(expected, kept)
            for _ in range(50):
                got, good = attempt(call, service, operation, parameters, expected)
                if good or not judged or operation != "DescribeJobs":
                    break
                time.sleep(0.1)  # jobs take a moment
            if "answer" in got and keep:
                try:
                    kept |= {name: find(got["answer"], path) for name, path in keep[0].items()}
                except (KeyError, IndexError):
                    good = False
            yield {"service": service, "operation": operation, **got}, good, expected


def main():
    failures = 0
    judged = sys.argv[2:] != ["any"]
    for step, good, expected in walk({"boto3": boto3, "awscli": awscli}[sys.argv[1]](), judged):
        line = json.dumps(step, default=plain)
        print(line)
        if judged and not good:
            failures += 1
            print(f"{line[:1500]}\n    expected {expected}", file=sys.stderr)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
