/** Datasets, and the drivers of an integration: what a removal would cut off, and the dataset of a request. */
import * as z from 'zod';
import { dataloopIdSchema } from '../../domain/model/record.ts';
import type { DataloopApi, Dataset, SyncCommand } from '../../domain/resources/dataloop/api.ts';
import { ServiceError } from '../../errors.ts';
import { driverSchema, shownName } from './answers.ts';
import { type Dataloop, deleteAt, developer, getProject, ifFound } from './client.ts';
import { notAsDocumented, saidBy } from './http.ts';
import { wholeList } from './lists.ts';
import { ifNameTaken } from './refusals.ts';

/** As many as Dataloop's own client asks for, and most pages of one project. */
const pageSize = 1_000;
export const mostPages = 20;

/** Of a dataset without a driver of its own, Dataloop tells none. Whatever else the driver is, it must be understood. */
const datasetSchema = z
  .object({
    id: dataloopIdSchema,
    name: shownName.nullish(),
    driver: z
      .union([dataloopIdSchema, z.object({ id: dataloopIdSchema }).transform(({ id }) => id), z.literal('')])
      .nullish(),
  })
  .transform(
    ({ id, name, driver }): Dataset => ({
      id,
      name: name ?? '',
      driverId: driver || undefined,
    }),
  );

const datasetPageSchema = z.object({
  items: z.array(datasetSchema).max(10 * pageSize),
  hasNextPage: z.boolean(),
});

export const listDatasets =
  (dataloop: Dataloop): DataloopApi['listDatasets'] =>
  async (projectId) => {
    const { http } = dataloop;
    const what = `list the datasets of project ${projectId}`;
    const all: Dataset[] = [];
    for (let page = 0; page < mostPages; page += 1) {
      const found = await ifFound(
        http.send({
          method: 'POST',
          path: '/datasets/query',
          body: () => ({
            filter: { $and: [] },
            page,
            pageSize,
            resource: 'datasets',
            context: { projects: [projectId] },
          }),
          schema: datasetPageSchema,
          what,
          role: developer,
          repeatable: true,
        }),
      );
      if (!found) {
        // A project that is gone has no datasets. One that is there may have some, whatever was not found.
        if ((await ifFound(getProject(dataloop)(projectId))) === undefined) return all;
        throw notAsDocumented(what, 'that there is no such project or call (404), but the project is there');
      }
      all.push(...found.items);
      if (!found.hasNextPage) return all;
    }
    throw new ServiceError(
      'DataloopAnswerError',
      `Dataloop did not ${what}: it has more than ${mostPages * pageSize}, and the service reads no more.`,
    );
  };

export const listDriversOf =
  ({ http }: Dataloop): DataloopApi['listDriversOf'] =>
  async (dataloopIntegrationId) => {
    const all = await ifFound(
      wholeList(http, {
        method: 'GET',
        path: `/drivers?integrationId=${encodeURIComponent(dataloopIntegrationId)}`,
        what: `list the drivers of integration ${dataloopIntegrationId}`,
        role: developer,
        repeatable: true,
      }),
    );
    // What is no driver as we know it may be anything: its number is known from elsewhere.
    const drivers = (all ?? []).flatMap((driver) => driverSchema.safeParse(driver).data ?? []);
    // A Dataloop that does not know the parameter may answer with others.
    return drivers.filter((driver) => driver.dataloopIntegrationId === dataloopIntegrationId);
  };

const ofDataset = (datasetId: string) => `/datasets/${encodeURIComponent(datasetId)}`;

export const createDataset =
  ({ http }: Dataloop): DataloopApi['createDataset'] =>
  ({ name, projectId, driverId }) =>
    http.send({
      method: 'POST',
      path: '/datasets',
      body: () => ({ name, projects: [projectId], createDefaultRecipe: true, driver: driverId }),
      schema: datasetSchema,
      what: `create the dataset "${name}"`,
      role: developer,
      repeatable: false,
      takesLong: true,
      refused: ifNameTaken('DatasetNameTakenError', `the dataset "${name}"`, 'Choose another dataset.name.'),
    });

/** In these a command has ended. In any other, also in one that is not known today, it has not. */
const failedStatuses: readonly string[] = ['failed', 'timeout', 'canceled', 'aborted'];

/** Whatever else Dataloop tells of a command, or does not. */
const commandSchema = z
  .object({
    id: dataloopIdSchema.optional().catch(undefined),
    status: z.string().optional().catch(undefined),
    error: z.unknown().optional(),
  })
  .catch({})
  .transform(({ id, status = '', error }): SyncCommand => {
    const ended = failedStatuses.includes(status) ? 'failed' : 'running';
    const told = saidBy(JSON.stringify(typeof error === 'string' ? { message: error } : (error ?? {})));
    return {
      id,
      status: status === 'success' ? 'succeeded' : ended,
      reason: `${status || 'unknown'}: ${told}`,
    };
  });

/** Again, it finds nothing new: so it may be sent twice. */
export const syncDataset =
  ({ http }: Dataloop): DataloopApi['syncDataset'] =>
  (datasetId) =>
    http.send({
      method: 'POST',
      path: `${ofDataset(datasetId)}/sync`,
      schema: commandSchema,
      what: `sync the dataset ${datasetId}`,
      role: developer,
      repeatable: true,
      takesLong: true,
    });

export const getSyncCommand =
  ({ http }: Dataloop): DataloopApi['getSyncCommand'] =>
  async (commandId) => {
    const command = await ifFound(
      http.send({
        method: 'GET',
        path: `/commands/${encodeURIComponent(commandId)}`,
        schema: commandSchema,
        what: `tell how the command ${commandId} stands`,
        role: developer,
        repeatable: true,
      }),
    );
    return command ?? { id: commandId, status: 'running', reason: 'Dataloop does not show the command' };
  };

const countSchema = z
  .object({ totalItemsCount: z.number().int().nonnegative() })
  .transform(({ totalItemsCount }) => totalItemsCount);

/** As Dataloop's own client asks: files that are not hidden. */
export const countItems =
  ({ http }: Dataloop): DataloopApi['countItems'] =>
  (datasetId) =>
    http.send({
      method: 'POST',
      path: `${ofDataset(datasetId)}/query`,
      body: () => ({
        filter: { $and: [{ hidden: false }, { type: 'file' }] },
        page: 0,
        pageSize: 1,
        resource: 'items',
      }),
      schema: countSchema,
      what: `count the items of dataset ${datasetId}`,
      role: developer,
      repeatable: true,
    });

export const deleteDataset =
  ({ http }: Dataloop): DataloopApi['deleteDataset'] =>
  (datasetId) =>
    deleteAt(http, ofDataset(datasetId), { what: `delete dataset ${datasetId}`, role: developer });
