"""Lambda's detection of recursive loops, which MiniStack has only for functions that call each other.

Lambda notes in the trace header of each invocation how often a function has run in the same chain; the SDK sends the
header with each call, SQS keeps it with the message, and Lambda reads it from there. A function that has run 16 times is
not called again: the message goes to the dead-letter queue. ``RecursiveLoop: Allow`` turns this off for a function.
Source: Lambda Developer Guide, "Use Lambda recursive loop detection to prevent infinite loops".
"""

import contextvars
import functools
import hashlib
import logging
import re
import secrets
import time

from access import replace_function

# AWS says "approximately 16 times".
MAXIMUM_ROUNDS = 16

logger = logging.getLogger("lambda")

# Rounds of each function in the chain of the current invocation, and the trace header of the current request.
_rounds: contextvars.ContextVar[dict[str, int]] = contextvars.ContextVar("rounds", default={})
_header: contextvars.ContextVar[str] = contextvars.ContextVar("trace_header", default="")


def key_of(function_name: str) -> str:
    return hashlib.sha256(function_name.encode()).hexdigest()[:8]


def rounds_in(header: str) -> dict[str, int]:
    """From ``Root=…;Lineage=1:KEY:COUNT|KEY:COUNT``."""
    lineage = re.search(r"Lineage=1:([0-9a-f:|]+)", header)
    return {key: int(count) for key, count in re.findall(r"([0-9a-f]{8}):(\d+)", lineage[1])} if lineage else {}


def trace_header_of(config: dict, _inbound: str | None = None) -> str:
    """What the function sends on, with its own round counted."""
    rounds = dict(_rounds.get())
    key = key_of(config["FunctionName"])
    rounds[key] = rounds.get(key, 0) + 1
    lineage = "|".join(f"{each}:{count}" for each, count in rounds.items())
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0;Lineage=1:{lineage}"


def carry_traces_through_queues() -> None:
    from ministack.services import sqs

    handle = sqs.handle_request
    attributes_of = sqs._build_send_sys_attrs

    async def with_header(method, path, headers, body, query_params):
        _header.set(headers.get("x-amzn-trace-id", ""))
        return await handle(method, path, headers, body, query_params)

    def with_trace(now, given):
        built = attributes_of(now, given)
        if header := _header.get():
            built.setdefault("AWSTraceHeader", header)
        return built

    replace_function(sqs, "handle_request", with_header)
    replace_function(sqs, "_build_send_sys_attrs", with_trace)


def stop_recursive_loops() -> None:
    from ministack.services import lambda_svc, sqs

    run_batch = lambda_svc._run_sqs_batch

    def run_or_stop(esm, func_rec, event, batch, queue_url, queue_name):
        name = (func_rec.get("config") or func_rec)["FunctionName"]
        rounds: dict[str, int] = {}
        for record in event["Records"]:
            for key, count in rounds_in(record["attributes"].get("AWSTraceHeader", "")).items():
                rounds[key] = max(rounds.get(key, 0), count)
        allowed = lambda_svc._functions[name].get("recursive_loop") == "Allow"
        if rounds.get(key_of(name), 0) >= MAXIMUM_ROUNDS and not allowed:
            logger.warning("%s is in a recursive loop; its message goes to the dead-letter queue", name)
            with sqs._queues_lock:
                for message in batch:
                    # The next look at the queue takes them for received too often.
                    message["receive_count"] = 1_000
                    message["visible_at"] = 0
            return
        token = _rounds.set(rounds)
        try:
            run_batch(esm, func_rec, event, batch, queue_url, queue_name)
        finally:
            _rounds.reset(token)

    replace_function(lambda_svc, "_run_sqs_batch", run_or_stop)
    replace_function(lambda_svc, "_xray_trace_id_for_invocation", trace_header_of)


def take_the_setting_from_templates() -> None:
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]

    def with_setting(provision, position_of_properties: int):
        @functools.wraps(provision)
        def provisioned(*args, **options):
            result = provision(*args, **options)
            setting = args[position_of_properties].get("RecursiveLoop", "Terminate")
            lambda_svc._functions[result[0]]["recursive_loop"] = setting
            return result

        return provisioned

    handlers["create"] = with_setting(handlers["create"], 1)
    handlers["update"] = with_setting(handlers["update"], 2)


def detect_recursive_loops() -> None:
    carry_traces_through_queues()
    stop_recursive_loops()
    take_the_setting_from_templates()
