/** The state machines as files in the Amazon States Language, for Workflow Studio. */
import { stateMachines } from '../statemachines/machines.ts';

/** The default of the parameter in serverless.yml. */
const iamUserTimeoutSeconds = 3600;

/**
 * Names and texts of the files. They say what is deployed with the default parameters; ARNs of functions are
 * placeholders such as `${CreateBucketFunctionArn}`, which CloudFormation replaces.
 */
export function aslFiles(): { readonly name: string; readonly text: string }[] {
  const { provision, addDriver, deprovision } = stateMachines({ iamUserTimeoutSeconds });
  return [
    { name: 'provision.asl.json', text: textOf(provision) },
    { name: 'add-driver.asl.json', text: textOf(addDriver) },
    { name: 'deprovision.asl.json', text: textOf(deprovision) },
  ];
}

const textOf = ({ Definition }: { readonly Definition: object }): string =>
  `${JSON.stringify(Definition, undefined, 2)}\n`;
