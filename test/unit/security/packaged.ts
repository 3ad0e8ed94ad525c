/** The roles of the stack as serverless.yml resolves them for given parameters, without packaging the functions. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { projectRoot } from '../../../local/environment/paths.ts';
import { accountId, region, resolved, type Template } from '../../security/resolve.ts';

export const stage = 'unit';
const name = `dataloop-cross-account-${stage}`;
export const deploymentBucket = `${name}-serverlessdeploymentbucket-1a2b3c4d5e6f`;
export const boundaryArn = `arn:aws:iam::${accountId}:policy/${name}-boundary`;

const printedSchema = z.object({
  functions: z.record(z.string(), z.unknown()),
  resources: z.object({
    Conditions: z.record(z.string(), z.unknown()),
    Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.unknown() })),
  }),
});

const bin = (program: string) => join(projectRoot, 'node_modules', '.bin', program);

/** @param params of the deployment that are not as by default */
export async function packagedWith(params: Readonly<Record<string, string>>): Promise<Template> {
  const given = Object.entries(params).map(([parameter, value]) => `--param=${parameter}=${value}`);
  const { stdout } = await promisify(execFile)(
    bin('node'),
    [bin('serverless'), 'print', '--format', 'json', '--stage', stage, '--region', region, ...given],
    { cwd: projectRoot, maxBuffer: 10_000_000 },
  );
  const { functions, resources } = printedSchema.parse(JSON.parse(stdout));
  // The framework itself makes these.
  const made = Object.keys(functions).map((id) => [
    `${id.charAt(0).toUpperCase()}${id.slice(1)}LambdaFunction`,
    { Type: 'AWS::Lambda::Function', Properties: {} },
  ]);
  return { ...resources, Resources: { ...resources.Resources, ...Object.fromEntries(made) } };
}

const physicalIds: Readonly<Record<string, string>> = {
  PermissionsBoundary: boundaryArn,
  ServerlessDeploymentBucket: deploymentBucket,
};

export const resolvedAsDeployed = (template: Template) =>
  resolved(template, (logicalId) => physicalIds[logicalId] ?? `${name}-${logicalId}`);
