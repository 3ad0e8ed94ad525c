"""Lets into the emulator only requests that are signed with a key that exists there.

By itself, MiniStack takes the access key ``test``, each access key of twelve digits and requests that name no key for
the root of an account, and checks no signature of theirs. Its own endpoints (``/_ministack/...``) ask for no key.
"""

import hashlib
import re
import sys
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qs

# Headers by which a request is let in, and sent to its service.
DECISIVE = {"authorization", "content-type", "host", "origin"}


@dataclass(frozen=True)
class RootKey:
    access_key_id: str
    secret_access_key: str
    account_id: str


def replace_function(module, name: str, replacement) -> None:
    getattr(module, name)  # Another version may lack it: then this fails.
    setattr(module, name, replacement)


def accept_only(root_keys: list[RootKey]) -> None:
    """Makes these the only keys of roots, whose signatures are checked as those of all others are."""
    # Modules that take these functions by name must not have done so yet.
    early = {"ministack.app", "ministack.services.sts", "ministack.services.s3"} & sys.modules.keys()
    if early:
        raise SystemExit(f"MiniStack has loaded {', '.join(sorted(early))} too early.")
    from ministack.core import iam_evaluator as evaluator

    roots = {key.access_key_id: key for key in root_keys}
    find_account = evaluator.find_iam_access_key_account
    resolve_credential = evaluator.resolve_credential
    resolve_caller_identity = evaluator.resolve_caller_identity
    enforce = evaluator.enforce

    def account_of(access_key_id: str) -> str | None:
        root = roots.get(access_key_id)
        return root.account_id if root else find_account(access_key_id)

    def credential_of(access_key_id, account_id=None, session_token=evaluator._SESSION_TOKEN_NOT_CHECKED):
        root = roots.get(access_key_id)
        if root is None:
            return resolve_credential(access_key_id, account_id, session_token)
        return evaluator._validate_session_token(None, session_token) or evaluator.ResolvedCredential(
            access_key_id=access_key_id,
            secret_access_key=root.secret_access_key,
            account_id=root.account_id,
            principal_arn=f"arn:aws:iam::{root.account_id}:root",
            principal_id=root.account_id,
            principal_type="Root",
            source_access_key_id=access_key_id,
        )

    def identity_of(access_key_id: str) -> dict | None:
        root = roots.get(access_key_id)
        if root is None:
            return resolve_caller_identity(access_key_id)
        return {
            "accessKey": access_key_id,
            "accountId": root.account_id,
            "userArn": f"arn:aws:iam::{root.account_id}:root",
            "userId": root.account_id,
            "principalOrgId": evaluator._principal_org_id(root.account_id),
            "session": None,
        }

    def enforce_on_all(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        if access_key_id or evaluator._signed_request.get() is not None:
            return enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        # S3 itself decides by the bucket's policy, as on AWS; gate() lets such requests only to buckets that exist.
        return None if service == "s3" else missing_token(evaluator)

    # No key is a root's by its looks, and none is exempt from the check of its signature.
    replace_function(evaluator, "is_root_access_key", lambda access_key_id: False)
    replace_function(evaluator, "_is_root_key", lambda access_key_id: False)
    replace_function(evaluator, "find_iam_access_key_account", account_of)
    replace_function(evaluator, "resolve_credential", credential_of)
    replace_function(evaluator, "resolve_caller_identity", identity_of)
    replace_function(evaluator, "enforce", enforce_on_all)


def check_signed_bodies() -> None:
    """A signature covers the hash of the body that a header states: this compares it with the body."""
    from ministack.core import sigv4

    failure_of = sigv4.header_signature_failure

    def failure_of_all(signature, secret, method, raw_path, query_params, headers, body, **options):
        stated = headers.get("x-amz-content-sha256", "")
        # Other values say that the body is not signed, or in parts.
        if re.fullmatch("[0-9a-f]{64}", stated) and stated != hashlib.sha256(body).hexdigest():
            return "SignatureDoesNotMatch", sigv4.SIGNATURE_MISMATCH
        return failure_of(signature, secret, method, raw_path, query_params, headers, body, **options)

    replace_function(sigv4, "header_signature_failure", failure_of_all)


def missing_token(evaluator):
    return evaluator.AuthError("MissingAuthenticationToken", "Request is missing Authentication Token")


def gate(app, hosts: set[str], is_answer, take_answers) -> None:
    """Puts a check before everything that the emulator serves, and takes its own endpoints away but one.

    ``is_answer`` and ``take_answers`` know that one: where functions answer CloudFormation.

    ``app`` is the module ministack.app, ``hosts`` the values of ``Host`` that are the emulator's own.
    """
    from ministack.core import iam_evaluator as evaluator

    serve = app.app

    def is_for_a_bucket(method: str, path: str, headers: dict, query: dict) -> bool:
        # The two questions that MiniStack asks before a bucket's own CORS rules answer a preflight.
        return (
            app.detect_service(method, path, headers, query) == "s3"
            and app._s3_cors_target(headers.get("host", ""), path) is not None
        )

    def refusal_of(method: str, path: str, raw: list[tuple[str, str]], headers: dict, query: dict):
        if headers.get("host", "").lower() not in hosts:
            # The page of a site whose name leads here (DNS rebinding).
            return evaluator.AuthError("AccessDenied", "This host name is not that of the emulator")
        names = [name for name, _value in raw if name in DECISIVE or name.startswith("x-amz-")]
        if len(names) != len(set(names)):
            # MiniStack takes the first of them for the signature, and all of them for the rest.
            return evaluator.AuthError("AccessDenied", "A header that decides about access is there twice")
        if is_answer(method, path):
            # Whoever has the address may answer, as at a presigned one.
            return None
        if path.startswith("/_") and not path.startswith("/_aws/execute-api/"):
            return missing_token(evaluator)
        if is_for_a_bucket(method, path, headers, query):
            if method == "POST" and "authorization" not in headers:
                # A form, which any page may send, with a signature in it or none.
                return missing_token(evaluator)
            # S3 knows requests signed in the query, and preflights, and says by the bucket's CORS rules which pages may
            # read its answers.
            return None
        if "origin" in headers:
            return evaluator.AuthError("AccessDenied", "Web pages may not use the emulator")
        if not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return missing_token(evaluator)
        # Whether the signature holds, MiniStack says.
        return None

    async def checked(scope, receive, send):
        if scope["type"] == "lifespan":
            await serve(scope, receive, send)
            return
        if scope["type"] != "http":
            # WebSockets: nothing here uses them.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        raw = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        method, path, headers = scope["method"], scope["path"], dict(raw)
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        refused = refusal_of(method, path, raw, headers, query)
        if refused is None:
            await serve(scope, receive, send)
        elif app._parse_execute_api_url("", path) is not None:
            # As an HTTP API words it.
            await app._send_response(send, 403, {"Content-Type": "application/json"}, b'{"message":"Forbidden"}')
        else:
            service = app.detect_service(method, path, headers, query)
            answer = app._credential_failure(service, "", str(uuid.uuid4()), refused, headers)
            await app._send_response(send, *answer, head=method == "HEAD")

    async def only_preflights(method, path, headers, query_params, request_id):
        if is_for_a_bucket(method, path, headers, query_params):
            return app._handle_options_request(method, path, headers, query_params, request_id)
        return None

    replace_function(app, "_handle_pre_body_request", only_preflights)
    take_answers(app)
    replace_function(app, "app", checked)
