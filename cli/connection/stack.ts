/** The deployed service, as CloudFormation knows it. */
import { type CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { serviceName } from './settings.ts';

export interface Stack {
  readonly name: string;
  readonly status: string;
  readonly updatedAt: Date | undefined;
  readonly outputs: Readonly<Record<string, string>>;
}

export const stackNameOf = (stage: string): string => `${serviceName}-${stage}`;

/** @throws CommandError where there is none, or it may not be seen */
export async function findStack(client: CloudFormationClient, stage: string, region: string): Promise<Stack> {
  const name = stackNameOf(stage);
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const [stack] = Stacks ?? [];
    if (!stack) throw missing(name, region);
    return {
      name,
      status: stack.StackStatus ?? 'unknown',
      updatedAt: stack.LastUpdatedTime ?? stack.CreationTime,
      outputs: Object.fromEntries(
        (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
      ),
    };
  } catch (error) {
    if (error instanceof CommandError || !(error instanceof Error)) throw error;
    if (/does not exist/.test(error.message)) throw missing(name, region);
    throw error;
  }
}

const missing = (name: string, region: string) =>
  new CommandError(exitCodes.usage, `There is no stack ${name} in ${region}.`, {
    lines: ['Name the deployment with --stage and --region, or its address with --api-url.'],
    next: 'doctor',
  });

/** @throws CommandError for a stack that is not finished */
export function apiUrlOf({ name, outputs, status }: Stack): string {
  const url = outputs['HttpApiUrl'];
  if (url) return url;
  throw new CommandError(exitCodes.usage, `The stack ${name} (${status}) has no output HttpApiUrl.`, {
    lines: ['Finish its deployment, or give the address of the API with --api-url.'],
  });
}
