/** Dataloop's API below `/api/v1`, as far as its public documents and its Python SDK show it. */
import type * as z from 'zod';
import {
  createDatasetSchema,
  type Datasets,
  importsSchema,
  queryDatasetsSchema,
  queryItemsSchema,
} from './datasets.ts';
import { type Member, type Platform, Refusal } from './platform.ts';
import { createIntegrationSchema, driverSchema, updateIntegrationSchema } from './schemas.ts';

export interface ApiCall {
  readonly member: Member;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** A route's answer; without a body: 204. */
type Route = (call: ApiCall, ...segments: string[]) => unknown;

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Refusal(400, `Validation failed: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

function organisationOwner({ member }: ApiCall): void {
  if (!member.organisationOwner) throw new Refusal(403, 'Only an organization owner can do this');
}

function projectDeveloper({ member }: ApiCall): void {
  if (!member.projectDeveloper) throw new Refusal(403, 'Only a project owner or developer can do this');
}

/** Routes by method and path; `{}` stands for one segment. */
export function routes(platform: Platform, datasets: Datasets): ReadonlyMap<string, Route> {
  const showOrganisation = () => ({
    ...platform.organisation,
    members: platform.members.map(({ email }) => ({ id: email, email })),
    groups: [],
  });
  const showProject = () => ({
    ...platform.project,
    org: { id: platform.organisation.id, name: platform.organisation.name },
    creator: 'owner@example.com',
    createdAt: new Date(0).toISOString(),
    featureConstraints: [],
  });
  const ofOrganisation = (call: ApiCall, orgId = '') => {
    if (orgId !== platform.organisation.id) throw new Refusal(404, `Organization ${orgId} was not found`);
    organisationOwner(call);
  };
  const project = (id = '') => {
    if (id !== platform.project.id) throw new Refusal(404, `Project ${id} was not found`);
    return showProject();
  };
  const drivers = (keep: (driver: ReturnType<Platform['showDriver']>) => boolean) =>
    [...platform.drivers.values()].map((driver) => platform.showDriver(driver)).filter(keep);

  return new Map<string, Route>([
    ['GET /users/me', ({ member }) => ({ id: member.email, email: member.email, username: member.email })],
    ['GET /orgs', () => [showOrganisation()]],
    [
      'GET /orgs/{}',
      (_call, orgId) => {
        if (orgId !== platform.organisation.id) throw new Refusal(404, `Organization ${orgId} was not found`);
        return showOrganisation();
      },
    ],
    ['GET /projects', () => [showProject()]],
    ['GET /projects/{}', (_call, id) => project(id)],
    ['GET /projects/{}/name', (_call, name) => (name === platform.project.name ? [showProject()] : [])],
    [
      'POST /orgs/{}/integrations',
      (call, orgId) => {
        ofOrganisation(call, orgId);
        const { name, type } = parse(createIntegrationSchema, call.body);
        return platform.createIntegration(name, type, call.member.email);
      },
    ],
    [
      'GET /orgs/{}/integrations',
      (call, orgId) => {
        ofOrganisation(call, orgId);
        return [...platform.integrations.values()].map((integration) =>
          platform.showIntegration(integration),
        );
      },
    ],
    [
      'PATCH /orgs/{}/integrations',
      (call, orgId) => {
        ofOrganisation(call, orgId);
        const { integrationId, name, credentials } = parse(updateIntegrationSchema, call.body);
        return platform.updateIntegration(integrationId, { name, roleArn: credentials?.options?.roleArn });
      },
    ],
    [
      'GET /orgs/{}/integrations/{}',
      (call, orgId, id = '') => {
        ofOrganisation(call, orgId);
        return platform.showIntegration(platform.integration(id));
      },
    ],
    [
      'DELETE /orgs/{}/integrations/{}',
      async (call, orgId, id = '') => {
        ofOrganisation(call, orgId);
        platform.refuseUsed(id);
        await platform.deleteIntegration(id);
        return [];
      },
    ],
    [
      'GET /integrations/{}',
      (call, id = '') => {
        organisationOwner(call);
        return platform.showIntegration(platform.integration(id));
      },
    ],
    [
      'GET /drivers',
      (call) => {
        projectDeveloper(call);
        const projectId = call.query.get('projectId');
        const integrationId = call.query.get('integrationId');
        return drivers(
          (driver) =>
            (!projectId || driver.metadata.system.projectId === projectId) &&
            (!integrationId || driver.integrationId === integrationId),
        );
      },
    ],
    [
      'POST /drivers',
      (call) => {
        projectDeveloper(call);
        return platform.createDriver(parse(driverSchema, call.body));
      },
    ],
    [
      'POST /drivers/test',
      async (call) => {
        projectDeveloper(call);
        const body = parse(driverSchema, call.body);
        platform.refuseTestBefore(body);
        await platform.testDriver(body);
      },
    ],
    [
      'GET /drivers/{}/test',
      async (call, id = '') => {
        projectDeveloper(call);
        await platform.testDriver(platform.driver(id).body);
      },
    ],
    [
      'GET /drivers/byIntegration/{}',
      (call, id) => {
        projectDeveloper(call);
        return drivers((driver) => driver.integrationId === id).length;
      },
    ],
    [
      'GET /drivers/{}',
      (call, id = '') => {
        projectDeveloper(call);
        return platform.showDriver(platform.driver(id));
      },
    ],
    [
      'PATCH /drivers/{}',
      (call, id = '') => {
        projectDeveloper(call);
        const driver = platform.driver(id);
        driver.body = parse(driverSchema, { ...driver.body, ...(call.body as object) });
        return platform.showDriver(driver);
      },
    ],
    [
      'DELETE /drivers/{}',
      (call, id = '') => {
        projectDeveloper(call);
        const { integrationId = '' } = platform.driver(id).body;
        if (platform.driverInUse(integrationId) === 'refused') datasets.refuseUsed(id);
        platform.drivers.delete(id);
      },
    ],
    ...datasetRoutes(datasets, project),
  ]);
}

/** What a developer of the project may do with its datasets. */
function datasetRoutes(datasets: Datasets, project: (id: string) => unknown): [string, Route][] {
  const all: [string, Route][] = [
    [
      'POST /datasets',
      ({ body, member }) => {
        const wanted = parse(createDatasetSchema, body);
        for (const id of wanted.projects) project(id);
        return datasets.create(wanted, member.email);
      },
    ],
    ['POST /datasets/query', ({ body }) => datasets.query(parse(queryDatasetsSchema, body))],
    ['GET /datasets/{}', (_call, id = '') => datasets.show(datasets.get(id))],
    ['DELETE /datasets/{}', (_call, id = '') => datasets.delete(id)],
    ['POST /datasets/{}/sync', (_call, id = '') => datasets.sync(id)],
    ['POST /datasets/{}/imports', ({ body }, id = '') => datasets.import(id, parse(importsSchema, body))],
    ['POST /datasets/{}/query', ({ body }, id = '') => datasets.items(id, parse(queryItemsSchema, body))],
    ['DELETE /items/{}', (_call, id = '') => datasets.deleteItem(id)],
    ['GET /commands/{}', (_call, id = '') => datasets.command(id)],
  ];
  return all.map(([name, route]) => [
    name,
    (call, ...segments) => {
      projectDeveloper(call);
      return route(call, ...segments);
    },
  ]);
}

/** The route of a request and the values of its `{}`. */
export function findRoute(
  all: ReadonlyMap<string, Route>,
  method: string,
  path: string,
): { route: Route; segments: string[] } | undefined {
  const parts = path.split('/').map(decodeURIComponent);
  const fits = [...all]
    .map(([pattern, route]) => {
      const [wantedMethod, wantedPath = ''] = pattern.split(' ');
      const wanted = wantedPath.split('/');
      const segments = parts.filter((_part, index) => wanted[index] === '{}');
      const same =
        wantedMethod === method &&
        wanted.length === parts.length &&
        wanted.every((part, index) => part === '{}' || part === parts[index]);
      return same ? { route, segments } : undefined;
    })
    .filter((fit) => fit !== undefined);
  // `/drivers/test` fits `/drivers/{}` too: the fewer placeholders, the better.
  return fits.sort((a, b) => a.segments.length - b.segments.length)[0];
}

/** Name of the integration that a request belongs to; empty where it belongs to none. */
export function integrationNameOf(platform: Platform, path: string, body: unknown): string {
  const given = body as { name?: string; integrationId?: string } | undefined;
  const byId = (id: string | undefined) => platform.integrations.get(id ?? '')?.name ?? '';
  if (path.startsWith('/drivers')) {
    const [, , id] = path.split('/');
    return byId(given?.integrationId ?? platform.drivers.get(id ?? '')?.body.integrationId);
  }
  const [, , , , id] = path.split('/');
  return byId(given?.integrationId ?? id) || (given?.name ?? '');
}
