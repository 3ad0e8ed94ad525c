"""Custom resources of CloudFormation stacks: their functions are invoked, and answer, as on AWS."""

import json
import os
import re

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
        ],
    )
    from ministack.services.cloudformation import custom_resource

    custom_resource.checked = checked


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
