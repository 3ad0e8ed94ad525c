"""The public-access block of an account, which MiniStack does not have: it is kept and given back, and decides nothing.

S3 Control's calls on it are authorised as AWS names them.
"""

import uuid

from access import replace_function

PATH = "/v20180820/configuration/publicAccessBlock"
ACTIONS = {
    "GET": "s3:GetAccountPublicAccessBlock",
    "PUT": "s3:PutAccountPublicAccessBlock",
    "DELETE": "s3:PutAccountPublicAccessBlock",
}
_blocks: dict[str, bytes] = {}


def answer_for_the_account(app) -> None:
    """``app`` is the module ministack.app."""
    others = app._handle_s3_control_request

    async def handle(path, method, body, query_params, request_id, headers=None):
        if path != PATH or method not in ACTIONS:
            return await others(path, method, body, query_params, request_id, headers)
        from ministack.core.responses import get_account_id
        from ministack.services import s3

        refused = app._enforce_data_plane("s3", ACTIONS[method], headers, query_params, request_id, resource_arn="*")
        refused = refused or s3.s3control_account_error(headers)
        if refused:
            return refused
        account, xml = get_account_id(), {"Content-Type": "application/xml", "x-amzn-requestid": str(uuid.uuid4())}
        if method == "PUT":
            _blocks[account] = body
            return 200, xml, b""
        if method == "DELETE":
            _blocks.pop(account, None)
            return 204, xml, b""
        if account in _blocks:
            return 200, xml, _blocks[account]
        return s3.s3control_error(
            "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found", 404
        )

    replace_function(app, "_handle_s3_control_request", handle)
