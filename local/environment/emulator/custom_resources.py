"""Custom resources of CloudFormation stacks: their functions are invoked, and answer, as on AWS.

By itself, MiniStack forgets a resource whose creation failed, and ends the deletion of a stack that is being created
beside the creation, which goes on.
"""

import json
import os
import re
import secrets

from access import replace_function
from changes import load_changed

# The token in it is as secret as the signature of the address that AWS gives.
ANSWER_PATH = re.compile(r"/_ministack/cfn-response/[0-9a-f-]{36}")
LONGEST_ANSWER = 4096
NAMED = ("Status", "PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId")


def is_answer(method: str, path: str) -> bool:
    return method == "PUT" and ANSWER_PATH.fullmatch(path) is not None


def invoke_as_on_aws() -> None:
    load_changed(
        "ministack.services.cloudformation.custom_resource",
        [
            # Where functions look for AWS: something may stand between.
            (
                'return f"{_gateway_url()}/_ministack/cfn-response/{token}"',
                f'return "{os.environ["AWS_ENDPOINT_URL"].rstrip("/")}/_ministack/cfn-response/" + token',
            ),
            # Without waiting for it, and again where it fails.
            (
                "_lambda_svc._execute_function_with_config_scope(exec_record, cfn_event)",
                "_lambda_svc.invoke_async_with_retry(exec_record, cfn_event)",
            ),
            ('entry["result"] = response\n', 'entry["result"] = checked(response, entry["asked"])\n'),
            ('{"event": evt, "result": None}\n', '{"event": evt, "result": None, "asked": {}}\n'),
            (
                "    event_obj = register_token(token)\n",
                '    event_obj = register_token(token)\n    _pending[token]["asked"] = cfn_event\n',
            ),
            ('raise RuntimeError(result.get("Reason", "Custom resource reported FAILED"))', "raise Failed(result)"),
        ],
    )
    from ministack.services.cloudformation import custom_resource

    custom_resource.checked = checked
    custom_resource.Failed = Failed
    delete_what_was_not_created(custom_resource)
    delete_while_creating(custom_resource)


class Failed(RuntimeError):
    def __init__(self, answer: dict):
        super().__init__(answer["Reason"])
        self.physical_id = answer.get("PhysicalResourceId")


def delete_what_was_not_created(custom_resource) -> None:
    """By the id of the answer. Without an answer, CloudFormation makes one up."""
    invoke = custom_resource.invoke_custom_resource

    def invoke_and_delete(request_type, logical_id, props, stack_name, *more, **named):
        try:
            return invoke(request_type, logical_id, props, stack_name, *more, **named)
        except (Failed, TimeoutError) as failure:
            if request_type == "Create":
                made_up = f"{stack_name}-{logical_id}-{secrets.token_hex(6).upper()}"
                physical_id = getattr(failure, "physical_id", None) or made_up
                invoke("Delete", logical_id, props, stack_name, *more, physical_id=physical_id)
            raise

    replace_function(custom_resource, "invoke_custom_resource", invoke_and_delete)


def delete_while_creating(custom_resource) -> None:
    """Nobody waits any longer for what is being created, and it is deleted with the rest of the stack."""
    from ministack.services.cloudformation import handlers, stacks

    deploy, delete = handlers._deploy_stack_async, handlers._delete_stack_async
    deploying: set[str] = set()
    unwanted: set[str] = set()

    async def deploy_unless_deleted(stack_name, stack_id, *args, **named):
        deploying.add(stack_id)
        try:
            await deploy(stack_name, stack_id, *args, **named)
        finally:
            deploying.discard(stack_id)
        if stack_id in unwanted:
            await delete(stack_name, stack_id)

    async def delete_at_once(stack_name, stack_id, *args, **named):
        if stack_id not in deploying:
            await delete(stack_name, stack_id, *args, **named)
            return
        unwanted.add(stack_id)
        with custom_resource._lock:
            for entry in custom_resource._pending.values():
                if entry["asked"].get("StackId") == stack_id and entry["result"] is None:
                    entry["result"] = {"Status": "FAILED", "Reason": "Resource creation cancelled"}
                    entry["event"].set()

    for module in (handlers, stacks):
        replace_function(module, "_deploy_stack_async", deploy_unless_deleted)
        replace_function(module, "_delete_stack_async", delete_at_once)


def checked(answer: dict, asked: dict) -> dict:
    """The answer, or what CloudFormation makes of one that is not as it must be."""
    missing = [name for name in NAMED if not isinstance(answer.get(name), str) or not answer[name]]
    if missing:
        return {"Status": "FAILED", "Reason": f"Invalid response object: it has no {', '.join(missing)}."}
    if len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()) > LONGEST_ANSWER:
        return {"Status": "FAILED", "Reason": "Response object is too long."}
    wrong = [name for name in ("StackId", "RequestId", "LogicalResourceId") if answer[name] != asked.get(name)]
    if wrong:
        return {"Status": "FAILED", "Reason": f"Invalid response object: another {', '.join(wrong)}."}
    if answer["Status"] == "FAILED" and not answer.get("Reason"):
        return {"Status": "FAILED", "Reason": "Invalid response object: it has no Reason."}
    return answer


def take_answers(app) -> None:
    """Of the emulator's own endpoints the only one that is there, as S3 takes a presigned PUT."""
    take = app._handle_post_body_shortcuts

    async def only_answers(method, path, headers, body, query_params, request_id):
        if not is_answer(method, path):
            return None
        if headers.get("content-type"):
            return 403, {"Content-Type": "application/xml"}, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        return await take(method, path, headers, body, query_params, request_id)

    replace_function(app, "_handle_post_body_shortcuts", only_answers)
