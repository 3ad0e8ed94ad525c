/** Stacks of CloudFormation, as people deploy them from the templates in examples/. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { hangSeconds, until } from '../until.ts';
import { client } from './deployment.ts';

const cloudFormation = new CloudFormationClient(client);

export interface StackInput {
  readonly name: string;
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const inputOf = ({ name, template, parameters }: StackInput) => ({
  StackName: name,
  TemplateBody: template,
  Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
    ParameterKey,
    ParameterValue,
  })),
});

export async function createStack(input: StackInput): Promise<string> {
  const { StackId = '' } = await cloudFormation.send(new CreateStackCommand(inputOf(input)));
  return StackId;
}

export const updateStack = (input: StackInput) => cloudFormation.send(new UpdateStackCommand(inputOf(input)));

export const deleteStack = (StackName: string) => cloudFormation.send(new DeleteStackCommand({ StackName }));

/**
 * Waits until nothing more happens.
 * @param stackId of a stack that is gone its name is not enough
 */
export async function settledStack(
  stackId: string,
): Promise<{ status: string; outputs: Record<string, string> }> {
  let seen: unknown;
  return until(
    () => `${stackId}: ${JSON.stringify(seen, undefined, 1)}`,
    async () => {
      const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: stackId }));
      const [stack] = Stacks;
      seen = stack;
      if (!stack?.StackStatus || stack.StackStatus.endsWith('_IN_PROGRESS')) return undefined;
      const outputs = (stack.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]);
      return { status: stack.StackStatus, outputs: Object.fromEntries(outputs) };
    },
    { limitSeconds: hangSeconds },
  );
}

/** What the stack's events say of one resource. */
export async function reasonsOf(stackId: string, logicalResourceId: string): Promise<string[]> {
  const command = new DescribeStackEventsCommand({ StackName: stackId });
  const { StackEvents = [] } = await cloudFormation.send(command);
  return StackEvents.filter(({ LogicalResourceId }) => LogicalResourceId === logicalResourceId).flatMap(
    ({ ResourceStatusReason }) => ResourceStatusReason || [],
  );
}
