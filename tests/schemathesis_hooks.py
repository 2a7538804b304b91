"""What Schemathesis cannot be told in schemathesis.toml."""

import schemathesis
from schemathesis.core.parameters import ParameterLocation

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@schemathesis.hook
def filter_case(ctx, case):
    """Sends no bad forms, only bad JSON.

    A form is text. What is empty there was left out, and "0" is a boolean: both break the schema, which is that of
    JSON, and both are good. tests/journeys/bad_input.rs has the bad forms.
    """
    is_bad = case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY)
    return not (is_bad and case.media_type in FORMS)
