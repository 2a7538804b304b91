"""What Schemathesis cannot be told in schemathesis.toml."""

import json
import os

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

# Of each operation, by its id, requests whose values fit together.
with open(os.environ["FITTING_REQUESTS"], encoding="utf-8") as _file:
    FITTING = json.load(_file)

# Where to sign in, and as whom: several with the same rights, and the password that all of them have.
with open(os.environ["ACCOUNTS"], encoding="utf-8") as _file:
    ACCOUNTS = json.load(_file)

# How it is answered there if it is closed, or has another password.
REFUSED = (400, 401, 403)

# One line for each answer: the id of its operation, and its status.
ANSWERED = os.environ["ANSWERED"]


def _operation_id(case):
    return case.operation.definition.raw["operationId"]


def _needs_token(context):
    schemes = context.operation.definition.raw.get("security", [])
    return any("BearerAuth" in scheme for scheme in schemes)


@schemathesis.auth(retry_on=[401]).apply_to(_needs_token)
class SignedIn:
    """Signs in, and again when its session was ended by what it made up.

    If its account was closed, or its password changed, the next one is taken.
    """

    def get(self, case, context):
        while ACCOUNTS["phonenumbers"]:
            body = {"phonenumber": ACCOUNTS["phonenumbers"][0], "password": ACCOUNTS["password"]}
            answer = requests.post(ACCOUNTS["sign_in"], json=body, timeout=10)
            if answer.status_code not in REFUSED:
                answer.raise_for_status()
                return answer.json()["access"]
            del ACCOUNTS["phonenumbers"][0]
        raise RuntimeError("every account was closed")

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def filter_case(ctx, case):
    """Sends no bad forms, only bad JSON.

    A form is text. What is empty there was left out, and "0" is a boolean: both break the schema, which is that of
    JSON, and both are good. tests/journeys/bad_input.rs has the bad forms.
    """
    is_bad = case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY)
    return not (is_bad and case.media_type in FORMS)


@schemathesis.hook
def before_call(ctx, case, **kwargs):
    """Lets a request fit that keeps the schema, as long as there is something that it can ask for.

    What is made up is seldom a batch that is open, with an item that is in none. All checks are made of the answer.
    """
    fitting = FITTING.get(_operation_id(case))
    if not fitting or case.meta is None or case.meta.generation.mode.is_negative:
        return
    if case.method.upper() != case.operation.method.upper():
        return
    fits = fitting.pop()
    case.query = {}
    if "path" in fits:
        case.path_parameters = fits["path"]
    if "body" in fits:
        case.media_type = "application/json"
        case.body = fits["body"]
    if "token" in fits:
        case.headers["Authorization"] = f"Bearer {fits['token']}"


@schemathesis.hook
def after_call(ctx, case, response):
    """Notes how the operation answered."""
    with open(ANSWERED, "a", encoding="utf-8") as answered:
        answered.write(f"{_operation_id(case)} {response.status_code}\n")
