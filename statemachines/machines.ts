/** The three state machines with what CloudFormation needs to know about them. resources/workflow.yml takes it from here. */
import { addDriver } from './add-driver.ts';
import type { StateMachine, States } from './asl.ts';
import { deprovision } from './deprovision.ts';
import { provision, type Waits } from './provision.ts';

export type Parameters = Pick<Waits, 'iamUserTimeoutSeconds'> & Partial<Waits>;

/** The defaults of serverless.yml. */
const usual = { trustSeconds: 240, driverTestSeconds: 60 } as const;

/** @returns each state machine with its functions' ARNs: one by one for its definition, as a list for its role */
export function stateMachines(parameters: Parameters) {
  const waits = { ...usual, ...parameters };
  return {
    provision: withFunctions(provision(waits)),
    addDriver: withFunctions(addDriver(waits.driverTestSeconds)),
    deprovision: withFunctions(deprovision),
  };
}

function withFunctions(Definition: StateMachine) {
  const functions = stepsOf(Definition.States).map((name) => ({
    name,
    arn: { 'Fn::GetAtt': [`${name}LambdaFunction`, 'Arn'] },
  }));
  return {
    Definition,
    DefinitionSubstitutions: {
      Partition: { Ref: 'AWS::Partition' },
      ...Object.fromEntries(functions.map(({ name, arn }) => [`${name}FunctionArn`, arn])),
    },
    functionArns: functions.map(({ arn }) => arn),
  };
}

/** The names of all Task states, those of branches, too. Each calls the function of its name. */
export function stepsOf(states: States): string[] {
  return Object.entries(states).flatMap(([name, state]) => {
    if (state.Type === 'Parallel') return state.Branches.flatMap((branch) => stepsOf(branch.States));
    return state.Type === 'Task' ? [name] : [];
  });
}
