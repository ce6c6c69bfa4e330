# SPDX-License-Identifier: Apache-2.0
"""Names what a request to AWS asks for, whatever protocol its service speaks."""
import re
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session

SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")


@lru_cache(maxsize=None)
def rest_operations(signing_name):
    """The operations of a REST service: (method, path as a pattern, names that the query must have, name);
    those with more in them first."""
    session = botocore.session.get_session()
    model = session.get_service_model(signing_name)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        parts = [".+" if part.endswith("+}") else "[^/]+" if part.startswith("{") else re.escape(part)
                 for part in path.strip("/").split("/")]
        wanted = {item.split("=")[0] for item in query.split("&") if item}
        found.append((http["method"], re.compile("/".join(parts)), wanted, name))
    return sorted(found, key=lambda row: (-len(row[2]), -len(row[1].pattern)))


def rest_action(method, target, headers):
    scope = SCOPE.search(headers.get("Authorization") or "")
    url = urlsplit(target)
    query = set(parse_qs(url.query, keep_blank_values=True))
    for wanted_method, pattern, names, name in rest_operations(scope[1]) if scope else []:
        if method == wanted_method and names <= query and pattern.fullmatch(unquote(url.path).strip("/")):
            return name
    return "?"


def action_of(method, target, headers, body):
    named = headers.get("X-Amz-Target")
    if named:
        return named.split(".")[-1]
    form = parse_qs(body.decode(errors="replace")) if method == "POST" else {}
    return form["Action"][0] if "Action" in form else rest_action(method, target, headers)
