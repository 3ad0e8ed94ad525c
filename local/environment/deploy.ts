/** The real `serverless deploy` into the local environment, from a working copy of its own. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { projectRoot } from './paths.ts';
import { run } from './processes.ts';
import type { LocalEnvironment } from './start.ts';

const service = 'dataloop-cross-account';

const outputsSchema = z.object({
  HttpApiId: z.string(),
  ProvisionStateMachineArn: z.string(),
  AddDriverStateMachineArn: z.string(),
  DeprovisionStateMachineArn: z.string(),
  EventBusName: z.string(),
  TableName: z.string(),
  PermissionsBoundaryArn: z.string(),
});

export interface Deployment {
  readonly apiUrl: string;
  readonly outputs: z.infer<typeof outputsSchema>;
  /** The CloudFormation template as packaged. */
  readonly templateFile: string;
  readonly stage: string;
}

/** What `serverless deploy` reads; two runs in one checkout would overwrite each other's package. */
const sources = [
  'serverless.yml',
  'package.json',
  'tsconfig.json',
  'functions',
  'src',
  'statemachines',
  'resources',
];

const workingCopy = ({ folder }: Pick<LocalEnvironment, 'folder'>) => join(folder, 'service');
const templateIn = (work: string) => join(work, '.serverless', 'cloudformation-template-update-stack.json');

async function copySources(work: string): Promise<void> {
  await mkdir(work, { recursive: true });
  await Promise.all(
    sources.map((name) => cp(join(projectRoot, name), join(work, name), { recursive: true })),
  );
  await symlink(join(projectRoot, 'node_modules'), join(work, 'node_modules'));
}

/** Folder with the functions' zip files, which every further deployment into an environment takes. */
export const bundlesIn = (folder: string): string => join(folder, 'bundles');
const reuseBundles = 'reuse-bundles.cjs';

/**
 * From now on the functions of a working copy are not bundled again, which takes longer than all the rest.
 * @param bundles folder with the zip files that they were bundled into
 */
async function keepBundles(bundles: string, work: string): Promise<void> {
  const plugin = `module.exports = class {
  constructor(serverless) {
    this.hooks = {
      initialize: () => {
        for (const [name, settings] of Object.entries(serverless.service.functions)) {
          const artifact = \`${bundles}/\${name}.zip\`;
          Object.assign(settings, { package: { artifact } });
        }
      },
    };
  }
};
`;
  await writeFile(join(work, reuseBundles), plugin);
  const settings = join(work, 'serverless.yml');
  const text = await readFile(settings, 'utf8');
  const changed = text.replace('\n  - serverless-esbuild\n', `\n  - ./${reuseBundles}\n`);
  if (changed === text) throw new Error('serverless.yml does not name serverless-esbuild as it did.');
  await writeFile(settings, changed);
}

/** Runs `serverless`, if not told otherwise in the working copy that {@link deployService} made. */
export async function runServerless(
  environment: Pick<LocalEnvironment, 'folder' | 'sandbox' | 'env'>,
  command: 'deploy' | 'remove' | 'package',
  stage: string,
  params: Readonly<Record<string, string | number>> = {},
  work = workingCopy(environment),
): Promise<void> {
  const { folder, sandbox, env } = environment;
  const all = { dataloopApiUrl: sandbox.apiUrl, dataloopAccountId: sandbox.accountId, ...params };
  await run(
    `serverless ${command}`,
    join(projectRoot, 'node_modules', '.bin', 'serverless'),
    [command, '--stage', stage, ...Object.entries(all).map(([name, value]) => `--param=${name}=${value}`)],
    {
      cwd: work,
      logFile: join(folder, `${command}.log`),
      env: { ...env, TMPDIR: join(folder, 'tmp'), CI: 'true' },
    },
  );
}

/** Packages the service for a stage without deploying it. @returns the file of its template */
export async function packageService(
  environment: Pick<LocalEnvironment, 'folder' | 'sandbox' | 'env'>,
  stage: string,
  params: Readonly<Record<string, string | number>>,
): Promise<string> {
  const work = join(environment.folder, `packaged-${stage}`);
  await copySources(work);
  const bundles = bundlesIn(environment.folder);
  if (existsSync(bundles)) await keepBundles(bundles, work);
  await runServerless(environment, 'package', stage, params, work);
  return templateIn(work);
}

/**
 * @param packaged folder in which somebody has bundled the functions already, for whatever account
 * @param settings what stands in the file of the stage
 */
export async function deployService(
  environment: LocalEnvironment,
  stage: string,
  params: Readonly<Record<string, string | number>> = {},
  packaged?: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Deployment> {
  const { sandbox, region, endpointUrl, credentials } = environment;
  const work = workingCopy(environment);
  const bundles = bundlesIn(environment.folder);
  await copySources(work);
  if (Object.keys(settings).length > 0) {
    await mkdir(join(work, 'stages'));
    // JSON is YAML.
    await writeFile(join(work, 'stages', `${stage}.yml`), JSON.stringify(settings, undefined, 2));
  }
  if (packaged) {
    await cp(packaged, bundles, { recursive: true });
    await keepBundles(bundles, work);
  }

  const client = { region, endpoint: endpointUrl, credentials };
  await new SecretsManagerClient(client).send(
    new CreateSecretCommand({
      Name: `${service}/${stage}/dataloop`,
      SecretString: JSON.stringify({ apiKey: sandbox.token }),
      KmsKeyId: settings['secretKeyArn'],
    }),
  );
  await runServerless(environment, 'deploy', stage, params);
  if (!packaged) {
    await cp(join(work, '.serverless'), bundles, { recursive: true });
    await keepBundles(bundles, work);
  }

  const { Stacks } = await new CloudFormationClient(client).send(
    new DescribeStacksCommand({ StackName: `${service}-${stage}` }),
  );
  const outputs = outputsSchema.parse(
    Object.fromEntries(
      (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
    ),
  );
  return {
    apiUrl: `${endpointUrl}/_aws/execute-api/${outputs.HttpApiId}`,
    outputs,
    templateFile: templateIn(work),
    stage,
  };
}
