/** What Dataloop's console needs of a bucket's CORS configuration: files go from the bucket straight to the browser. */

import { matchesPattern } from '../../model/allowed.ts';
import type { DesiredState } from '../../model/desired-state.ts';
import type { CorsRule } from '../../model/record.ts';

/** How many rules S3 takes (Amazon S3 User Guide, "Elements of a CORS configuration"). */
export const maximumCorsRules = 100;

/** The rule for Dataloop's console, under an id by which people know whose it is. */
export const corsRule = (
  id: string,
  { corsOrigins, corsMethods }: Pick<DesiredState, 'corsOrigins' | 'corsMethods'>,
): CorsRule => ({
  ID: id,
  AllowedMethods: [...corsMethods],
  AllowedOrigins: [...corsOrigins],
  AllowedHeaders: ['*'],
  ExposeHeaders: ['ETag'],
  MaxAgeSeconds: 3000,
});

/** Whether one of the rules already allows all that another one would. */
export function alreadyAllowed(rules: readonly CorsRule[], wanted: CorsRule): boolean {
  const { AllowedMethods, AllowedOrigins } = wanted;
  return rules.some(
    (rule) =>
      AllowedMethods.every((method) => rule.AllowedMethods.includes(method)) &&
      AllowedOrigins.every((origin) =>
        rule.AllowedOrigins.some((pattern) => matchesPattern(origin, pattern)),
      ) &&
      (rule.AllowedHeaders ?? []).includes('*') &&
      (rule.ExposeHeaders ?? []).some((header) => header.toLowerCase() === 'etag'),
  );
}
