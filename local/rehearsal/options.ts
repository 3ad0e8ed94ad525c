/** The options of `npm run rehearse`: none for the local environment, or the stage to rehearse. */
import { parseArgs } from 'node:util';
import { type StepName, stepNames } from '../../src/domain/model/steps.ts';

export const usage = `npm run rehearse
  starts a local AWS and the Dataloop sandbox, deploys the service, and
  rehearses there
npm run rehearse -- --stage STAGE --region REGION --project PROJECT_ID
  rehearses a deployed stage with the AWS credentials of your environment

  --stage     the deployed stage; choose one that nobody works with
  --region    its region (default: AWS_REGION)
  --project   a Dataloop project in which drivers may be created
              (default: DATALOOP_PROJECT_ID)
  --api-url   the API's URL, if it has its own domain (default: API_URL)
  --only      rehearse this step only; repeat the option for several steps

To check Dataloop's side as well, set DATALOOP_TOKEN and DATALOOP_ORG_ID, and
DATALOOP_API_URL if the API is not Dataloop's own. Run one rehearsal at a time.`;

export interface DeployedOptions {
  readonly stage: string;
  readonly region: string;
  readonly projectId: string;
  readonly apiUrl: string | undefined;
  /** An AWS-compatible endpoint in place of AWS. */
  readonly endpoint: string | undefined;
  readonly dataloop: { readonly apiUrl: string; readonly token: string; readonly orgId: string } | undefined;
}

export interface Options {
  /** A deployed stage; undefined: deploy one to a local environment. */
  readonly deployed: DeployedOptions | undefined;
  readonly only: readonly StepName[];
}

type Env = Readonly<Record<string, string | undefined>>;

const isStep = (name: string): name is StepName => stepNames.some((step) => step === name);

/** @throws Error that says what is wrong, and what to do */
export function parseOptions(args: readonly string[], env: Env): Options | 'help' {
  const { values } = parsed(args);
  if (values.help) return 'help';
  const only = (values.only ?? []).map((name) => {
    if (isStep(name)) return name;
    throw new Error(`Unknown step "${name}" (--only). The steps are ${stepNames.join(', ')}.`);
  });
  const taken = env['npm_config_stage'];
  if (taken) {
    throw new Error(
      `npm has taken "--stage=${taken}" for itself. In PowerShell put quotes around the first "--".`,
    );
  }
  if (values.stage === undefined) {
    const given = (['region', 'project', 'api-url'] as const).filter((name) => values[name] !== undefined);
    if (given.length > 0) throw new Error(`--${given[0]} applies only to a deployed stage. Add --stage.`);
    return { deployed: undefined, only };
  }
  return { deployed: deployedOptions({ ...values, stage: values.stage }, env), only };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        stage: { type: 'string' },
        region: { type: 'string' },
        project: { type: 'string' },
        'api-url': { type: 'string' },
        only: { type: 'string', multiple: true },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`, {
      cause: error,
    });
  }
}

function deployedOptions(
  values: {
    readonly stage: string;
    readonly region?: string | undefined;
    readonly project?: string | undefined;
    readonly 'api-url'?: string | undefined;
  },
  env: Env,
): DeployedOptions {
  const { stage } = values;
  if (!/^[a-z][a-z0-9]{0,14}$/.test(stage)) {
    throw new Error(
      `Invalid stage "${stage}": use a lower-case letter, then at most 14 lower-case letters and digits.`,
    );
  }
  if (/^(prod|prd|live)/.test(stage)) {
    throw new Error(
      `Stage "${stage}" looks like production, and a rehearsal makes each step fail for everybody for a while. ` +
        'Deploy the same version to another stage, best in a sandbox account, and rehearse that one.',
    );
  }
  return {
    stage,
    region: required(
      values.region || env['AWS_REGION'] || env['AWS_DEFAULT_REGION'],
      '--region (or AWS_REGION)',
    ),
    projectId: required(
      values.project || env['DATALOOP_PROJECT_ID'],
      '--project (or DATALOOP_PROJECT_ID): the id of a Dataloop project in which drivers may be created',
    ),
    apiUrl: (values['api-url'] || env['API_URL'] || undefined)?.replace(/\/$/, ''),
    endpoint: env['AWS_ENDPOINT_URL'] || undefined,
    dataloop: dataloopOptions(env),
  };
}

function required(value: string | undefined, what: string): string {
  if (value) return value;
  throw new Error(`Missing ${what}.\n\n${usage}`);
}

function dataloopOptions(env: Env): DeployedOptions['dataloop'] {
  const token = env['DATALOOP_TOKEN'];
  if (!token) return undefined;
  const apiUrl = env['DATALOOP_API_URL'] || 'https://gate.dataloop.ai/api/v1';
  const orgId = required(env['DATALOOP_ORG_ID'], 'DATALOOP_ORG_ID, which DATALOOP_TOKEN requires');
  return { apiUrl: apiUrl.replace(/\/$/, ''), token, orgId };
}
