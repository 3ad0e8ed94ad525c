/**
 * What the rehearsal changes about the deployed service: denials on roles of functions, and restarts of functions. Each
 * change is undone, whatever happens; the next run finds the changes of a run that was killed.
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

/** Name of the inline policy that denies. Nothing else uses this name. */
export const denialName = 'dataloop-cross-account-rehearsal';

/**
 * Environment variable of a restarted function. No code reads it, but AWS has to restart a function to change its
 * environment.
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

/** A change of the deployed service could not be undone: every later step would meet it. */
export class ServiceLeftBroken extends Error {
  override readonly name = 'ServiceLeftBroken';
}

export type Interventions = ReturnType<typeof interventions>;

type Clients = Pick<AwsClients, 'iam' | 'lambda'>;

export function interventions({ iam, lambda }: Clients) {
  /** How to undo each change, by its name. */
  const changes = new Map<string, () => Promise<void>>();
  const underWay = new Set<Promise<unknown>>();
  let ended = false;

  const begin = async (what: string, act: () => Promise<void>, takeBack: () => Promise<void>) => {
    if (ended) throw new Error(`${what} was not set: the rehearsal is stopping.`);
    // Before it is sent, because the answer may get lost.
    changes.set(what, takeBack);
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
    for (const [what, takeBack] of [...changes]) {
      try {
        await threeTimes(takeBack);
        changes.delete(what);
      } catch (error) {
        failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (failures.length > 0) {
      throw new ServiceLeftBroken(
        'The deployed service is broken until these changes are undone, which failed:\n' +
          `${failures.map((failure) => `  ${failure}`).join('\n')}\n` +
          'Run npm run rehearse again with the same options: it undoes them. Or delete each denial yourself:\n' +
          `  aws iam delete-role-policy --policy-name ${denialName} --role-name ROLE`,
      );
    }
  };

  return {
    /** Puts the denial on a role, replacing an earlier one of ours. */
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

    /** Makes a function forget its memory: a changed environment restarts it. */
    startAnew: (FunctionName: string) =>
      begin(
        `The variable ${restartVariable} of the function ${FunctionName}`,
        () => setVariable({ lambda }, FunctionName, new Date().toISOString()),
        () => setVariable({ lambda }, FunctionName, undefined),
      ),

    takeAllBack,

    /** Undoes everything, changes under way included; later changes are refused. */
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
    // It was never created, or an earlier attempt has deleted it.
    if (!(error instanceof NoSuchEntityException)) throw error;
  }
}

/** Sets the variable, or removes it; all others stay as they are. */
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
  const { [restartVariable]: current, ...others } = Environment?.Variables ?? {};
  if (current === value) return;
  const Variables = value === undefined ? others : { ...others, [restartVariable]: value };
  // The revision id keeps us from overwriting a concurrent change.
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

/** Undoes the changes of a run that was killed. @returns what they were */
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
