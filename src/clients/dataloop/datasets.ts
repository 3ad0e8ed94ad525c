/** Datasets, and the drivers of an integration: what a removal would cut off. Nothing else of Dataloop's asks for them. */
import * as z from 'zod';
import { dataloopIdSchema } from '../../domain/model/record.ts';
import type { DataloopApi, Dataset } from '../../domain/resources/dataloop/api.ts';
import { printable, ServiceError } from '../../errors.ts';
import { driverSchema } from './answers.ts';
import { type Dataloop, developer, ifFound } from './client.ts';

/** As many as Dataloop's own client asks for, and most pages of one project. */
const pageSize = 1_000;
export const mostPages = 20;
const longestName = 200;

/** Of a dataset without a driver of its own, Dataloop tells none. Whatever else the driver is, it must be understood. */
const datasetSchema = z
  .object({
    id: dataloopIdSchema,
    name: z.string().nullish(),
    driver: z
      .union([dataloopIdSchema, z.object({ id: dataloopIdSchema }).transform(({ id }) => id), z.literal('')])
      .nullish(),
  })
  .transform(
    ({ id, name, driver }): Dataset => ({
      id,
      name: printable(name ?? '', longestName),
      driverId: driver || undefined,
    }),
  );

const datasetPageSchema = z.object({
  items: z.array(datasetSchema).max(10 * pageSize),
  hasNextPage: z.boolean(),
});

export const listDatasets =
  ({ http }: Dataloop): DataloopApi['listDatasets'] =>
  async (projectId) => {
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
      all.push(...(found?.items ?? []));
      // A project that is gone has no datasets.
      if (!found?.hasNextPage) return all;
    }
    throw new ServiceError(
      'DataloopAnswerError',
      `Dataloop did not ${what}: it has more than ${mostPages * pageSize}, and the service reads no more.`,
    );
  };

/** What is no driver as we know it may be anything: its number is known from elsewhere. */
const driversSchema = z
  .array(z.unknown())
  .max(10_000)
  .transform((all) => all.flatMap((driver) => driverSchema.safeParse(driver).data ?? []));

export const listDriversOf =
  ({ http }: Dataloop): DataloopApi['listDriversOf'] =>
  async (dataloopIntegrationId) => {
    const all = await ifFound(
      http.send({
        method: 'GET',
        path: `/drivers?integrationId=${encodeURIComponent(dataloopIntegrationId)}`,
        schema: driversSchema,
        what: `list the drivers of integration ${dataloopIntegrationId}`,
        role: developer,
        repeatable: true,
      }),
    );
    // A Dataloop that does not know the parameter may answer with others.
    return (all ?? []).filter((driver) => driver.dataloopIntegrationId === dataloopIntegrationId);
  };
