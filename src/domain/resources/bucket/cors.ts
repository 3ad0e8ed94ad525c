/** What Dataloop's console needs of a bucket's CORS configuration: files go from the bucket straight to the browser. */

import { matchesPattern } from '../../model/allowed.ts';
import type { CorsRule } from '../../model/record.ts';

/** How many rules S3 takes (Amazon S3 User Guide, "Elements of a CORS configuration"). */
export const maximumCorsRules = 100;

/** What a browser sends for Dataloop's console. */
export const consoleMethods: readonly string[] = ['GET', 'HEAD', 'PUT', 'POST'];

/** The rule for Dataloop's console, under an id by which people know whose it is. */
export const corsRule = (id: string, origins: readonly string[]): CorsRule => ({
  ID: id,
  AllowedMethods: [...consoleMethods],
  AllowedOrigins: [...origins],
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
