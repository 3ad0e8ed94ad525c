"""Starts MiniStack, the local AWS, with what it does otherwise than AWS put right from outside.

- The condition keys ``iam:PermissionsBoundary``, ``iam:PolicyARN``, ``events:source``, ``events:detail-type``,
  ``dynamodb:LeadingKeys`` and ``dynamodb:Attributes`` are filled in, and so are the tags of IAM policies
  (``aws:ResourceTag``).
- ``aws:ResourceAccount`` of a bucket is the account that owns it, whoever asks; and a bucket policy that lets everybody
  in reaches past a permissions boundary that merely does not allow.
- Calls on IAM roles and policies are authorised on ARNs with their path, and answers to waiting tasks on the
  state machine that waits. A test may have roles and policies seen late (``views.py``).
- A Node.js function's error is reported under its own name and leaves its worker alive, a dead worker as
  ``Runtime.ExitError``, one that ran too long as ``Sandbox.Timedout``, a failure of the emulator to start one as
  ``Lambda.ServiceException``.
- A function that fails on an event is tried again, and the event then goes where the function says.
- A function that SQS calls and that sends to the same queue is stopped after 16 rounds, as on AWS (``recursion.py``).
- A function that throws before its task's token is answered fails the task. A history shows what a task was given.
- Functions of custom resources are invoked asynchronously, and their answers checked. What they did not create is
  deleted, also if the stack is deleted meanwhile (``custom_resources.py``).
- Only keys that exist are accepted, those of the roots among them, and each signature is checked. The emulator's own
  endpoints are not there. A foreign ``Host`` or ``Origin`` is refused (``access.py``).
- Nobody can work out the keys of a function.
- An account has a public-access block (``account_block.py``).
- Patterns of policies are compiled once, however many there are, and functions are unpacked and compiled once.
- CloudFormation makes and deletes what is in a stack with the rights of who deploys it, and roles get their boundary
  (``stacks.py``).
- Port 443 is left alone, so that several copies run side by side.
- When the process that started it ends, the emulator and its function workers end too.

Each change names the text it replaces and fails loudly where another version no longer has it.
"""

import copy
import importlib.metadata
import json
import marshal
import os
import secrets
import signal
import sys
import threading
import types
from urllib.parse import urlsplit

from access import RootKey, accept_only, check_signed_bodies, gate
from account_block import answer_for_the_account
from authorisation import (
    authorise_what_a_new_bucket_is_given,
    authorise_writes_of_transactions_by_their_own_attributes,
    fill_in_condition_keys,
    know_whose_bucket_it_is,
    let_everybody_past_boundaries,
    name_resources_in_full,
)
from changes import EXPECTED_VERSION, load_changed
from custom_resources import invoke_as_on_aws, is_answer, take_answers
from recursion import detect_recursive_loops
from stacks import deploy_with_the_rights_of_the_caller, give_roles_their_boundary


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
                '        worker_path = os.path.join(self._tmpdir, f"_worker{ext}")\n'
                '        with open(worker_path, "w") as f:\n'
                "            f.write(worker_script)\n",
                "        from unpacked import unpacked, worker_file\n\n"
                "        worker_path = worker_file(worker_script, ext)\n",
            ),
            (
                '        code_dir = os.path.join(self._tmpdir, "code")\n'
                "        os.makedirs(code_dir)\n"
                '        with open(os.path.join(self._tmpdir, "code.zip"), "wb") as f:\n'
                "            f.write(self.code_zip)\n"
                '        with zipfile.ZipFile(os.path.join(self._tmpdir, "code.zip")) as zf:\n'
                "            zf.extractall(code_dir)\n",
                "        code_dir = unpacked(self.code_zip)\n",
            ),
            (
                "      patchAwsSdk();\n      try {\n",
                # Each call says which worker makes it: to AWS by the SDK's setting, to others by a header.
                "      process.env.AWS_SDK_UA_APP_ID = `worker-${process.pid}`;\n"
                '      require("node:diagnostics_channel").subscribe("undici:request:create", ({ request }) =>\n'
                '        request.addHeader("x-worker", `worker-${process.pid}`),\n'
                "      );\n"
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


def keep_compiled_patterns() -> None:
    """Each integration has policies with names of its own: after some hundred, every call would compile them all again."""
    load_changed("ministack.core.iam_evaluator", [("if len(_FNMATCH_CACHE) < 4096:", "if len(_FNMATCH_CACHE) < 1_000_000:")])


def copy_items_quickly() -> None:
    """Each write copies its item several times. Items are plain JSON, which marshal copies in a quarter of the time."""

    def copied(value: object) -> object:
        try:
            return marshal.loads(marshal.dumps(value))
        except ValueError:
            # Something else than plain JSON is in it.
            return copy.deepcopy(value)

    from ministack.services import dynamodb

    dynamodb.copy = types.SimpleNamespace(deepcopy=copied)


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

    keep_compiled_patterns()
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
    authorise_what_a_new_bucket_is_given()
    let_everybody_past_boundaries()
    copy_items_quickly()
    invoke_as_on_aws()
    detect_recursive_loops()
    give_roles_their_boundary()
    deploy_with_the_rights_of_the_caller()
    from ministack import app

    answer_for_the_account(app)
    app._port_is_bindable = lambda host, port: False
    port = os.environ["GATEWAY_PORT"]
    # The last is where functions look for AWS: something may stand between.
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}", urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc}
    gate(app, hosts, is_answer, take_answers)
    app.main()


if __name__ == "__main__":
    main()
