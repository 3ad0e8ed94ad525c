"""Starts MiniStack, the local AWS, with what it does otherwise than AWS put right from outside.

- The condition keys ``iam:PermissionsBoundary``, ``iam:PolicyARN``, ``events:source``, ``events:detail-type``,
  ``dynamodb:LeadingKeys`` and ``dynamodb:Attributes`` are filled in, and so are the tags of IAM policies
  (``aws:ResourceTag``).
- ``aws:ResourceAccount`` of a bucket is the account that owns it, whoever asks; and a bucket policy that lets everybody
  in reaches past a permissions boundary that merely does not allow.
- Calls on IAM roles and policies are authorised on ARNs with their path, and answers to waiting tasks on the
  state machine that waits.
- A Node.js function's error is reported under its own name and leaves its worker alive, a dead worker as
  ``Runtime.ExitError``, one that ran too long as ``Sandbox.Timedout``, a failure of the emulator to start one as
  ``Lambda.ServiceException``.
- A function that fails on an event is tried again, and the event then goes where the function says.
- A function that throws before its task's token is answered fails the task. A history shows what a task was given.
- Only keys that exist are accepted, those of the roots among them, and each signature is checked. The emulator's own
  endpoints are not there. A foreign ``Host`` or ``Origin`` is refused (``access.py``).
- Nobody can work out the keys of a function.
- Port 443 is left alone, so that several copies run side by side.
- When the process that started it ends, the emulator and its function workers end too.

Each change names the text it replaces and fails loudly where another version no longer has it.
"""

import importlib.metadata
import importlib.util
import json
import os
import re
import secrets
import signal
import sys
import threading
from urllib.parse import urlsplit

from access import RootKey, accept_only, check_signed_bodies, gate

EXPECTED_VERSION = "1.5.33"


def replaced(source: str, old: str, new: str, count: int = 1) -> str:
    if source.count(old) != count:
        raise SystemExit(
            f"MiniStack is not as expected: {old!r} stands {source.count(old)} times, not {count}. "
            f"This launcher is written for version {EXPECTED_VERSION}."
        )
    return source.replace(old, new)


def load_changed(name: str, changes: list[tuple[str, str]]) -> None:
    """Loads a module from its own source with texts replaced."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"MiniStack has no module {name}.")
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read()
    for old, new in changes:
        source = replaced(source, old, new)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(source, spec.origin, "exec"), module.__dict__)
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)


def report_error_names() -> None:
    """Lambda reports ``error.name`` as ``errorType``; Step Functions matches Retry and Catch on it."""
    load_changed(
        "ministack.core.lambda_runtime",
        [
            (
                'status: "error", error: String(err.message || err), trace: err.stack || ""',
                'status: "error", error: String(err.message || err), errorType: err.name || "Error", '
                'trace: err.stack || ""',
            ),
            (
                'status: "error", error: e.message, trace: e.stack',
                'status: "error", error: e.message, errorType: e.name || "Error", trace: e.stack',
            ),
            (
                '{"status": "error", "error": "Worker process died"}',
                '{"status": "error", "error": "Worker process died", "errorType": "Runtime.ExitError"}',
            ),
            (
                '"error": f"Task timed out after {timeout}.00 seconds",\n                    "cold_start": cold,\n'
                '                    "log": self._drain_stderr(),\n                }\n\n            if not result_box:',
                '"error": f"Task timed out after {timeout}.00 seconds",\n                    "cold_start": cold,\n'
                '                    "errorType": "Sandbox.Timedout",\n'
                '                    "log": self._drain_stderr(),\n                }\n\n            if not result_box:',
            ),
            (
                'if response.get("status") == "error":\n                proc, self._proc = self._proc, None\n',
                # A function's own error leaves its environment in use, as on AWS.
                'if response.get("status") == "error" and '
                'response.get("errorType", "Runtime.ExitError") == "Runtime.ExitError":\n'
                "                proc, self._proc = self._proc, None\n",
            ),
            (
                'digest = hashlib.sha256(f"{function_arn}:{role_arn}".encode()).hexdigest()',
                # The keys of a function's session come from this digest, and its ARNs are known to all.
                f'digest = hashlib.sha256(f"{{function_arn}}:{{role_arn}}:{secrets.token_hex(32)}".encode()).hexdigest()',
            ),
            (
                "      patchAwsSdk();\n      try {\n",
                # Each call to AWS says which worker makes it.
                "      process.env.AWS_SDK_UA_APP_ID = `worker-${process.pid}`;\n"
                "      patchAwsSdk();\n      try {\n",
            ),
            (
                '        _realStdoutWrite(JSON.stringify({ status: "ready", cold: true }) + "\\n");\n',
                # What it has compiled, the next environment of the same function need not: it is ended by a signal.
                '        _realStdoutWrite(JSON.stringify({ status: "ready", cold: true }) + "\\n");\n'
                "        Module.flushCompileCache();\n",
            ),
        ],
    )
    load_changed(
        "ministack.services.lambda_svc",
        [
            (
                'error_msg = result.get("error", "Unknown error")\n'
                '            error_type = "Runtime.HandlerError"\n',
                'error_msg = result.get("error", "Unknown error")\n'
                '            error_type = result.get("errorType", "Runtime.HandlerError")\n',
            ),
            (
                "        invalidate_worker(func_name, qualifier=qualifier, account=get_account_id(), region=get_region())\n"
                "        worker = None  # invalidate_worker already dropped it from the pool\n"
                "        return {\n"
                '            "body": {"errorMessage": str(e), "errorType": type(e).__name__},\n',
                # Nor does one environment that does not start end its neighbours.
                "        from ministack.core import lambda_runtime\n\n"
                "        with lambda_runtime._lock:\n"
                "            for entries in lambda_runtime._workers.values():\n"
                "                if worker in entries:\n"
                "                    entries.remove(worker)\n"
                "        lambda_runtime.kill_workers([worker])\n"
                "        worker = None\n"
                "        return {\n"
                '            "body": {"errorMessage": str(e), "errorType": "Lambda.ServiceException"},\n',
            ),
        ],
    )


def register_sessions_from_many_threads() -> None:
    """Each start of a function registers a session, while another thread drops those that have expired."""
    load_changed(
        "ministack.services.sts",
        [("for key in [k for k, s in _sessions.items()\n", "for key in [k for k, s in list(_sessions.items())\n")],
    )


def retry_events() -> None:
    """EventBridge invokes a function asynchronously: Lambda tries again, then sends the event on."""
    load_changed(
        "ministack.services.eventbridge",
        [
            (
                "    threading.Thread(\n"
                "        target=lambda_svc._execute_function_with_config_scope, args=(exec_record, event), daemon=True\n"
                "    ).start()\n",
                "    lambda_svc.invoke_async_with_retry(exec_record, event)\n",
            ),
        ],
    )


def know_whose_task_waits() -> None:
    load_changed(
        "ministack.services.stepfunctions",
        [
            (
                '                    "resource": resource,\n                },\n            })\n\n            if _mock_throw is not None:',
                # With the task's token, as on AWS.
                '                    "resource": resource,\n                    "parameters": json.dumps(effective),\n'
                "                },\n            })\n\n            if _mock_throw is not None:",
            ),
            (
                'resource, effective, ctx["Task"]["Token"], state_def)',
                'resource, effective, ctx["Task"]["Token"], state_def, execution["stateMachineArn"])',
            ),
            (
                "def _invoke_with_callback(resource, input_data, token, state_def):",
                # Also of a task that has ended: its token is still one of that machine.
                "_task_owners = {}\n\n\ndef _invoke_with_callback(resource, input_data, token, state_def, state_machine_arn):",
            ),
            (
                '    _task_tokens[token] = {\n        "event": evt, "result": None, "error": None, "heartbeat": None}\n\n'
                "    clean_resource",
                '    _task_tokens[token] = {"event": evt, "result": None, "error": None, "heartbeat": None}\n'
                "    _task_owners[token] = state_machine_arn\n\n    clean_resource",
            ),
            (
                "            _call_lambda(func_ref, lambda_payload)\n        except _ExecutionError:\n            pass\n",
                "            _call_lambda(func_ref, lambda_payload)\n        except _ExecutionError:\n"
                "            _task_tokens.pop(token, None)\n            raise\n",
            ),
        ],
    )


def first(params: dict, name: str) -> str:
    value = params.get(name, "")
    return value[0] if isinstance(value, list) and value else value if isinstance(value, str) else ""


def json_object(body: bytes) -> dict:
    try:
        value = json.loads(body or b"{}")
    except (json.JSONDecodeError, UnicodeDecodeError):
        # Not JSON: the service itself refuses it.
        return {}
    return value if isinstance(value, dict) else {}


def leading_keys(request: dict) -> list[str]:
    """Values of the partition keys of the items that a call names."""
    from ministack.services import dynamodb

    parts = [part for each in request.get("TransactItems") or [] for part in each.values()] or [request]
    found = []
    for part in parts:
        table = dynamodb._tables.get(str(part.get("TableName", "")).rsplit("/", 1)[-1]) or {}
        names = [key["AttributeName"] for key in table.get("KeySchema") or [] if key["KeyType"] == "HASH"]
        item = part.get("Key") or part.get("Item") or {}
        found += [str(value) for name in names for value in (item.get(name) or {}).values()]
    return found


EXPRESSIONS = ("UpdateExpression", "ConditionExpression", "ProjectionExpression", "FilterExpression")
# Words of expressions that are no names of attributes.
KEYWORDS = {
    *("set", "remove", "add", "delete", "and", "or", "not", "in", "between", "size", "contains", "begins_with"),
    *("attribute_exists", "attribute_not_exists", "attribute_type", "if_not_exists", "list_append"),
}


def attributes_of(call: dict) -> list[str]:
    """Top-level attributes that a call on one item names: its key, what it writes, and what its conditions ask for."""
    names = call.get("ExpressionAttributeNames") or {}
    found = {*(call.get("Key") or {}), *(call.get("Item") or {}), *(call.get("AttributeUpdates") or {})}
    found |= {*(call.get("Expected") or {}), *(call.get("AttributesToGet") or [])}
    for expression in (str(call.get(name) or "") for name in EXPRESSIONS):
        # The first part of each path; what follows a point or stands in brackets lies below it.
        for path in re.findall(r"(?<![.:#\w])#?[A-Za-z_]\w*", re.sub(r"\[\d+\]", "", expression)):
            if path.lower() not in KEYWORDS:
                found.add(str(names.get(path, path)))
    return sorted(found)


def transaction_attributes(body: bytes) -> list[list[str]]:
    """For each write of a transaction, in the order in which they are authorised."""
    items = json_object(body).get("TransactItems") or []
    members = ("ConditionCheck", "Put", "Update", "Delete", "Get")
    return [attributes_of(item[member]) for item in items for member in members if isinstance(item.get(member), dict)]


def fill_in_condition_keys() -> None:
    from ministack.core import iam_actions
    from ministack.services import iam

    original = iam_actions.request_tag_context

    def with_more_keys(service: str, iam_action: str, body: bytes, params: dict) -> dict:
        context = original(service, iam_action, body, params)
        if service == "iam":
            boundary = first(params, "PermissionsBoundary")
            if not boundary and (name := first(params, "RoleName")):
                # On an existing role the key holds the boundary that the role has.
                role = iam._roles.get(name) or {}
                own = role.get("PermissionsBoundary") or ""
                boundary = own.get("PermissionsBoundaryArn", "") if isinstance(own, dict) else own
            if boundary:
                context["iam:PermissionsBoundary"] = boundary
            if policy := first(params, "PolicyArn"):
                context["iam:PolicyARN"] = policy
        if service == "dynamodb" and (keys := leading_keys(json_object(body))):
            context["dynamodb:LeadingKeys"] = keys
            if iam_action in ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"):
                context["dynamodb:Attributes"] = attributes_of(json_object(body))
        if service == "events" and iam_action == "events:PutEvents":
            entries = [entry for entry in json_object(body).get("Entries") or [] if isinstance(entry, dict)]
            for key, field in (("events:source", "Source"), ("events:detail-type", "DetailType")):
                values = sorted({str(entry[field]) for entry in entries if entry.get(field)})
                if values:
                    context[key] = values[0] if len(values) == 1 else values
        return context

    iam_actions.request_tag_context = with_more_keys


def authorise_writes_of_transactions_by_their_own_attributes() -> None:
    from ministack.core import iam_actions

    iam_actions.transaction_attributes = transaction_attributes
    load_changed(
        "ministack.app",
        [
            (
                "                for item_action, item_arn in transaction_checks:\n"
                "                    denied = enforce(\n"
                "                        access_key, item_action, service, region,\n"
                "                        resource_arn=item_arn, service_context=item_context,\n",
                "                from ministack.core.iam_actions import transaction_attributes\n\n"
                "                for (item_action, item_arn), attributes in zip(\n"
                "                    transaction_checks, transaction_attributes(body), strict=True\n"
                "                ):\n"
                "                    denied = enforce(\n"
                "                        access_key, item_action, service, region, resource_arn=item_arn,\n"
                '                        service_context={**item_context, "dynamodb:Attributes": attributes},\n',
            ),
        ],
    )


def name_resources_in_full() -> None:
    from ministack.core import iam_actions
    from ministack.services import iam, stepfunctions

    original = iam_actions.extract_resource_arn

    def full_arn(service, method, path, headers, body, query_params, region, account_id):
        if service == "iam":
            account = f"arn:aws:iam::{account_id}"
            if role := first(query_params, "RoleName"):
                found = iam._roles.get(role) or {}
                given = first(query_params, "Path") if first(query_params, "Action") == "CreateRole" else ""
                return found.get("Arn") or f"{account}:role{given or '/'}{role}"
            if first(query_params, "Action") == "CreatePolicy":
                return f"{account}:policy{first(query_params, 'Path') or '/'}{first(query_params, 'PolicyName')}"
        if service == "states" and (token := json_object(body).get("taskToken")):
            return stepfunctions._task_owners.get(token) or "*"
        return original(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_resource_arn = full_arn

    from ministack.services import tagging

    original_collect = tagging._RESOURCE_TAG_COLLECTORS["iam"]

    def collect_policies_too():
        yield from original_collect()
        for policy in iam._policies.values():
            yield policy.get("Arn", ""), policy.get("Tags") or []

    tagging._RESOURCE_TAG_COLLECTORS["iam"] = collect_policies_too


def know_whose_bucket_it_is() -> None:
    from ministack.core import iam_evaluator
    from ministack.services import s3

    original = iam_evaluator._resolve_condition_key
    buckets = "arn:aws:s3:::"

    def with_owner(key, context):
        arn = context.resource_arn
        if key.lower() in ("aws:resourceaccount", "s3:resourceaccount") and arn.startswith(buckets):
            bucket = arn.removeprefix(buckets).split("/", 1)[0]
            # Other threads make buckets meanwhile.
            owners = (account for account, name in list(s3._buckets._data) if name == bucket)
            return next(owners, context.principal_account)
        return original(key, context)

    iam_evaluator._resolve_condition_key = with_owner


def let_everybody_past_boundaries() -> None:
    """A resource policy that names a role is held by the role's boundary; one that names everybody, or a session, is not."""
    from ministack.core import iam_evaluator

    original = iam_evaluator._names_caller_directly

    def directly_or_everybody(principal, caller_arn):
        named = principal.get("AWS", []) if isinstance(principal, dict) else principal
        return "*" in ([named] if isinstance(named, str) else named) or original(principal, caller_arn)

    iam_evaluator._names_caller_directly = directly_or_everybody


def end_with_parent() -> None:
    """Standard input is a pipe from the parent: its end means that the parent is gone."""

    def wait() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    if os.getpid() == os.getpgrp():
        threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    found = importlib.metadata.version("ministack")
    if found != EXPECTED_VERSION:
        raise SystemExit(f"This launcher is written for MiniStack {EXPECTED_VERSION}, not {found}.")
    # From a pipe: neither files nor the environment of functions hold them.
    root_keys = [RootKey(*key) for key in json.loads(sys.stdin.buffer.readline())]
    end_with_parent()
    import ministack.core  # noqa: F401
    import ministack.services  # noqa: F401

    accept_only(root_keys)
    check_signed_bodies()
    report_error_names()
    register_sessions_from_many_threads()
    retry_events()
    know_whose_task_waits()
    fill_in_condition_keys()
    name_resources_in_full()
    authorise_writes_of_transactions_by_their_own_attributes()
    know_whose_bucket_it_is()
    let_everybody_past_boundaries()
    from ministack import app

    app._port_is_bindable = lambda host, port: False
    port = os.environ["GATEWAY_PORT"]
    # The last is where functions look for AWS: something may stand between.
    gate(app, {f"127.0.0.1:{port}", f"localhost:{port}", urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc})
    app.main()


if __name__ == "__main__":
    main()
