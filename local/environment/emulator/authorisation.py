"""What MiniStack authorises otherwise than AWS: condition keys that it leaves out, and resources that it names otherwise."""

import json
import re

from changes import load_changed
from views import count_call, hide_tags_of_unseen, is_unseen


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
        # The first part of each path; what follows a dot or is in brackets is part of it.
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
            sets_one = iam_action in ("iam:CreateRole", "iam:PutRolePermissionsBoundary")
            boundary = first(params, "PermissionsBoundary") if sets_one else ""
            if not sets_one and (name := first(params, "RoleName")):
                # In other calls on a role the key holds the boundary that the role has; there is none for a role without.
                role = iam._roles.get(name) or {}
                own = role.get("PermissionsBoundary") or ""
                boundary = own.get("PermissionsBoundaryArn", "") if isinstance(own, dict) else own
            if boundary and (sets_one or not is_unseen("role", first(params, "RoleName"))):
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
            called = first(query_params, "Action")
            if role := first(query_params, "RoleName"):
                count_call(called, "role", role)
                found = {} if is_unseen("role", role) else iam._roles.get(role) or {}
                given = first(query_params, "Path") if called == "CreateRole" else ""
                return found.get("Arn") or f"{account}:role{given or '/'}{role}"
            if policy := first(query_params, "PolicyArn"):
                count_call(called, "policy", policy.rpartition("/")[2])
            if called == "CreatePolicy":
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
    hide_tags_of_unseen()


def authorise_what_a_new_bucket_is_given() -> None:
    """A header of CreateBucket that sets the object ownership takes the right to set it."""
    from ministack.core import iam_actions

    original = iam_actions.s3_additional_checks

    def with_ownership(method, path, headers, body, query_params):
        checks = original(method, path, headers, body, query_params)
        bucket, _, key = path.strip("/").partition("/")
        if method == "PUT" and bucket and not key and headers.get("x-amz-object-ownership"):
            checks = [*checks, ("s3:PutBucketOwnershipControls", f"arn:aws:s3:::{bucket}")]
        return checks

    iam_actions.s3_additional_checks = with_ownership


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
