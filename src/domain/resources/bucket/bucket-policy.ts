/** The policy of an adopted bucket: it is not changed, but what it denies may stop Dataloop. */
import * as z from 'zod';
import { matchesPattern } from '../../model/allowed.ts';
import { type Grant, isUse, mayReach } from '../../model/permission-policy.ts';

const statementSchema = z.looseObject({
  Sid: z.string().optional(),
  Effect: z.string(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
type Statement = z.infer<typeof statementSchema>;
const policySchema = z.object({
  Statement: z.union([z.array(statementSchema), statementSchema.transform((one) => [one])]),
});

const listOf = (value: unknown): string[] => [value].flat().map(String);

/** Whether a statement may be about the role: about everybody, the account, or the role itself. */
function mayMean({ Principal, NotPrincipal }: Statement, roleArn: string): boolean {
  if (NotPrincipal !== undefined) return true;
  const [, , , , accountId = ''] = roleArn.split(':');
  const named = z.object({ AWS: z.unknown() }).safeParse(Principal).data?.AWS ?? Principal;
  const account = [accountId, roleArn.replace(/:role.*/, ':root')];
  return listOf(named).some((each) => each === '*' || each === roleArn || account.includes(each));
}

const ofAccount = ['aws:principalaccount', 'aws:resourceaccount', 's3:resourceaccount'];

/** Conditions that Dataloop's role never meets: it uses TLS, and it may be excepted by its ARN or its account. */
function neverMeets(operator: string, keys: Readonly<Record<string, unknown>>, roleArn: string): boolean {
  const [, , , , accountId = ''] = roleArn.split(':');
  return Object.entries(keys).some(([key, value]) => {
    const name = key.toLowerCase();
    if (name === 'aws:securetransport') return /^Bool/.test(operator) && listOf(value).includes('false');
    if (name === 's3:tlsversion') {
      return (
        /^NumericLessThan(?!Equals)/.test(operator) && listOf(value).every((each) => Number(each) <= 1.2)
      );
    }
    // A data perimeter: what is not of the account of role and bucket.
    if (ofAccount.includes(name))
      return /^StringNot(Like|Equals)/.test(operator) && listOf(value).includes(accountId);
    if (name !== 'aws:principalarn') return false;
    // To StringNotEquals, a wildcard is a character like others.
    return /^(ArnNot(Like|Equals)|StringNotLike)/.test(operator)
      ? listOf(value).some((pattern) => matchesPattern(roleArn, pattern))
      : /^StringNotEquals/.test(operator) && listOf(value).includes(roleArn);
  });
}

/** Whether a statement may be about the bucket or what is in the folder. */
const mayConcern = ({ Resource }: Statement, grant: Grant): boolean =>
  Resource === undefined || listOf(Resource).some((each) => mayReach(each, grant));

/**
 * The Sids of the statements that may deny Dataloop's role the use of the bucket, with the keys of their conditions.
 * @param grant what the role may do with the bucket
 */
export function hinderingStatements(
  document: unknown,
  roleArn: string,
  grant: Grant,
): { readonly sid: string; readonly keys: readonly string[] }[] {
  const policy = policySchema.safeParse(document).data;
  return (policy?.Statement ?? []).flatMap((statement, index) => {
    const { Sid, Effect, Condition, Action } = statement;
    const isOfUse = 'NotAction' in statement || listOf(Action).some(isUse);
    const conditions = Object.entries(Condition);
    if (Effect !== 'Deny' || !isOfUse || !mayMean(statement, roleArn) || !mayConcern(statement, grant))
      return [];
    if (conditions.some(([operator, keys]) => neverMeets(operator, keys, roleArn))) return [];
    const keys = conditions.flatMap(([, each]) => Object.keys(each));
    // Tools write an empty one where nobody gave one.
    return [{ sid: Sid || `number ${index + 1}, without a Sid`, keys }];
  });
}
