/**
 * What Dataloop's answers must look like. Dataloop, or who speaks in its name, chooses every text: each has a length and
 * a character set, and each list an end, before anything reads it.
 */
import * as z from 'zod';
import { type DataloopOptions, usualDataloopOptions } from '../../config.ts';
import { dataloopIdSchema } from '../../domain/model/record.ts';
import {
  type DataloopIntegration,
  type Driver,
  trustEstablished,
  waitingForTrust,
} from '../../domain/resources/dataloop/api.ts';
import { printable } from '../../errors.ts';

/** Longer than any that is understood, so that what is cut is still refused where it matters. */
const longest = { name: 200, userArn: 300, path: 600, word: 100 } as const;
/** Most members of the metadata of an integration. */
const mostMetadata = 100;

/**
 * A text that people see. Others' names are as they are, so none is refused: one that is too long or has hidden characters
 * is made fit to show, and ends with "…". No name or ARN of ours has that character, so it is taken for none of them.
 */
const shown = (length: number) =>
  z.string().transform((text) => {
    const fit = printable(text, length);
    return fit === text ? text : `${printable(text.slice(0, length - 1), length)}…`;
  });

/** A name as Unicode composes it, so that it can be compared with ours, however Dataloop spells it. */
export const shownName = z
  .string()
  // Decomposed, a letter has some characters: what is longer than that is too long in any case.
  .transform((text) => (text.length > 5 * longest.name ? text : text.normalize('NFC')))
  .pipe(shown(longest.name));

/** Which items have a value depends on their names. Integrations of other types have other metadata, or none. */
const metadataItemSchema = z.object({ name: z.string(), value: z.string().min(1) });
const metadataSchema = z
  .unknown()
  .optional()
  .transform((all) => (Array.isArray(all) ? all.slice(0, mostMetadata) : []))
  .transform((all) => all.flatMap((item) => metadataItemSchema.safeParse(item).data ?? []));

const integrationAnswerSchema = z.object({
  id: dataloopIdSchema,
  name: shownName,
  type: shown(longest.word).nullish(),
  metadata: metadataSchema,
});

/** @param statuses what Dataloop says of an integration; the deployment may name more that mean the same */
export const integrationSchema = (
  statuses: Pick<DataloopOptions, 'trustedStatuses' | 'waitingStatuses'> = usualDataloopOptions,
): z.ZodType<DataloopIntegration> =>
  integrationAnswerSchema.transform(({ id, name, type, metadata }): DataloopIntegration => {
    const saidOf = (key: string, length: number) =>
      shown(length).safeParse(metadata.find((item) => item.name === key)?.value).data;
    const status = saidOf('status', longest.word);
    return {
      id,
      name,
      type: type ?? undefined,
      userArn: saidOf('userArn', longest.userArn),
      trustStatus: meaning(status, statuses),
    };
  });

const toldOfIntegration: readonly string[] = ['userArn', 'status'];
const headSchema = z.object({ type: z.unknown().optional(), metadata: z.unknown().optional() });
const valueSchema = z.object({ name: z.string(), value: z.unknown().optional() });

/**
 * The same of the answer about one integration. Where it does not tell user or state yet, that is so; where it tells them in
 * another form, waiting would not help.
 */
export const oneIntegrationSchema = (
  type: string,
  statuses: Pick<DataloopOptions, 'trustedStatuses' | 'waitingStatuses'>,
): z.ZodType<DataloopIntegration> =>
  z
    .unknown()
    .superRefine((answer, context) => {
      const { type: found, metadata } = headSchema.safeParse(answer).data ?? {};
      if (metadata === undefined || metadata === null || (typeof found === 'string' && found !== type))
        return;
      const isReadable =
        Array.isArray(metadata) &&
        metadata.slice(0, mostMetadata).every((item) => {
          const { name = '', value } = valueSchema.safeParse(item).data ?? {};
          return !toldOfIntegration.includes(name) || typeof (value ?? '') === 'string';
        });
      if (!isReadable) context.addIssue({ code: 'custom', path: ['metadata'], message: 'has another form' });
    })
    .pipe(integrationSchema(statuses));

function meaning(
  status: string | undefined,
  { trustedStatuses, waitingStatuses }: Pick<DataloopOptions, 'trustedStatuses' | 'waitingStatuses'>,
): string | undefined {
  if (status === undefined) return undefined;
  if (trustedStatuses.includes(status)) return trustEstablished;
  if (waitingStatuses.includes(status)) return waitingForTrust;
  // One that the deployment counts no more must not pass for the other.
  return status === trustEstablished || status === waitingForTrust ? `${status} (not counted)` : status;
}

export const driverSchema = z
  .object({
    id: dataloopIdSchema,
    name: shownName,
    integrationId: shown(longest.name).nullish(),
    metadata: z
      .object({ system: z.object({ projectId: dataloopIdSchema }) })
      .optional()
      .catch(undefined),
    bucketName: shown(longest.name).nullish(),
    region: shown(longest.word).nullish(),
    path: shown(longest.path).nullish(),
    allowExternalDelete: z.boolean().nullish(),
  })
  .transform(
    ({ id, name, integrationId, metadata, bucketName, region, path, allowExternalDelete }): Driver => ({
      id,
      name,
      dataloopIntegrationId: integrationId ?? undefined,
      ...(metadata ? { projectId: metadata.system.projectId } : {}),
      ...(bucketName ? { bucketName } : {}),
      ...(region ? { region } : {}),
      // With or without slashes at its ends.
      ...(typeof path === 'string' ? { path: path.split('/').filter(Boolean).join('/') } : {}),
      ...(typeof allowExternalDelete === 'boolean' ? { allowExternalDelete } : {}),
    }),
  );

export const projectSchema = z
  .object({
    id: dataloopIdSchema,
    org: z.union([dataloopIdSchema, z.object({ id: dataloopIdSchema }).transform(({ id }) => id)]).nullish(),
  })
  .transform(({ id, org }) => ({ id, organizationId: org ?? undefined }));
