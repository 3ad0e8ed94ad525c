/**
 * What the rehearsal does to the deployed service: denials on roles of functions, and functions that start anew.
 * Each is taken back, whatever happens; a run that was killed leaves them where the next one finds them.
 */
import {
  DeleteRolePolicyCommand,
  ListRolePoliciesCommand,
  NoSuchEntityException,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  GetFunctionConfigurationCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import type { AwsClients } from './stack.ts';

/** Name of the inline policy that denies; nothing else of that name is ever made. */
export const denialName = 'dataloop-cross-account-rehearsal';

/**
 * Environment variable of a function that was started anew. No code reads it; as an environment is set when a
 * function starts, AWS cannot but start it anew.
 */
export const restartVariable = 'DATALOOP_CROSS_ACCOUNT_REHEARSAL';

export interface DenyStatement {
  readonly actions: readonly string[];
  readonly resource: string;
}

export const denialDocument = ({ actions, resource }: DenyStatement) => ({
  Version: '2012-10-17',
  Statement: [{ Sid: 'Rehearsal', Effect: 'Deny', Action: actions, Resource: resource }],
});

export type Interventions = ReturnType<typeof interventions>;

type Clients = Pick<AwsClients, 'iam' | 'lambda'>;

export function interventions({ iam, lambda }: Clients) {
  /** What takes each of them back, by what it is. */
  const standing = new Map<string, () => Promise<void>>();
  const underWay = new Set<Promise<unknown>>();
  let ended = false;

  const begin = async (what: string, act: () => Promise<void>, takeBack: () => Promise<void>) => {
    if (ended) throw new Error(`${what} is not done: the rehearsal is being stopped.`);
    // Known before it is sent: an answer that is lost must not hide it.
    standing.set(what, takeBack);
    const acting = act();
    underWay.add(acting);
    try {
      await acting;
    } finally {
      underWay.delete(acting);
    }
  };

  const takeAllBack = async (): Promise<void> => {
    const failures: string[] = [];
    for (const [what, takeBack] of [...standing]) {
      try {
        await threeTimes(takeBack);
        standing.delete(what);
      } catch (error) {
        failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (failures.length > 0) {
      throw new Error(
        `Not taken back, which breaks the deployed service:\n${failures.join('\n')}\n` +
          'Run npm run rehearse again with the same options (it takes back what it finds), or do it by hand: ' +
          `aws iam delete-role-policy --policy-name ${denialName} --role-name ROLE`,
      );
    }
  };

  return {
    /** Puts the denial on a role, in place of an earlier one of ours. */
    deny: (RoleName: string, statement: DenyStatement) => {
      const policy = { RoleName, PolicyName: denialName };
      return begin(
        `The denial on the role ${RoleName}`,
        async () => {
          const PolicyDocument = JSON.stringify(denialDocument(statement));
          await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument }));
        },
        () => deleteDenial({ iam }, policy.RoleName),
      );
    },

    /** Makes a function forget what it holds in memory: with another environment it starts anew. */
    startAnew: (FunctionName: string) =>
      begin(
        `The variable ${restartVariable} of the function ${FunctionName}`,
        () => setVariable({ lambda }, FunctionName, new Date().toISOString()),
        () => setVariable({ lambda }, FunctionName, undefined),
      ),

    takeAllBack,

    /** Takes everything back, also what is being done at this moment; afterwards nothing can be done any more. */
    end: async () => {
      ended = true;
      await Promise.allSettled(underWay);
      await takeAllBack();
    },
  };
}

async function deleteDenial({ iam }: Pick<Clients, 'iam'>, RoleName: string): Promise<void> {
  try {
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: denialName }));
  } catch (error) {
    // It was never put, or an earlier try has deleted it.
    if (!(error instanceof NoSuchEntityException)) throw error;
  }
}

/** Sets the variable, or takes it away; every other one stays as it is. */
async function setVariable(
  { lambda }: Pick<Clients, 'lambda'>,
  FunctionName: string,
  value: string | undefined,
): Promise<void> {
  const updated = { client: lambda, maxWaitTime: 120, minDelay: 0.2, maxDelay: 3 };
  await waitUntilFunctionUpdatedV2(updated, { FunctionName });
  const { Environment, RevisionId } = await lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName }),
  );
  const { [restartVariable]: standing, ...others } = Environment?.Variables ?? {};
  if (standing === value) return;
  const Variables = value === undefined ? others : { ...others, [restartVariable]: value };
  // The revision: what somebody else changes meanwhile must not be overwritten.
  await lambda.send(
    new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables }, RevisionId }),
  );
  await waitUntilFunctionUpdatedV2(updated, { FunctionName });
}

async function threeTimes(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

/** Takes back what a run that was killed has left. @returns what that was */
export async function takeLeftoversBack(
  clients: Clients,
  stack: { readonly roles: readonly string[]; readonly functions: readonly string[] },
): Promise<string[]> {
  const found: string[] = [];
  for (const RoleName of stack.roles) {
    const { PolicyNames = [] } = await clients.iam.send(new ListRolePoliciesCommand({ RoleName }));
    if (!PolicyNames.includes(denialName)) continue;
    await deleteDenial(clients, RoleName);
    found.push(`the denial on the role ${RoleName}`);
  }
  for (const FunctionName of stack.functions) {
    const { Environment } = await clients.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    if (Environment?.Variables?.[restartVariable] === undefined) continue;
    await setVariable(clients, FunctionName, undefined);
    found.push(`the variable ${restartVariable} of the function ${FunctionName}`);
  }
  return found;
}
