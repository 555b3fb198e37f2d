"""What a JSON Schema can't say, and what no check of Schemathesis looks at."""

import json
import os
import re

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

# The player whom the token is of; who enqueues must be among the members.
PLAYER = os.environ.get("MUSTER_PLAYER")

# Good by the schema and refused all the same: a schema counts characters and not bytes, compares no fields with each other, and
# doesn't know a queue's rules. Anything else that is refused is a finding.
BEYOND_A_SCHEMA = re.compile(
    r"has \d+ (bytes|entries); at most"
    r"|is \d+, but there are \d+ players"
    r"|stands there twice"
    r"|takes parties of at most \d+"
    r"|names no land type"
    r"|is larger than 16 KiB of JSON"
)

# What belongs to this machine or to the code, and not into an answer.
INNER = re.compile(r"127\.0\.0\.1|panick|\.rs:\d|tonic|h2 |hyper|transport error", re.IGNORECASE)


def is_positive(case):
    meta = getattr(case, "meta", None)
    return meta is not None and meta.generation.mode.is_positive


@schemathesis.hook
def before_call(context, case, kwargs):
    # A ticket that nobody matches holds its answer for as long as it is asked to.
    wait = case.query.get("wait") if isinstance(case.query, dict) else None
    if isinstance(wait, int) and 1 <= wait <= 20:
        case.query["wait"] = 0
    if not is_positive(case):
        return
    if PLAYER and isinstance(case.body, dict):
        if isinstance(case.body.get("members"), list):
            case.body["members"] = [PLAYER]
        if isinstance(case.body.get("players"), list):
            case.body["players"] = [{**case.body["players"][0], "playerId": PLAYER}]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    errors = json.loads(response.content).get("errors", [])
    return not errors or not all(BEYOND_A_SCHEMA.search(error["message"]) for error in errors)


@schemathesis.check
def answers_as_promised(ctx, response, case):
    status = response.status_code
    header = lambda name: (response.headers.get(name.lower()) or [""])[0]
    assert 1 <= len(header("x-request-id")) <= 128, "no x-request-id"
    text = response.content.decode()
    assert not INNER.search(text), f"an inner word is in {text}"
    if "problem+json" not in header("content-type"):
        assert status < 400 or case.path in ("/health", "/ready"), f"{status} is no problem document"
        return
    problem = json.loads(text)
    code = problem["code"]
    assert problem["status"] == status, f"{problem['status']} in the body of {status}"
    assert problem["type"] == "/problems/" + code.lower().replace("_", "-"), problem["type"]
    described = case.operation.definition.raw["responses"].get(str(status), {}).get("description", "")
    elsewhere = {404: "ROUTE_NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(status)
    assert f"`{code}`" in described or code == elsewhere, f"{code} with {status} is not described"
    if status in (429, 503):
        assert int(header("retry-after")) >= 1
    if status == 401:
        assert header("www-authenticate").startswith("Bearer ")
