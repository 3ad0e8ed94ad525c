/** The trust policy of an adopted role: one statement is ours, the others are not touched. */
import * as z from 'zod';
import { parseJson, sameJson } from '../../model/canonical-json.ts';
import type { DesiredState } from '../../model/desired-state.ts';

const objectSchema = z.record(z.string(), z.unknown());
type Statement = z.infer<typeof objectSchema>;
const statementsSchema = z.union([z.array(objectSchema), objectSchema.transform((one) => [one])]);

/** Undefined for a text that is no policy. */
export function parseTrustPolicy(text: string) {
  const document = objectSchema.safeParse(parseJson(text)).data;
  const statements = statementsSchema.safeParse(document?.['Statement']).data;
  return document && statements && { document, statements };
}
export type TrustPolicy = NonNullable<ReturnType<typeof parseTrustPolicy>>;

export const withStatements = ({ document }: TrustPolicy, Statement: readonly Statement[]): string =>
  JSON.stringify({ ...document, Statement });

/** Sid of the statement that an adopted role gets, with an id or what stands for it. */
export const sidWith = (id: string): string => `Dataloop${id}`;

/** That of an integration; IAM takes letters and digits only. */
export const adoptedSid = ({ recordId: integrationId }: Pick<DesiredState, 'recordId'>): string =>
  sidWith(integrationId.replace(/[^A-Za-z0-9]/g, ''));

/**
 * What IAM puts in the place of an ARN once its user (AIDA…) or role (AROA…) is deleted, as Dataloop does with an
 * integration. It takes no policy that names one.
 */
const deletedPrincipal = /^A(?:IDA|ROA|GPA|IPA)[A-Z0-9]+$/;
const principalSchema = z.object({ AWS: z.union([z.string(), z.array(z.string())]) });

export const namesDeleted = ({ Principal }: Statement): string | undefined =>
  [principalSchema.safeParse(Principal).data?.AWS ?? []].flat().find((each) => deletedPrincipal.test(each));

/** Whether a statement is as we wrote it, but for a user whom Dataloop has deleted since. */
export function isAsWritten(standing: Statement, ours: Statement): boolean {
  if (sameJson(standing, ours)) return true;
  return (
    namesDeleted(standing) !== undefined && sameJson({ ...standing, Principal: ours['Principal'] }, ours)
  );
}
