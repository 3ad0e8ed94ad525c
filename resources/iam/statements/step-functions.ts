/** The state machines and their executions. */
import { executionsOf, stateMachine } from '../references.ts';
import type { Statement } from '../statement.ts';

export const StartProvisioning: Statement = {
  Sid: 'StartProvisioning',
  why: 'Starts the workflow that provisions an integration.',
  Action: 'states:StartExecution',
  Resource: stateMachine('provision'),
};

export const StartAdding: Statement = {
  Sid: 'StartAdding',
  why: 'Starts the workflow that adds a bucket.',
  Action: 'states:StartExecution',
  Resource: stateMachine('addDriver'),
};

export const StartUndo: Statement = {
  Sid: 'StartUndo',
  why: 'Starts the workflow that removes what an integration or an added bucket has.',
  Action: 'states:StartExecution',
  Resource: stateMachine('deprovision'),
};

export const StopProvisioning: Statement = {
  Sid: 'StopProvisioning',
  why: 'Stops the provisioning of an integration that is removed.',
  Action: 'states:StopExecution',
  Resource: executionsOf('provision'),
};

export const StopAdding: Statement = {
  Sid: 'StopAdding',
  why: 'Stops the adding of a bucket that is removed.',
  Action: 'states:StopExecution',
  Resource: executionsOf('addDriver'),
};

export const LookAtUndo: Statement = {
  Sid: 'LookAtUndo',
  why: 'Looks whether an undo that is asked for again still runs.',
  Action: 'states:DescribeExecution',
  Resource: executionsOf('deprovision'),
};

export const LookAtExecutions: Statement = {
  Sid: 'LookAtExecutions',
  why: 'Finds executions that ended without an event.',
  Action: 'states:DescribeExecution',
  Resource: executionsOf('*'),
};

export const AnswerTask: Statement = {
  Sid: 'AnswerTask',
  why: 'Wakes the waiting workflow. AWS authorises the answer to a task on its state machine.',
  Action: 'states:SendTaskSuccess',
  Resource: stateMachine('provision'),
};
