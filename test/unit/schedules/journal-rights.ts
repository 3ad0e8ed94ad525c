/** What the role of each function lets it write in the table, as IAM decides it: by the key, and by the attributes that a call names. */
import { roles } from '../../../resources/iam/roles.ts';

interface Call {
  readonly Key?: unknown;
  readonly Item?: unknown;
  readonly UpdateExpression?: string | undefined;
  readonly ConditionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
}

type Action = 'PutItem' | 'UpdateItem' | 'DeleteItem';

const words = /^(SET|REMOVE|AND|OR|NOT|IN|BETWEEN|attribute_exists|attribute_not_exists|if_not_exists)$/;

/** Top-level attributes that a call names. */
function attributesOf({
  Key,
  Item,
  UpdateExpression = '',
  ConditionExpression = '',
  ...call
}: Call): string[] {
  const names = call.ExpressionAttributeNames ?? {};
  const paths = `${UpdateExpression} ${ConditionExpression}`.match(/(?<![.:#\w])#?[A-Za-z_]\w*/g) ?? [];
  const inExpressions = paths.filter((path) => !words.test(path)).map((path) => names[path] ?? path);
  return [...new Set([...Object.keys(Key ?? {}), ...Object.keys(Item ?? {}), ...inExpressions])];
}

const valuesOf = (
  condition: Readonly<Record<string, unknown>> | undefined,
  key: string,
): string[] | undefined => (condition && key in condition ? [condition[key]].flat().map(String) : undefined);

const matches = (pattern: string, text: string): boolean =>
  pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : pattern === text;

/** @returns what is wrong with a write; undefined where the function may make it */
export function refusedWrite(
  functionName: string,
  action: Action,
  pk: string,
  call: Call,
): string | undefined {
  const attributes = attributesOf(call);
  const statements = roles.find((role) => role.functionName === functionName)?.statements ?? [];
  const isAllowed = statements.some(({ Action: actions, Condition = {} }) => {
    const keys = valuesOf(Condition['ForAllValues:StringLike'], 'dynamodb:LeadingKeys');
    const named = valuesOf(Condition['ForAllValues:StringEquals'], 'dynamodb:Attributes');
    const demanded = valuesOf(Condition['ForAnyValue:StringEquals'], 'dynamodb:Attributes');
    return (
      [actions].flat().includes(`dynamodb:${action}`) &&
      (keys?.some((pattern) => matches(pattern, pk)) ?? true) &&
      (named === undefined || attributes.every((attribute) => named.includes(attribute))) &&
      (demanded === undefined || attributes.some((attribute) => demanded.includes(attribute)))
    );
  });
  return isAllowed ? undefined : `${functionName} may not ${action} ${pk} (${attributes.join(', ')})`;
}
