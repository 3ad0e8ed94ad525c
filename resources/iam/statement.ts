/** A statement of a function's policy, and the reason for it. All of them allow something. */
export interface Statement {
  readonly Sid: string;
  /** What the function does with it, and what bounds it: for docs/iam-statements.md. */
  readonly why: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Only where the deployment names such resources has the role the statement: a condition of the template. */
  readonly onlyIf?: 'NamesKmsKeys' | 'NamesAdoptableBuckets' | 'NamesAdoptableRoles';
}
