/** A statement of a function's policy, and the reason for it. */
export interface Statement {
  readonly Sid: string;
  /** What the function does with it, and what bounds it: for docs/iam-statements.md. */
  readonly why: string;
  /** Left out: it allows. */
  readonly Effect?: 'Deny';
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Only where a parameter says so has the role the statement: a condition of the template. */
  readonly onlyIf?:
    | 'NamesKmsKeys'
    | 'NamesAdoptableBuckets'
    | 'NamesAdoptableRoles'
    | 'DeniesPlainHttp'
    | 'HasDataKey'
    | 'HasSecretKey'
    | 'UsesVpc';
}
