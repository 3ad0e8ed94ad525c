/** What a refusal of Dataloop means: it has no codes of its own, only its words tell. */
import { type ErrorName, ServiceError } from '../../errors.ts';

/** Refusals that may mean anything. */
const mayMeanAnything = (status: number): boolean =>
  status >= 400 && status < 500 && ![401, 404, 408, 429].includes(status);

const taken =
  /\b(already (exists?|in use|used|taken)|name\b.{0,100}\b(exists|is taken|in use)|exists already|duplicated?|(not|(must|should) be) unique)\b/i;

const isNameTaken = (status: number, said: string): boolean => mayMeanAnything(status) && taken.test(said);

/** @param what Dataloop did not create. @param advice what people can do about it */
export const ifNameTaken =
  (error: ErrorName, what: string, advice: string) =>
  (status: number, said: string): ServiceError | undefined =>
    isNameTaken(status, said)
      ? new ServiceError(error, `Dataloop did not create ${what} (${status}: ${said}). ${advice}`)
      : undefined;

/** The name carries our id: so an earlier attempt, whose answer was lost, has made it. A conflict can be of nothing else. */
export function integrationExists(status: number, said: string, name: string): ServiceError | undefined {
  if (status !== 409 && !isNameTaken(status, said)) return undefined;
  return new ServiceError(
    'EarlierCallOpenError',
    `Dataloop says that the integration "${name}" exists already (${status}: ${said}), but does not list it yet.`,
  );
}

export function limitReached(
  status: number,
  said: string,
  organizationId: string,
  limit: number,
): ServiceError | undefined {
  if (!mayMeanAnything(status) || !/\b(limit|quota|maximum|exceed)/i.test(said)) return undefined;
  return new ServiceError(
    'DataloopIntegrationLimitError',
    `Organisation ${organizationId} has reached Dataloop's limit of cross-account integrations (${limit} by default). ` +
      `Dataloop said "${said}" (${status}). Delete one that nobody uses, or ask Dataloop's support for more, then send the request again.`,
  );
}
