"""How CloudFormation makes the resources of a stack: with the rights of who deploys it, and roles with their boundary.

By itself, MiniStack makes them whoever asks, and gives no role of a stack a permissions boundary.
"""

from collections.abc import Callable
from dataclasses import dataclass


def arn(service: str, resource: str) -> str:
    from ministack.core.responses import get_account_id, get_region

    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def last(physical_id: str) -> str:
    return str(physical_id).replace("|", "/").split("/")[-1].split(":")[-1]


def function_of(_physical_id: str, props: dict) -> str:
    return arn("lambda", f"function:{last(props.get('FunctionName', ''))}")


def role_of(physical_id: str, props: dict) -> str:
    from ministack.core.responses import get_account_id

    return f"arn:aws:iam::{get_account_id()}:role{props.get('Path') or '/'}{physical_id}"


def queue_of(physical_id: str, props: dict) -> str:
    return arn("sqs", last((props.get("Queues") or [physical_id])[0]))


def bucket_of(physical_id: str, props: dict) -> str:
    return f"arn:aws:s3:::{props.get('Bucket') or physical_id}"


def rule_of(physical_id: str, props: dict) -> str:
    bus = last(props.get("EventBusName") or "default")
    return arn("events", f"rule/{last(physical_id)}" if bus == "default" else f"rule/{bus}/{last(physical_id)}")


def named(service: str, prefix: str) -> Callable[[str, dict], str]:
    return lambda physical_id, _props: arn(service, f"{prefix}{last(physical_id)}")


def api_of(path: str) -> Callable[[str, dict], str]:
    from ministack.core.responses import get_region

    return lambda _physical_id, props: f"arn:aws:apigateway:{get_region()}::{path.format(api=props.get('ApiId', ''))}"


@dataclass(frozen=True)
class Needed:
    """What CloudFormation does with the caller's rights (the handlers of AWS's own resource schemas)."""

    to_create: tuple[str, ...]
    to_delete: tuple[str, ...]
    resource: Callable[[str, dict], str]
    # Property that names the role which the resource is given.
    passes: str = ""


NEEDED = {
    "AWS::IAM::Role": Needed(
        ("iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:TagRole"),
        ("iam:DeleteRolePolicy", "iam:DeleteRole"),
        role_of,
    ),
    "AWS::IAM::ManagedPolicy": Needed(
        ("iam:CreatePolicy", "iam:GetPolicy"), ("iam:ListPolicyVersions", "iam:DeletePolicy"), lambda id, _props: id
    ),
    "AWS::Lambda::Function": Needed(
        ("lambda:CreateFunction", "lambda:GetFunction", "lambda:TagResource"),
        ("lambda:DeleteFunction",),
        named("lambda", "function:"),
        "Role",
    ),
    "AWS::Lambda::Permission": Needed(("lambda:AddPermission",), ("lambda:RemovePermission",), function_of),
    "AWS::Lambda::EventInvokeConfig": Needed(
        ("lambda:PutFunctionEventInvokeConfig",), ("lambda:DeleteFunctionEventInvokeConfig",), function_of
    ),
    "AWS::Lambda::EventSourceMapping": Needed(
        ("lambda:CreateEventSourceMapping", "lambda:GetEventSourceMapping", "lambda:TagResource"),
        ("lambda:DeleteEventSourceMapping",),
        named("lambda", "event-source-mapping:"),
    ),
    "AWS::Logs::LogGroup": Needed(
        ("logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource"),
        ("logs:DeleteLogGroup",),
        lambda id, _props: arn("logs", f"log-group:{id}"),
    ),
    "AWS::StepFunctions::StateMachine": Needed(
        ("states:CreateStateMachine", "states:DescribeStateMachine", "states:TagResource"),
        ("states:DeleteStateMachine",),
        named("states", "stateMachine:"),
        "RoleArn",
    ),
    "AWS::DynamoDB::Table": Needed(
        (
            "dynamodb:CreateTable",
            "dynamodb:DescribeTable",
            "dynamodb:UpdateTimeToLive",
            "dynamodb:UpdateContinuousBackups",
            "dynamodb:TagResource",
        ),
        ("dynamodb:DeleteTable",),
        named("dynamodb", "table/"),
    ),
    "AWS::Events::EventBus": Needed(
        ("events:CreateEventBus", "events:DescribeEventBus"), ("events:DeleteEventBus",), named("events", "event-bus/")
    ),
    "AWS::Events::Rule": Needed(
        ("events:PutRule", "events:DescribeRule", "events:PutTargets"),
        ("events:RemoveTargets", "events:DeleteRule"),
        rule_of,
    ),
    "AWS::SQS::Queue": Needed(
        ("sqs:CreateQueue", "sqs:GetQueueAttributes", "sqs:TagQueue"), ("sqs:DeleteQueue",), queue_of
    ),
    "AWS::SQS::QueuePolicy": Needed(("sqs:SetQueueAttributes",), (), queue_of),
    "AWS::CloudWatch::Alarm": Needed(
        ("cloudwatch:PutMetricAlarm",), ("cloudwatch:DeleteAlarms",), named("cloudwatch", "alarm:")
    ),
    "AWS::S3::Bucket": Needed(
        ("s3:CreateBucket", "s3:PutEncryptionConfiguration", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging"),
        ("s3:DeleteBucket",),
        bucket_of,
    ),
    "AWS::S3::BucketPolicy": Needed(("s3:PutBucketPolicy",), ("s3:DeleteBucketPolicy",), bucket_of),
    "AWS::ApiGatewayV2::Api": Needed(("apigateway:POST",), ("apigateway:DELETE",), api_of("/apis")),
    "AWS::ApiGatewayV2::Stage": Needed(("apigateway:POST",), ("apigateway:DELETE",), api_of("/apis/{api}/stages")),
    "AWS::ApiGatewayV2::Route": Needed(("apigateway:POST",), ("apigateway:DELETE",), api_of("/apis/{api}/routes")),
    "AWS::ApiGatewayV2::Integration": Needed(
        ("apigateway:POST",), ("apigateway:DELETE",), api_of("/apis/{api}/integrations")
    ),
}


def refuse_without(action: str, resource_arn: str, context: dict | None = None) -> None:
    """Raises ValueError where who deploys may not do this. CloudFormation says so of the resource, and rolls back."""
    from ministack.core import iam_evaluator as evaluator
    from ministack.core.responses import get_region

    # Of the request that began all of it: its signature is checked.
    key = evaluator._verified_key.get()
    if not key:
        return
    denied = evaluator.enforce(key, action, action.split(":")[0], get_region(), resource_arn, context)
    if denied is not None:
        raise ValueError(f"The deployer is not authorized to perform: {action} on resource: {resource_arn}")


def deploy_with_the_rights_of_the_caller() -> None:
    from ministack.services.cloudformation import provisioners

    # A type that is not there any more fails loudly.
    for resource_type, needed in NEEDED.items():
        check_handler(provisioners._RESOURCE_HANDLERS[resource_type], needed)


def check_handler(handler: dict, needed: Needed) -> None:
    create, delete = handler["create"], handler["delete"]

    def delete_unchecked(physical_id, props, logical_id):
        args = (logical_id,) if handler.get("delete_with_logical_id") else ()
        delete(physical_id, props, *args)

    def checked_create(logical_id, props, stack_name):
        # Only then is its name known.
        physical_id, attributes = create(logical_id, props, stack_name)
        try:
            for action in needed.to_create:
                refuse_without(action, needed.resource(physical_id, props))
            if needed.passes:
                service = "lambda" if needed.passes == "Role" else "states"
                context = {"iam:PassedToService": f"{service}.amazonaws.com"}
                refuse_without("iam:PassRole", props[needed.passes], context)
        except ValueError:
            delete_unchecked(physical_id, props, logical_id)
            raise
        return physical_id, attributes

    def checked_delete(physical_id, props, *logical_id):
        for action in needed.to_delete:
            refuse_without(action, needed.resource(physical_id, props))
        delete(physical_id, props, *logical_id)

    handler["create"], handler["delete"] = checked_create, checked_delete


def give_roles_their_boundary() -> None:
    from ministack.services import iam
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    create, update = handler["create"], handler["update"]

    def bounded(props: dict, made: tuple) -> tuple:
        role = iam._roles[made[0]]
        boundary = props.get("PermissionsBoundary") or ""
        if boundary and iam._boundary_policy_error(boundary):
            raise ValueError(f"Scope ARN: {boundary} does not exist or is not attachable.")
        role["PermissionsBoundary"] = boundary
        return made

    def bounded_create(logical_id, props, stack_name):
        return bounded(props, create(logical_id, props, stack_name))

    def bounded_update(physical_id, old_props, new_props, *more):
        return bounded(new_props, update(physical_id, old_props, new_props, *more))

    handler["create"], handler["update"] = bounded_create, bounded_update
