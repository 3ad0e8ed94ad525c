/** Trust policies as text: what their statements say, and which of them the service has added. */
import * as z from 'zod';

const statementSchema = z.looseObject({
  Sid: z.string().optional(),
  Principal: z.looseObject({ AWS: z.unknown().optional() }).optional(),
});
export type Statement = z.infer<typeof statementSchema>;

const documentSchema = z.looseObject({
  Statement: z.union([z.array(statementSchema), statementSchema.transform((one) => [one])]),
});

export const trustOf = (userArn: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: userArn }, Action: 'sts:AssumeRole' }],
});

const parsed = (text: string) => documentSchema.parse(JSON.parse(text));

export const statementsOf = (text: string): readonly Statement[] => parsed(text).Statement;

export const withStatements = (text: string, Statement: readonly Statement[], indent?: number): string =>
  JSON.stringify({ ...parsed(text), Statement }, undefined, indent);

/** Whether documents say the same: a single statement may stand for a list of one. */
export const asDocument = (text: string): unknown => parsed(text);

const isOurs = ({ Sid = '' }: Statement): boolean => /^Dataloopint/.test(Sid);

export const ownersStatements = (text: string): Statement[] =>
  statementsOf(text).filter((each) => !isOurs(each));

/** The statement that the service added, whatever somebody has made of it. */
export const ourStatement = (text: string): Statement | undefined => statementsOf(text).find(isOurs);

/** As the service writes it: nothing more, nothing less. */
const isIntact = (statement: Statement): boolean =>
  isOurs(statement) && Object.keys(statement).sort().join() === 'Action,Effect,Principal,Sid';

/** The statement that was added for one integration, whatever somebody has made of it. */
export const statementFor = (text: string, integrationId: string): Statement | undefined =>
  statementsOf(text).find(({ Sid }) => Sid === `Dataloop${integrationId.replace('_', '')}`);

/** Whether somebody has changed the statement that was added for one integration. */
export function isStatementChanged(text: string, integrationId: string): boolean {
  const statement = statementFor(text, integrationId);
  return statement !== undefined && !isIntact(statement);
}

/** What is left for the document's owner where the service takes its own statement out. */
export function withoutOurs(text: string): string {
  const others = statementsOf(text).filter((each) => !isIntact(each));
  return others.length === statementsOf(text).length ? text : withStatements(text, others);
}

/** Whether a document lets one IAM user assume the role, on no condition. */
export const trusts = (text: string, userArn: string): boolean =>
  statementsOf(text).some(
    ({ Effect, Principal, Action, Condition }) =>
      Effect === 'Allow' &&
      Principal?.AWS === userArn &&
      Action === 'sts:AssumeRole' &&
      Condition === undefined,
  );
