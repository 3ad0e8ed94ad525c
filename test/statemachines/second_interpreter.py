"""Runs state machines on the interpreter of moto, which is LocalStack's: what it enters, and how it ends.

Reads ``{"machines": {name: definition}, "cases": [{"machine", "input", "answers": {state: [answer]}}]}`` from standard
input. An answer is ``{"value": …}`` or ``{"error": …, "cause": …}``, one for each attempt; the last one repeats. Writes
one ``{"entered": […], "status", "output", "error", "cause"}`` a case to standard output.

Nothing waits: retries and Wait states are over at once. Nothing leaves the process.
"""

import copy
import functools
import json
import logging
import sys
import threading

import jsonata
import jsonpath_ng
from jsonata.utils import Utils
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.state.exec.state_task import mock_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.eval import environment, states, variable_store
from moto.stepfunctions.parser.asl.parse import asl_parser
from moto.stepfunctions.parser.asl.jsonata import jsonata as bridge
from moto.stepfunctions.parser.asl.jsonata import validations
from moto.stepfunctions.parser.backend import execution_worker
from moto.stepfunctions.parser.mocking.mock_config import MockedResponseReturn, MockedResponseThrow
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/states"
# Nothing here takes a second; this only ends a hang.
PATIENCE_SECONDS = 120

logging.disable(logging.CRITICAL)


class Answers:
    """What the states of the running case answer, attempt by attempt, also where a state is entered again."""

    def __init__(self, answers: dict[str, list[dict]]):
        self._answers = answers
        self._taken: dict[str, int] = {}
        self._lock = threading.Lock()
        # By this the interpreter knows which states are mocked.
        self.state_mocked_responses = answers

    def next(self, state: str):
        with self._lock:
            taken = self._taken.get(state, 0)
            self._taken[state] = taken + 1
        answers = self._answers[state]
        answer = answers[min(taken, len(answers) - 1)]
        if "error" in answer:
            return MockedResponseThrow(0, 0, answer["error"], answer["cause"])
        return MockedResponseReturn(0, 0, copy.deepcopy(answer["value"]))


running: Answers | None = None


class Declarations(str):
    """Variables as text, for whoever wants that, and as they are."""

    values: dict


class Expression(str):
    """An expression with its variables as text, for whoever wants that, and both by themselves."""

    body: str
    values: dict


def with_nulls(value):
    """As the language has them: a member that is null is there."""
    if isinstance(value, dict):
        return {key: with_nulls(each) for key, each in value.items()}
    if isinstance(value, list):
        return [with_nulls(each) for each in value]
    return Utils.NULL_VALUE if value is None else value


def replace(owner, name: str, replacement) -> None:
    getattr(owner, name)  # Another version may lack it: then this fails.
    setattr(owner, name, replacement)


def prepare() -> None:
    begin = execution_worker.ExecutionWorker.__init__

    def begin_with_answers(self, *args, **options) -> None:
        begin(self, *args, **options)
        self._mock_test_case = running

    replace(execution_worker.ExecutionWorker, "__init__", begin_with_answers)
    replace(
        environment.Environment,
        "get_current_mocked_response",
        lambda self: self.mock_test_case.next(self.next_state_name),
    )
    evaluate_quickly()

    # Time-outs by the name that the language gives them.
    custom = mock_eval_utils.CustomErrorName
    timeout = StatesErrorNameType.StatesTimeout
    replace(
        mock_eval_utils,
        "CustomErrorName",
        lambda name: StatesErrorName(timeout) if name == timeout.to_name() else custom(name),
    )

    # What is the same for hundreds of executions is parsed once.
    parsed = functools.cache(asl_parser.AmazonStateLanguageParser.parse)
    replace(asl_parser.AmazonStateLanguageParser, "parse", staticmethod(parsed))
    replace(result_path, "parse", functools.cache(jsonpath_ng.parse))

    class NoTime:
        @staticmethod
        def sleep(_seconds: float) -> None:
            """Retries follow each other at once."""

    replace(retrier_decl, "time", NoTime)
    replace(wait_function.WaitFunction, "_wait_interval", lambda self, env, wait_seconds: None)


def evaluate_quickly() -> None:
    """Moto writes what an expression may read into its text, which is parsed anew each time. It is given as it is here."""
    declare = bridge.encode_jsonata_variable_declarations
    compose = bridge.compose_jsonata_expression
    compiled = functools.cache(jsonata.Jsonata)
    # Branches are threads.
    one_at_a_time = threading.Lock()

    def declare_as_it_is(bindings: dict) -> Declarations:
        declarations = Declarations(declare(bindings))
        declarations.values = bindings
        return declarations

    def declare_variables(store: variable_store.VariableStore) -> Declarations:
        scopes = store._outer_scope | store._inner_scope
        return declare_as_it_is({f"${name}": value for name, value in scopes.items()})

    def compose_as_it_is(final_jsonata_expression: str, variable_declarations_list: list[str]) -> str:
        expression = Expression(compose(final_jsonata_expression, variable_declarations_list))
        expression.body = final_jsonata_expression
        expression.values = {}
        for declarations in filter(None, variable_declarations_list):
            if not isinstance(declarations, Declarations):
                # A function that the language adds.
                return str(expression)
            expression.values |= declarations.values
        return expression

    def evaluate(expression: str):
        if not isinstance(expression, Expression):
            return jsonata.Jsonata(expression).evaluate(None)
        values = {name[1:]: with_nulls(value) for name, value in expression.values.items()}
        with one_at_a_time:
            return compiled(expression.body).evaluate(None, values)

    replace(bridge, "_eval_jsonata", evaluate)
    replace(states, "encode_jsonata_variable_declarations", declare_as_it_is)
    replace(variable_store.VariableStore, "get_variable_declarations", declare_variables)
    replace(string_expression, "compose_jsonata_expression", compose_as_it_is)
    # It asks for the type of what is a text.
    replace(validations, "_validate_string_output", lambda env, expression, rich_jsonata_expression: None)


def outcome_of(execution) -> dict:
    # The backend itself: its answers over HTTP cannot hold every event of these histories.
    ended = execution.to_describe_output()
    events = execution.to_history_output()["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if event.get("stateEnteredEventDetails")]
    return {
        "entered": entered,
        "status": ended["status"].value,
        "output": json.loads(ended["output"]) if ended.get("output") else None,
        "error": ended.get("error"),
        "cause": ended.get("cause"),
    }


def main() -> None:
    global running
    prepare()
    asked = json.load(sys.stdin)
    # Nothing that a worker calls by mistake leaves the process.
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        backend = stepfunctions_parser_backends[ACCOUNT][REGION]
        machines = {
            name: backend.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
            for name, definition in asked["machines"].items()
        }
        outcomes = []
        for number, case in enumerate(asked["cases"]):
            running = Answers(case["answers"])
            execution = backend.start_execution(
                machines[case["machine"]].arn, f"case-{number}", json.dumps(case["input"])
            )
            # The first is the thread of the execution itself; others may wait for time-outs that nobody needs any more.
            execution_worker.TMP_THREADS[0].join(PATIENCE_SECONDS)
            execution_worker.TMP_THREADS.clear()
            outcomes.append(outcome_of(execution))
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
